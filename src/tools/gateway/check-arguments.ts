// Checks arguments against a tool's own schema before an upstream is started for them. The validator is loaded at the first
// use: sessions that list all tools never need it.
import type { Ajv, ValidateFunction } from 'ajv';
import { isObject } from '../exact-json.ts';
import { ruleOf, type StructureRule } from '../structure-rule.ts';
import type { ToolDefinition } from '../tool-definition.ts';

/** What is wrong, one line each; empty when right, or when the schema itself cannot be used (the upstream then decides). */
export type ArgumentCheck = (tool: ToolDefinition, args: Record<string, unknown>) => Promise<string[]>;

/** Compiling a schema takes longer than most calls, so each is compiled once, as long as its definition lives. */
export function createArgumentCheck(): ArgumentCheck {
  const compiled = new WeakMap<object, Promise<ValidateFunction | undefined>>();
  return async ({ inputSchema }, args) => {
    if (!isObject(inputSchema)) return [];
    const compiling = compiled.get(inputSchema) ?? compile(inputSchema);
    compiled.set(inputSchema, compiling);
    const validate = await compiling;
    if (!validate || isRight(validate, args)) return [];
    return (validate.errors ?? []).map(({ instancePath, message, params }) => {
      const extra = typeof params['additionalProperty'] === 'string' ? ` "${params['additionalProperty']}"` : '';
      const allowed = Array.isArray(params['allowedValues']) ? ` (${params['allowedValues'].join(', ')})` : '';
      return `${instancePath === '' ? 'arguments' : instancePath.slice(1).replaceAll('/', '.')} ${message ?? 'is wrong'}${extra}${allowed}`;
    });
  };
}

async function compile(inputSchema: Record<string, unknown>): Promise<ValidateFunction | undefined> {
  const validator = await newValidator(inputSchema['$schema']);
  try {
    // Schemas with $id would be remembered and clash; each gets a validator of its own.
    const { $id: _, ...schema } = inputSchema;
    return validator.compile(schema);
  } catch {
    return undefined; // a schema that does not compile is the upstream's mistake, not a reason to refuse the call
  }
}

function isRight(validate: ValidateFunction, args: Record<string, unknown>): boolean {
  try {
    return validate(args) === true;
  } catch {
    return true; // a schema that refers to itself without end: the upstream decides
  }
}

/** What its output schema demands of a shortened structuredContent; undefined if it has none that can be used. */
export async function structureRule(tool: ToolDefinition): Promise<StructureRule | undefined> {
  if (!isObject(tool.outputSchema)) return undefined;
  const validator = await newValidator(tool.outputSchema['$schema'], { source: true });
  const { default: standalone } = await import('ajv/dist/standalone/index.js');
  // A CommonJS module comes as its default or as what holds it, by who loads it.
  const writeCode =
    'default' in standalone && typeof standalone.default === 'function' ? standalone.default : standalone;
  try {
    const { $id: _, ...schema } = tool.outputSchema;
    const validate = validator.compile(schema);
    return ruleOf(validate, () => writeCode(validator, validate));
  } catch {
    return undefined; // does not compile: nobody can hold the result to it
  }
}

async function newValidator(dialect: unknown, code: { source?: boolean } = {}): Promise<Ajv> {
  // Formats are hints in JSON Schema unless a validator opts in; unknown keywords are common in the wild.
  const settings = { strict: false, allErrors: true, validateFormats: false, logger: false, code } as const;
  const isModern = typeof dialect === 'string' && dialect.includes('2020-12');
  if (isModern) {
    const { Ajv2020 } = await import('ajv/dist/2020.js');
    return new Ajv2020(settings);
  }
  const { Ajv } = await import('ajv');
  // Dialects without a validator here (draft-04, 2019-09) are read as draft-07, without their meta schema.
  return new Ajv({ ...settings, meta: true, validateSchema: false });
}
