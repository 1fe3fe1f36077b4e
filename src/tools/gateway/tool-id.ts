// Finds a tool by the id a model wrote. Other gateways separate server and tool by `::` or `:`; models remember those.
import { AppError } from '../../base/errors.ts';
import type { ToolDefinition } from '../tool-definition.ts';
import type { GatewayDeps } from './gateway-tool.ts';

const separators = ['::', ':', '.', '/'];

export type FoundTool = { readonly id: string; readonly tool: ToolDefinition };

export function findTool(deps: GatewayDeps, session: string, written: string): FoundTool | undefined {
  for (const id of new Set([written, ...separators.map((separator) => written.replace(separator, '__'))])) {
    const tool = deps.describe(session, id);
    if (tool) return { id, tool };
  }
  return undefined;
}

/** Throws TOOL_UNKNOWN with the nearest tools, so that the next call can be right. */
export function getTool(deps: GatewayDeps, session: string, written: string): FoundTool {
  const found = findTool(deps, session, written);
  if (found) return found;
  throw new AppError({
    code: 'TOOL_UNKNOWN',
    message: `No tool has the id "${written.slice(0, 200)}".`,
    hint: nearIds(deps, session, written),
  });
}

/** What an id that leads nowhere may have meant. */
export function nearIds(deps: GatewayDeps, session: string, written: string): string {
  const accepts = (server: string, tool: string): boolean => deps.mayUse(session, server, tool);
  const near = deps.index.search(written, { limit: 3, accepts }).map(({ server, name }) => deps.idOf(server, name));
  return near.length > 0 ? `Did you mean ${near.join(', ')}?` : 'Use gateway_search to find its id.';
}
