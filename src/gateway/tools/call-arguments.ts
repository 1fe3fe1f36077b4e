// What a call of gateway_invoke or gateway_invoke_async asks for. Arguments in the wrong place are never dropped: a tool that
// is run without them may do far more than was asked.
import * as z from 'zod/mini';
import { isRecord } from '../../base/guards.ts';
import { type Compiled, compileSchema } from '../../results/compile-schema.ts';
import { jsonBytes } from '../../results/exact-json.ts';
import type { LimitedWork } from '../../results/limited-work.ts';
import { mistakesOf, type StructureMistake } from '../../results/structure-rule.ts';
import { type ArgumentCheck, boundedAnswer, type GatewayCall, type ToolAnswer } from './gateway-tool.ts';
import type { FoundTool } from './tool-id.ts';

/** Models write what the protocol calls it as often as what our schema does. */
export const argumentNames = ['args', 'arguments'] as const;

/** Shown as an object; what else a model may write is judged with the tool at hand. */
export const givenArguments = z.optional(z.unknown().check(z.meta({ type: 'object' })));

/** What says how the next try can be right; undefined: the call may be made. `own`: what our tool takes beside it. */
export async function refuseArguments(
  call: GatewayCall,
  { id, tool }: FoundTool,
  own: readonly string[] = [],
): Promise<ToolAnswer | undefined> {
  const { placed, wrong } = placeArguments(isRecord(call.args) ? call.args : {}, ['id', ...own]);
  if (placed && wrong.length === 0) wrong.push(...(await call.checkArguments(tool, placed)));
  if (wrong.length === 0) return undefined;
  const error = `Arguments of ${id} are wrong; it was not called.`;
  return boundedAnswer(call, { error, wrong, inputSchema: tool.inputSchema }, true);
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

/** Some models write an object as the JSON of it (see own-call.ts, which hands it on). */
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

/** What people mean well is done in microseconds. */
const checkMs = 500;
/** Larger arguments are checked in the thread, whatever their schema: each part of them meets each part of it. */
const mostHere = 65_536;
/** As many as help to choose another. */
const shownValues = 50;

type Check = (args: Record<string, unknown>) => Promise<readonly StructureMistake[]>;

/**
 * Arguments against the tool's own schema, before a server is started for them.
 * Compiling a schema takes longer than most calls, so each is compiled once, as long as its definition lives. `limited`:
 * where schemas are checked that could hold the calls of everybody.
 */
export function createArgumentCheck(limited: LimitedWork): ArgumentCheck {
  const compiled = new WeakMap<object, Promise<Check>>();
  return async ({ inputSchema }, args) => {
    if (!isRecord(inputSchema)) return [];
    const compiling = compiled.get(inputSchema) ?? createCheck(inputSchema, limited);
    compiled.set(inputSchema, compiling);
    const mistakes = await (await compiling)(args);
    return mistakes.map(({ instancePath, message, params }) => {
      const extra = typeof params['additionalProperty'] === 'string' ? ` "${params['additionalProperty']}"` : '';
      const values: unknown = params['allowedValues'];
      const allowed = Array.isArray(values) ? ` (${values.slice(0, shownValues).join(', ')})` : '';
      return `${instancePath === '' ? 'arguments' : instancePath.slice(1).replaceAll('/', '.')} ${message ?? 'is wrong'}${extra}${allowed}`;
    });
  };
}

async function createCheck(schema: Record<string, unknown>, limited: LimitedWork): Promise<Check> {
  const compiled = await compileSchema(schema, { allErrors: true });
  if (!compiled) return async () => [];
  return async (value) => {
    const bytes = jsonBytes(value);
    // Nested deeper than it can be written again: no other thread could be given it, and the server decides.
    if (!Number.isFinite(bytes)) return [];
    if (!compiled.mayRunAway && bytes <= mostHere) return mistakesIn(compiled.validate, value);
    const code = compiled.code();
    const outcome = await limited.run({ kind: 'check', code, value }, checkMs);
    return outcome?.kind === 'checked' ? outcome.mistakes : [];
  };
}

function mistakesIn(validate: Compiled['validate'], args: Record<string, unknown>): StructureMistake[] {
  try {
    return validate(args) === true ? [] : mistakesOf(validate.errors);
  } catch {
    return []; // a schema that refers to itself without end: the upstream decides
  }
}
