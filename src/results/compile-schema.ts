// The schemas of tools made ready to check with. The validator is loaded at the first use: sessions that list all tools never
// need it.
import type { Ajv, ValidateFunction } from 'ajv';
import { isRecord } from '../base/guards.ts';
import { nothingPasses, ruleOf, type StructureRule } from './structure-rule.ts';

/**
 * What a tool's output schema demands of a shortened structuredContent; undefined if it cannot be used. Nothing
 * passes one that is too large to be read here: the structure then stays as it is.
 */
export async function structureRule(schema: unknown): Promise<StructureRule | undefined> {
  if (!isRecord(schema)) return undefined;
  if (isTooLarge(schema)) return nothingPasses;
  const compiled = await compileSchema(schema, { allErrors: false });
  return compiled && ruleOf(compiled.validate, compiled.code, compiled.mayRunAway);
}

export type Compiled = {
  readonly validate: ValidateFunction;
  readonly mayRunAway: boolean;
  /** For another thread. */
  readonly code: () => string;
};

/**
 * undefined: it does not compile, which is the upstream's mistake and no reason to refuse anything, or would take too long.
 * `allErrors`: a schema of alternatives has one for each of them and each item, so only where they are told.
 */
export async function compileSchema(
  whole: Record<string, unknown>,
  options: { allErrors: boolean },
): Promise<Compiled | undefined> {
  if (isTooLarge(whole)) return undefined;
  // Schemas with $id would be remembered and clash; each gets a validator of its own.
  const { $id: _, ...schema } = whole;
  for (const dialect of dialectsOf(whole)) {
    try {
      const validator = await newValidator(dialect, options);
      const validate = validator.compile(schema);
      const writeCode = await loadWriter();
      return { validate, mayRunAway: mayRunAway(schema), code: once(() => writeCode(validator, validate)) };
    } catch {
      // the next one may read it
    }
  }
  return undefined;
}

/** The protocol's default (revision 2025-11-25) where none is named; what that cannot read, as a list in `items`, is older. */
function dialectsOf({ $schema }: Record<string, unknown>): readonly unknown[] {
  return $schema === undefined ? ['2020-12', 'draft-07'] : [$schema];
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
  // Formats are hints in JSON Schema unless a validator opts in; unknown keywords are common in the wild. Without a precision
  // no number of cents is a multiple of 0.01.
  const settings = {
    ...({ strict: false, allErrors, validateSchema: false, validateFormats: false, logger: false } as const),
    ...{ code: { source: true }, multipleOfPrecision: 9 },
  };
  if (typeof dialect === 'string' && dialect.includes('2020-12')) {
    const { Ajv2020 } = await import('ajv/dist/2020.js');
    return new Ajv2020(settings);
  }
  const { Ajv } = await import('ajv');
  // Dialects without a validator here (draft-04, 2019-09) are read as draft-07, without their meta schema.
  return new Ajv({ ...settings, meta: true });
}

/** Each item is compared with all that an enumeration holds, one after the other. */
const mostCompared = 100;

/**
 * Patterns that try everything twice for each letter, references that double at each step, and items that are all compared
 * with each other or with a long list: nothing else can.
 */
function mayRunAway(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.length > mostCompared || schema.some(mayRunAway);
  if (!isRecord(schema)) return false;
  const { pattern, patternProperties, uniqueItems, $ref, $dynamicRef, $recursiveRef } = schema;
  if (isRecord(patternProperties) || uniqueItems === true) return true;
  if ([pattern, $ref, $dynamicRef, $recursiveRef].some((one) => typeof one === 'string')) return true;
  return Object.values(schema).some(mayRunAway);
}

/** Objects and lists of a schema; a tool of the servers that people use has 69 objects at most (527 tools counted). */
const maxParts = 400;

/** Whether it takes longer to compile than a call may hold all others: each part takes a third of a millisecond. */
function isTooLarge(schema: unknown): boolean {
  let parts = 0;
  for (const open: unknown[] = [schema]; open.length > 0 && parts <= maxParts; ) {
    const next = open.pop();
    if (typeof next !== 'object' || next === null) continue;
    parts += 1;
    for (const inner of Object.values(next)) if (typeof inner === 'object') open.push(inner);
  }
  return parts > maxParts;
}
