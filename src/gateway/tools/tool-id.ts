// Finds a tool by the id a model wrote. Other gateways separate server and tool by `::` or `:`; models remember those. Of a
// server they know the name that a person gave it as well as ours.
import { cutChars } from '../../base/cut-text.ts';
import { AppError, describeError } from '../../base/errors.ts';
import { plainLine } from '../../base/plain-text.ts';
import type { ToolDefinition } from '../../search/tool-definition.ts';
import type { GatewayCall, ServerName, UnknownServer } from './gateway-tool.ts';

const separators = ['__', '::', ':', '.', '/'];

export type FoundTool = { readonly id: string; readonly tool: ToolDefinition };

/** Waits only for a server that the id names and that nobody knows yet. */
export async function findTool(call: GatewayCall, written: string): Promise<FoundTool | undefined> {
  const found = findKnown(call, written);
  const unknown = found ? undefined : unknownOwner(call, written);
  if (!unknown) return found;
  await call.waitFor(unknown.slug);
  return findKnown(call, written);
}

/** Throws TOOL_UNKNOWN with the nearest tools, so that the next call can be right. */
export async function getTool(call: GatewayCall, written: string): Promise<FoundTool> {
  const found = await findTool(call, written);
  if (found) return found;
  const unknown = unknownOwner(call, written);
  // What keeps the server from starting says more than that its tool is unknown.
  if (unknown?.error) throw unknown.error;
  throw new AppError({
    code: 'TOOL_UNKNOWN',
    message: `No tool has the id "${cutChars(written, 200)}".`,
    hint: nearIds(call, written),
  });
}

/** What an id that leads nowhere may have meant. */
export function nearIds(call: GatewayCall, written: string): string {
  const unknown = unknownOwner(call, written);
  if (unknown) return `Not known yet are the tools of ${whyUnknown(unknown)}`;
  const near = call.search(written, { limit: 3 }).map(({ id }) => id);
  return near.length > 0 ? `Did you mean ${near.join(', ')}?` : 'Use gateway_search to find its id.';
}

/** By any of its names; upper and lower case are one, as hosts and people mix them. */
export function findServer(servers: readonly ServerName[], written: string): ServerName | undefined {
  const isNamed = ({ names }: ServerName) => names.some((name) => name.toLowerCase() === written.toLowerCase());
  return servers.find(({ names }) => names.includes(written)) ?? servers.find(isNamed);
}

function findKnown(call: GatewayCall, written: string): FoundTool | undefined {
  const readings = serverReadings(call.servers(), written).flatMap(({ server: { slug, names }, tool }) => [
    call.idOf(slug, tool),
    ...names.map((name) => `${name}__${tool}`),
  ]);
  for (const id of new Set([written, ...readings])) {
    const tool = call.describe(id);
    if (tool) return { id, tool };
  }
  return undefined;
}

function unknownOwner(call: GatewayCall, written: string) {
  const owners = new Set(serverReadings(call.servers(), written).map(({ server }) => server.slug));
  return call.unknownServers().find(({ slug }) => owners.has(slug));
}

/** Names may hold a separator themselves, so no id is split without a server that it begins with. */
function serverReadings(servers: readonly ServerName[], written: string): { server: ServerName; tool: string }[] {
  return servers.flatMap((server) =>
    [...new Set(server.names)].flatMap((name) => {
      if (!written.toLowerCase().startsWith(name.toLowerCase())) return [];
      const rest = written.slice(name.length);
      const separator = separators.find((one) => rest.startsWith(one));
      return separator === undefined ? [] : [{ server, tool: rest.slice(separator.length) }];
    }),
  );
}

/** A note, not a report: `mcp-proxy status` has all of it. */
const maxServers = 5;
const maxReason = 200;

/** What a model is told of servers whose tools nobody knows yet: that a search did not see them, and why. */
export function unknownNote(unknown: readonly UnknownServer[]): string | undefined {
  if (unknown.length === 0) return undefined;
  const shown = unknown.slice(0, maxServers).map(whyUnknown);
  const more = unknown.length > shown.length ? [`and ${unknown.length - shown.length} more servers`] : [];
  return `Not known yet are the tools of ${[...shown, ...more].join('; ')}`;
}

function whyUnknown({ slug, error }: UnknownServer): string {
  if (!error) return `${slug} (still starting: try again in some seconds)`;
  const reason = describeError(error);
  return `${slug} (${cutChars(plainLine(cutChars(reason, maxReason)), maxReason)})`;
}
