// Which output schemas the official SDK can compile: it compiles each as soon as it has a list, and one that it cannot
// costs it the list. Its own validator is asked whether we know.
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRecord } from '../../../src/base/guards.ts';
import { whyNotCompiled } from '../../../src/mcp/output-schema.ts';

type Schema = Record<string, unknown>;

function compile(schema: Schema): string | undefined {
  try {
    new AjvJsonSchemaValidator().getValidator(schema);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

const references = [
  '#',
  '#/$defs/a',
  '#/$defs/b',
  '#/$defs/none',
  '#/properties/a',
  '#a',
  '#b',
  'a',
  'https://example.com/a',
];
const leaves: Record<string, unknown[]> = {
  type: ['string', 'object', ['string', 'null'], [], 'text', null, 5, '', ['text']],
  $ref: [...references, null, 5, '#/%', ''],
  $id: ['a', '#a', 'https://example.com/a', 5, null],
  $anchor: ['a', 'b', '9', 5],
  pattern: ['^a$', '[', '\\-', 5],
  format: ['date', 'email', 5],
  formatMinimum: ['2020-01-01', 5],
  minimum: [1, '1', null],
  minLength: [1, '1', -1],
  exclusiveMinimum: [1, true],
  uniqueItems: [true, 'yes'],
  nullable: [true, false, 'yes'],
  required: [['a'], [], null, 'a', true],
  enum: [['a', null], [], {}, null],
  const: [null, { $id: 'a' }],
  $async: [true, false],
  id: ['a', null],
  title: ['t', null],
  unknown: [{ $id: 'a' }, null, { $anchor: 'b' }],
};
type Member = [key: string, value: unknown];
const leaf = fc.constantFrom(...Object.entries(leaves).flatMap(([key, all]) => all.map((one): Member => [key, one])));
const { schema } = fc.letrec<{ schema: unknown }>((tie) => {
  const one = tie('schema');
  const map = fc.dictionary(fc.constantFrom('a', 'b', '[', 'id'), one, { maxKeys: 2 });
  const under = (value: fc.Arbitrary<unknown>, ...keys: string[]) =>
    fc.tuple(fc.constantFrom(...keys), value).map(([key, found]): Member => [key, found]);
  const member = fc.oneof(
    leaf,
    under(map, 'properties', 'patternProperties', '$defs', 'dependencies'),
    under(fc.array(one, { maxLength: 2 }), 'allOf', 'anyOf', 'oneOf', 'items'),
    under(one, 'items', 'not', 'if', 'then', 'additionalProperties', 'contains', 'additionalItems', 'unknown'),
  );
  const object = fc.array(member, { maxLength: 3 }).map((members) => Object.fromEntries(members));
  return { schema: fc.oneof({ maxDepth: 4 }, fc.constantFrom(true, false, null, 5, 'x', {}), object, object) };
});

const root = fc
  .tuple(fc.array(schema, { minLength: 1, maxLength: 2 }), fc.array(schema, { maxLength: 2 }))
  .map(([own, defs]) => ({
    type: 'object',
    properties: Object.fromEntries(own.map((one, i) => [`p${i}`, one])),
    $defs: Object.fromEntries(defs.map((one, i) => ['ab'[i] ?? 'c', one])),
  }));

it('is never sure of a schema that the SDK refuses', () => {
  let [taken, refused] = [0, 0];
  fc.assert(
    fc.property(root, (one) => {
      const why = compile(one);
      if (why === undefined) taken += 1;
      else refused += 1;
      if (why !== undefined) expect(whyNotCompiled(one), why).toBeDefined();
    }),
    { numRuns: 600 },
  );
  expect(Math.min(taken, refused)).toBeGreaterThan(50);
});

/** Each was refused by the SDK in some list, alone or beside another tool; an id that parsers read alike is worth more. */
it.each<Schema>([
  ...['urn:x', 'URN:x', 'constructor', '__proto__', '', '#', 'http://my host/x', '100%', '::', 'ä', 'a b'].map(
    ($id) => ({ type: 'object', $id }),
  ),
  ...[
    'http://json-schema.org/draft-07/schema',
    'https://example.com/r#',
    'HTTPS://example.com/r',
    'http://e:99999999/',
  ].map(($id) => ({ type: 'object', $id })),
  ...['https://example.com/r', 'a', '', '#', '#a'].map(($id) => ({ type: 'object', properties: { p: { $id } } })),
  ...[1, 'no', true].map(($async) => ({ type: 'object', properties: { p: { $async } } })),
  { type: 'object', $id: 'a', properties: { p: { $ref: 'a' } } },
])('is not sure of %j', (one) => {
  expect(whyNotCompiled(one)).toBeDefined();
});

describe('a schema as people write it', () => {
  const object = (property: Schema, more: Schema = {}): Schema => ({
    type: 'object',
    properties: { a: property },
    ...more,
  });
  const good: Schema[] = [
    object({ type: ['string', 'null'], description: 'd', default: null, examples: [1], format: 'uri', nullable: true }),
    object({ $ref: '#/$defs/a~1b%20c' }, { $defs: { 'a/b c': { type: 'integer', minimum: 0, multipleOf: 5 } } }),
    object({ $ref: '#' }, { $schema: 'https://json-schema.org/draft/2020-12/schema' }),
    object(
      { anyOf: [{ $ref: '#/definitions/a' }, { type: 'null' }] },
      { definitions: { a: { $ref: '#/definitions/b' }, b: {} } },
    ),
    object({
      type: 'array',
      items: [{ type: 'string' }],
      additionalItems: false,
      uniqueItems: true,
      prefixItems: [{}],
    }),
    object({ $ref: '#x' }, { $defs: { x: { $anchor: 'x', enum: ['a', 1, null] } } }),
    object(
      { $ref: 'https://example.com/s#/$defs/a' },
      { $id: 'https://example.com/s', $defs: { a: { const: { id: 1 } } } },
    ),
    object({ additionalProperties: { type: 'string' }, propertyNames: { pattern: '^[a-z]+$' }, minProperties: 1 }),
    object(
      JSON.parse('{"if":{"required":["x"]},"then":{"properties":{"id":{"type":"string"}}},"else":false,"not":{}}'),
    ),
    object({
      patternProperties: { '^\\p{L}+$': { type: 'number' } },
      dependencies: { a: ['b'], c: { minProperties: 2 } },
    }),
    object({
      type: 'string',
      format: 'date',
      formatMinimum: '2020-01-01',
      'x-own': null,
      discriminator: { propertyName: 'a' },
    }),
    object({ unevaluatedProperties: false, $dynamicRef: '#none', dependentRequired: { a: ['b'] } }),
  ];
  it.each(good)('is known to compile: %j', (one) => {
    expect(compile(one)).toBeUndefined();
    expect(whyNotCompiled(one)).toBeUndefined();
  });

  it('may refer through many others, but not through more than a compiler has room for', () => {
    const chain = (length: number): Schema => {
      const parts = Array.from({ length }, (_, i) => [`x${i}`, object({ $ref: `#/$defs/x${i + 1}` })]);
      return object({ $ref: '#/$defs/x0' }, { $defs: { ...Object.fromEntries(parts), [`x${length}`]: {} } });
    };
    expect([compile(chain(50)), whyNotCompiled(chain(50))]).toEqual([undefined, undefined]);
    expect(whyNotCompiled(chain(2_000))).toBe('is nested too deep');
    expect(compile(chain(2_000))).toContain('call stack');
  });

  it('says where it leads in a circle', () => {
    const circle = object({ $ref: '#/$defs/a' }, { $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } });
    expect(compile(circle)).toContain('call stack');
    expect(whyNotCompiled(circle)).toMatch(/leads too far/);
  });
});

it('looks at each part once, however often it is referred to', () => {
  const visits = (levels: number): number => {
    let count = 0;
    const counted = (schema: Schema): Schema =>
      new Proxy(schema, {
        ownKeys: (target) => {
          count += 1;
          return Reflect.ownKeys(target);
        },
      });
    const parts = Array.from({ length: levels }, (_, i) => {
      const next = { $ref: `#/$defs/x${i + 1}` };
      return [`x${i}`, counted({ anyOf: [next, { not: next }] })];
    });
    const $defs = { ...Object.fromEntries(parts), [`x${levels}`]: {} };
    const schema = { type: 'object', properties: { a: { $ref: '#/$defs/x0' } }, $defs };
    expect(isRecord(schema) && whyNotCompiled(schema)).toBeUndefined();
    return count;
  };
  expect(visits(40)).toBeLessThan(2.5 * visits(20));
});
