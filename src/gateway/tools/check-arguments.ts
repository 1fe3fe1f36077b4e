// Checks arguments against a tool's own schema before an upstream is started for them. The validator is loaded at the first
// use: sessions that list all tools never need it.

import type { Ajv, ValidateFunction } from 'ajv';
import { isRecord } from '../../base/guards.ts';
import { jsonBytes } from '../../results/exact-json.ts';
import type { LimitedWork } from '../../results/limited-work.ts';
import {
  isTooLarge,
  mayRunAway,
  mistakesOf,
  nothingPasses,
  ruleOf,
  type StructureMistake,
  type StructureRule,
} from '../../results/structure-rule.ts';
import type { ToolDefinition } from '../../search/tool-definition.ts';

/** What is wrong, one line each; empty when right, or when the schema itself cannot be used (the upstream then decides). */
export type ArgumentCheck = (tool: ToolDefinition, args: Record<string, unknown>) => Promise<string[]>;

/** What people mean well is done in microseconds. */
const checkMs = 500;
/** Larger arguments are checked in the thread, whatever their schema: each part of them meets each part of it. */
const mostHere = 65_536;
/** As many as help to choose another. */
const shownValues = 50;

type Check = (args: Record<string, unknown>) => Promise<readonly StructureMistake[]>;

/**
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
  const compiled = await compile(schema, { allErrors: true });
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

function mistakesIn(validate: ValidateFunction, args: Record<string, unknown>): StructureMistake[] {
  try {
    return validate(args) === true ? [] : mistakesOf(validate.errors);
  } catch {
    return []; // a schema that refers to itself without end: the upstream decides
  }
}

/**
 * What its output schema demands of a shortened structuredContent; undefined if it has none that can be used. Nothing
 * passes one that is too large to be read here: the structure then stays as it is.
 */
export async function structureRule(tool: ToolDefinition): Promise<StructureRule | undefined> {
  if (!isRecord(tool.outputSchema)) return undefined;
  if (isTooLarge(tool.outputSchema)) return nothingPasses;
  const compiled = await compile(tool.outputSchema, { allErrors: false });
  return compiled && ruleOf(compiled.validate, compiled.code, compiled.mayRunAway);
}

type Compiled = {
  readonly validate: ValidateFunction;
  readonly mayRunAway: boolean;
  /** For another thread. */
  readonly code: () => string;
};

/**
 * undefined: it does not compile, which is the upstream's mistake and no reason to refuse anything, or would take too long.
 * `allErrors`: a schema of alternatives has one for each of them and each item, so only where they are told.
 */
async function compile(whole: Record<string, unknown>, options: { allErrors: boolean }): Promise<Compiled | undefined> {
  if (isTooLarge(whole)) return undefined;
  try {
    // Schemas with $id would be remembered and clash; each gets a validator of its own.
    const { $id: _, ...schema } = whole;
    const validator = await newValidator(whole['$schema'], options);
    const validate = validator.compile(schema);
    const writeCode = await loadWriter();
    return { validate, mayRunAway: mayRunAway(schema), code: once(() => writeCode(validator, validate)) };
  } catch {
    return undefined;
  }
}

function once(make: () => string): () => string {
  let made: string | undefined;
  return () => {
    const text = made ?? make();
    made = text;
    return text;
  };
}

async function loadWriter() {
  const { default: standalone } = await import('ajv/dist/standalone/index.js');
  // A CommonJS module comes as its default or as what holds it, by who loads it.
  return 'default' in standalone && typeof standalone.default === 'function' ? standalone.default : standalone;
}

async function newValidator(dialect: unknown, { allErrors }: { allErrors: boolean }): Promise<Ajv> {
  // Formats are hints in JSON Schema unless a validator opts in; unknown keywords are common in the wild.
  const code = { source: true };
  const settings = { strict: false, allErrors, validateFormats: false, logger: false, code } as const;
  const isModern = typeof dialect === 'string' && dialect.includes('2020-12');
  if (isModern) {
    const { Ajv2020 } = await import('ajv/dist/2020.js');
    return new Ajv2020(settings);
  }
  const { Ajv } = await import('ajv');
  // Dialects without a validator here (draft-04, 2019-09) are read as draft-07, without their meta schema.
  return new Ajv({ ...settings, meta: true, validateSchema: false });
}
