// The list of tools that a session is given in each mode: our own definitions, and real ones as they are.
import { createHash } from 'node:crypto';
import { type Edit, findMember, isObjectAt, objectMembers, splice } from '../base/json-scan.ts';
import type { SessionView } from '../calls/views.ts';
import type { Mode } from './choose-mode.ts';
import { gatewayTools } from './tools/gateway-tools.ts';
import { gatewayGetResult } from './tools/get-result.ts';
import { retrieveTools } from './tools/retrieve-tools.ts';

export type Offered = { readonly result: Buffer; readonly etag: string };
export type OfferOptions = {
  /** Dynamic mode: ids in order. */
  pool: readonly string[];
  isShielded: (slug: string) => boolean;
  maxResultBytes: number;
};

type Definition = { readonly name: string; readonly description: string; readonly inputSchema: unknown };

export function offerTools(mode: Mode, view: SessionView, options: OfferOptions): Offered {
  const joint = view.list('tools');
  const real = joint.items.map(({ name, target, raw }) => ({
    name,
    raw: options.isShielded(target.slug) ? withResultSize(raw, options.maxResultBytes) : raw,
  }));
  const own = (tools: readonly Definition[]) => tools.map((tool) => ownDefinition(tool, options.maxResultBytes));
  switch (mode) {
    case 'gateway':
      return join(own(gatewayTools));
    case 'dynamic': {
      const byName = new Map(real.map(({ name, raw }) => [name, raw]));
      const found = options.pool.flatMap((id) => byName.get(id) ?? []);
      return join([...own([retrieveTools, gatewayGetResult]), ...found]);
    }
    case 'all':
      return join([...real.map(({ raw }) => raw), ...own([gatewayGetResult])]);
  }
}

function join(items: readonly Buffer[]): Offered {
  const comma = Buffer.from(',');
  const body = items.flatMap((raw, i) => (i === 0 ? [raw] : [comma, raw]));
  const result = Buffer.concat([Buffer.from('{"tools":['), ...body, Buffer.from(']}')]);
  return { result, etag: createHash('sha256').update(result).digest('base64url').slice(0, 16) };
}

/** Hosts ask a person less for what only reads. */
const readers: ReadonlySet<string> = new Set([
  'gateway_search',
  'gateway_describe',
  'gateway_get_result',
  'retrieve_tools',
]);

function ownDefinition({ name, description, inputSchema }: Definition, maxResultBytes: number): Buffer {
  const annotations = readers.has(name) ? { annotations: { readOnlyHint: true } } : {};
  const raw = Buffer.from(JSON.stringify({ name, description, inputSchema, ...annotations }));
  return withResultSize(raw, maxResultBytes);
}

/**
 * Claude Code writes a result of more than 25,000 tokens to a file and shows 2 KB of it. Ours are inside their budget
 * already and say how to get the rest, so it is told to take them whole. A server that says a size itself knows better.
 */
function withResultSize(raw: Buffer, bytes: number): Buffer {
  const key = 'anthropic/maxResultSizeChars';
  const added = `${JSON.stringify(key)}:${bytes}`;
  const members = objectMembers(raw);
  const meta = findMember(members, '_meta');
  if (!meta) {
    const end = raw.lastIndexOf('}');
    return splice(raw, [{ at: { start: end, end }, with: `,"_meta":{${added}}` }]);
  }
  if (!isObjectAt(raw, meta) || findMember(objectMembers(raw, meta), key)) return raw;
  const isEmpty = objectMembers(raw, meta).length === 0;
  const edit: Edit = { at: { start: meta.start + 1, end: meta.start + 1 }, with: `${added}${isEmpty ? '' : ','}` };
  return splice(raw, [edit]);
}
