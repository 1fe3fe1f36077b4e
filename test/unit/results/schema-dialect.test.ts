// A schema is read as its server means it: what the server would take is not refused.
import { describe, expect, it } from 'vitest';
import { compileSchema } from '../../../src/results/compile-schema.ts';

async function takes(schema: Record<string, unknown>, value: unknown) {
  const compiled = await compileSchema(schema, { allErrors: true });
  return compiled?.validate(value);
}

describe('the dialect of a schema', () => {
  it('is 2020-12 where the schema names none', async () => {
    const pair = {
      type: 'object',
      properties: { p: { prefixItems: [{ type: 'string' }], items: { type: 'number' } } },
    };
    expect(await takes(pair, { p: ['a', 1] })).toBe(true);
    expect(await takes(pair, { p: [1, 'a'] })).toBe(false);
  });

  it('is an older one where a schema that names none is written so', async () => {
    const pair = { type: 'object', properties: { p: { items: [{ type: 'string' }, { type: 'number' }] } } };
    expect(await takes(pair, { p: ['a', 1] })).toBe(true);
    expect(await takes(pair, { p: [1, 'a'] })).toBe(false);
  });

  it('does not make decimal fractions wrong that are no binary ones', async () => {
    const price = { type: 'object', properties: { price: { type: 'number', multipleOf: 0.01 } } };
    for (const dialect of [undefined, 'http://json-schema.org/draft-07/schema#']) {
      const schema = dialect === undefined ? price : { $schema: dialect, ...price };
      expect(await takes(schema, { price: 19.99 })).toBe(true);
      expect(await takes(schema, { price: 19.995 })).toBe(false);
    }
  });
});
