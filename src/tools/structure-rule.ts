// Whether a structure that was shortened still passes its tool's output schema. A rule goes to the thread for large results
// as code: the thread then needs no validator, which is a tenth of the daemon's size.
import type { ValidateFunction } from 'ajv';
import equalModule from 'ajv/dist/runtime/equal.js';
import ucs2lengthModule from 'ajv/dist/runtime/ucs2length.js';
import { stringifyExact } from './exact-json.ts';

export type StructureRule = {
  passes(structure: unknown): boolean;
  /** For `readRule`, in another thread. */
  code(): string;
};

export function ruleOf(validate: ValidateFunction, code: () => string): StructureRule {
  return { passes: passesBy(validate), code };
}

/** `code`: of a rule of this daemon, never from outside. */
export function readRule(code: string): (structure: unknown) => boolean {
  const module: { exports: unknown } = { exports: undefined };
  new Function('module', 'require', code)(module, (name: string) => runtime.get(name));
  const validate = module.exports;
  if (typeof validate !== 'function') throw new Error('the code of a rule must be a function');
  return passesBy((structure) => validate(structure) === true);
}

/** Numbers that a double cannot hold are carried as marked strings: the schema speaks of numbers. */
function passesBy(validate: (structure: unknown) => unknown): (structure: unknown) => boolean {
  return (structure) => validate(JSON.parse(stringifyExact(structure))) === true;
}

/** All that the code refers to: formats, the only other part, are not checked. */
const runtime: ReadonlyMap<string, unknown> = new Map([
  ['ajv/dist/runtime/equal', { default: defaultOf(equalModule) }],
  ['ajv/dist/runtime/ucs2length', { default: defaultOf(ucs2lengthModule) }],
]);

/** A CommonJS module comes as its default or as what holds it, by who loads it. */
function defaultOf(module: unknown): unknown {
  return typeof module === 'object' && module !== null && 'default' in module ? module.default : module;
}
