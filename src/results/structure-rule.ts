// Whether a value passes a tool's schema: a structure that was shortened, or arguments. What a thread is to check goes there
// as code: it then needs no validator, which is a tenth of the daemon's size.

import type { ErrorObject, ValidateFunction } from 'ajv';
import equalModule from 'ajv/dist/runtime/equal.js';
import ucs2lengthModule from 'ajv/dist/runtime/ucs2length.js';
import { stringifyExact } from './exact-json.ts';

export type StructureRule = {
  passes(structure: unknown): boolean;
  /** For `readRule`, in another thread. */
  code(): string;
  /** How long it takes is up to the server that wrote it: only for a thread with a limit. */
  readonly mayRunAway: boolean;
};

export type StructureMistake = Pick<ErrorObject, 'instancePath' | 'message' | 'params'>;

/** For a rule that would take too long: then the structure stays as it is. */
export const nothingPasses: StructureRule = {
  passes: () => false,
  code: () => 'module.exports = () => false;',
  mayRunAway: false,
};

export function ruleOf(validate: ValidateFunction, code: () => string, mayRunAway: boolean): StructureRule {
  return { passes: passesBy(validate), code, mayRunAway };
}

/** `code`: of a schema that this daemon compiled, never from outside. */
export function readCheck(code: string): (value: unknown) => StructureMistake[] {
  const validate = readValidate(code);
  return (value) => (validate(value) === true ? [] : mistakesOf(validate.errors));
}

/** More of them at once tell nobody what to do. */
const maxMistakes = 20;

/** Without what a message to another thread cannot hold, and what nobody reads. */
export function mistakesOf(errors: readonly StructureMistake[] | null | undefined): StructureMistake[] {
  return (errors ?? []).slice(0, maxMistakes).map(({ instancePath, message, params }) => ({
    instancePath,
    ...(message === undefined ? {} : { message }),
    params,
  }));
}

/** `code`: of a rule of this daemon, never from outside. */
export function readRule(code: string): (structure: unknown) => boolean {
  return passesBy(readValidate(code));
}

type Validate = ((value: unknown) => unknown) & Pick<ValidateFunction, 'errors'>;

function readValidate(code: string): Validate {
  const module: { exports: Validate | undefined } = { exports: undefined };
  new Function('module', 'require', code)(module, (name: string) => runtime.get(name));
  if (typeof module.exports !== 'function') throw new Error('the code of a rule must be a function');
  return module.exports;
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
