// What a call of gateway_invoke or gateway_invoke_async asks for. Arguments in the wrong place are never dropped: a tool that
// is run without them may do far more than was asked.
import { isRecord } from '../../base/guards.ts';
import { boundedResult, type GatewayDeps } from './gateway-tool.ts';
import type { FoundTool } from './tool-id.ts';

/** Models write what the protocol calls it as often as what our schema does. */
export const argumentNames = ['args', 'arguments'] as const;

export type CallArguments = { readonly args: Record<string, unknown> } | { readonly refusal: unknown };

/** `given`: to our own tool, which takes `options` beside the arguments. */
export type AskedCall = { session: string; found: FoundTool; given: unknown; options?: readonly string[] };

/** A refusal says how the next try can be right. */
export async function readCallArguments(
  deps: GatewayDeps,
  { session, found: { id, tool }, given, options = [] }: AskedCall,
): Promise<CallArguments> {
  const { placed, wrong } = placeArguments(isRecord(given) ? given : {}, ['id', ...options]);
  if (placed && wrong.length === 0) wrong.push(...(await deps.checkArguments(tool, placed)));
  if (placed && wrong.length === 0) return { args: placed };
  const error = `Arguments of ${id} are wrong; it was not called.`;
  return { refusal: boundedResult(deps, session, { error, wrong, inputSchema: tool.inputSchema }, true) };
}

function placeArguments(given: Record<string, unknown>, own: readonly string[]) {
  const present = argumentNames.filter((name) => given[name] !== undefined);
  const [name = 'args'] = present;
  const beside = Object.keys(given).filter((key) => !own.includes(key) && key !== name);
  const placed = readObject(present.length === 0 ? {} : given[name]);
  const wrong: string[] = [];
  if (beside.length > 0) {
    const right = `{"id": …, "args": {${beside.map((key) => `${JSON.stringify(key)}: …`).join(', ')}}}`;
    wrong.push(`put the tool's arguments into "args", not beside it (${beside.join(', ')}): ${right}`);
  }
  if (!placed) wrong.push(`"${name}" must be an object, not ${kindOf(given[name])}`);
  return { placed, wrong };
}

/** Some models write an object as the JSON of it (see own-work.ts, which hands it on). */
function readObject(value: unknown): Record<string, unknown> | undefined {
  if (typeof value !== 'string') return isRecord(value) ? value : undefined;
  try {
    const read: unknown = JSON.parse(value);
    return isRecord(read) ? read : undefined;
  } catch {
    return undefined;
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'string' ? 'a text that is not the JSON of one' : `a ${typeof value}`;
}
