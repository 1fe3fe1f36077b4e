// Keys that the schema does not know. They stay in the file and are no error: a typo is worth a word, not a failure.
import type * as z from 'zod/mini';
import { type Flaw, type JsonPath, maxProblems, nearest } from './problems.ts';

type Definition = {
  type: string;
  shape?: Record<string, z.core.$ZodType>;
  innerType?: z.core.$ZodType;
  valueType?: z.core.$ZodType;
  element?: z.core.$ZodType;
};

export function findUnknownKeys(schema: z.core.$ZodType, value: unknown, path: JsonPath = []): Flaw[] {
  const definition: Definition = schema._zod.def;
  if (definition.innerType) return findUnknownKeys(definition.innerType, value, path);
  if (Array.isArray(value)) {
    const { element } = definition;
    return element ? value.flatMap((entry, i) => findUnknownKeys(element, entry, [...path, i])) : [];
  }
  if (typeof value !== 'object' || value === null) return [];
  let unknown = 0;
  return Object.entries(value).flatMap(([key, inner]): Flaw[] => {
    if (definition.valueType) return findUnknownKeys(definition.valueType, inner, [...path, key]);
    if (!definition.shape) return [];
    const known = Object.hasOwn(definition.shape, key) ? definition.shape[key] : undefined;
    if (known) return findUnknownKeys(known, inner, [...path, key]);
    unknown += 1;
    if (unknown > maxProblems) return [];
    const near = nearest(key, Object.keys(definition.shape));
    const flaw = { path: [...path, key], what: 'is not a key we know; it is kept and has no effect' };
    return [near ? { ...flaw, hint: `Did you mean "${near}"?` } : flaw];
  });
}
