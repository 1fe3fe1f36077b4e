import * as z from 'zod/mini';
import { cutChars } from '../../base/cut-text.ts';
import {
  boundedAnswer,
  type FoundHit,
  type GatewayCall,
  type GatewayTool,
  oneOrMore,
  readArguments,
  type ServerName,
  shownSchema,
} from './gateway-tool.ts';
import { findServer, unknownNote } from './tool-id.ts';

const maxLimit = 50;
const shape = z.object({
  query: z.string(),
  limit: z._default(z.int().check(z.minimum(1), z.maximum(maxLimit)), 10),
  offset: z._default(z.int().check(z.minimum(0)), 0),
  servers: z.optional(oneOrMore(z.array(z.string()))),
  readOnly: z.optional(z.boolean()),
});

export const gatewaySearch: GatewayTool = {
  name: 'gateway_search',
  description: 'Find tools by what you want to do, in words. Start here. Empty query lists all.',
  inputSchema: shownSchema(shape),
  async handle(call) {
    const { query, limit, offset, servers: named, readOnly } = readArguments(shape, call.args);
    const servers = named && named.length > 0 ? readServers(call, named) : undefined;
    await call.waitForAll(servers?.slugs);
    const find = (words: string, limit?: number): readonly FoundHit[] =>
      servers?.slugs.length === 0 ? [] : call.search(words, { limit, servers: servers?.slugs, readOnly });
    const tools = find(query, offset + limit)
      .slice(offset)
      .map((hit) => ({ ...hit, args: shownArguments(hit.args) }));
    const counts = { offset, limit, found: tools.length, all: () => find('').length };
    const unknown = call.unknownServers().filter(({ slug }) => !servers || servers.slugs.includes(slug));
    const notes = [
      servers && servers.wrong.length > 0 ? whichServers(servers.wrong, call.servers()) : undefined,
      servers?.slugs.length === 0 ? undefined : whatIsMissing(counts, { query, readOnly }),
      unknownNote(unknown),
    ].filter((note) => note !== undefined);
    return boundedAnswer(call, notes.length === 0 ? { tools } : { tools, note: notes.join(' ') });
  },
};

type Servers = { readonly slugs: readonly string[]; readonly wrong: readonly string[] };

function readServers(call: GatewayCall, named: readonly string[]): Servers {
  const servers = call.servers();
  const found = named.map((name) => ({ name, slug: findServer(servers, name)?.slug }));
  return {
    slugs: found.flatMap(({ slug }) => slug ?? []),
    wrong: found.flatMap(({ name, slug }) => (slug === undefined ? [name] : [])),
  };
}

/** A hit is to be recognised by them; who calls it reads the schema. */
const maxArguments = 20;
const maxArgumentName = 64;

function shownArguments(names: readonly string[]): string[] {
  const shown = names.slice(0, maxArguments).map((name) => cutChars(name, maxArgumentName));
  const left = names.length - shown.length;
  return left > 0 ? [...shown, `… and ${left} more: gateway_describe`] : shown;
}

/** More names than this are not read; a search without the filter finds the right one. */
const maxNames = 50;

function whichServers(wrong: readonly string[], servers: readonly ServerName[]): string {
  const shown = servers.slice(0, maxNames).map(({ slug }) => slug);
  const more = servers.length > shown.length ? ` and ${servers.length - shown.length} more` : '';
  return `No server is called ${wrong.join(', ')}. There are ${shown.join(', ')}${more}.`;
}

type Counts = { readonly offset: number; readonly limit: number; readonly found: number; readonly all: () => number };

/** Why a list is empty or not the whole, so that the next search is another one. */
function whatIsMissing(
  { offset, limit, found, all }: Counts,
  { query, readOnly }: { query: string; readOnly: boolean | undefined },
): string | undefined {
  const isList = query.trim() === '';
  const end = offset + found;
  if (isList && found === limit && end < all()) {
    return `Tools ${offset + 1} to ${end} of ${all()}; the next with "offset": ${end}.`;
  }
  if (found > 0) return undefined;
  if (offset > 0) return `No tool matches beyond the first ${offset}.`;
  if (readOnly) return 'No tool that says of itself that it only reads matches; search without readOnly.';
  return `No tool matches. Use other words, or an empty query to list all ${all()}.`;
}
