// Whatever servers list, in whatever mixture: strict programs take the whole list, what is right is there byte for byte, and
// what is not is named.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isRecord } from '../../../src/base/guards.ts';
import { type ListName, listKinds, listNames } from '../../../src/mcp/lists.ts';
import { type Family, listingOf, servedList } from '../../support/served-lists.ts';
import { refusal } from '../../support/strict-programs.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const icons = [{ src: 'https://example.com/i.png', mimeType: 'image/png', sizes: ['48x48'], theme: 'dark' }];
const annotations = { audience: ['user', 'assistant'], priority: 0.5, lastModified: '2025-01-12T15:00:58Z' };
const common = { title: 'T', description: 'd', icons, _meta: { a: 1 } };
/** Valid, with every member that the schemas look at. */
const whole: Record<ListName, Json> = {
  tools: {
    name: 'n',
    ...common,
    inputSchema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: { a: { type: 'string' }, b: {} },
      required: ['a'],
      additionalProperties: false,
    },
    outputSchema: {
      type: 'object',
      properties: { a: { type: 'array', items: { $ref: '#/$defs/x' } }, b: { enum: [1], minimum: 1 } },
      required: ['a'],
      $defs: { x: { type: 'string', pattern: '^a' } },
    },
    annotations: { title: 'A', readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
    execution: { taskSupport: 'optional' },
  },
  prompts: { name: 'n', ...common, arguments: [{ name: 'a', title: 'A', description: 'd', required: true }] },
  resources: { uri: 'x://n', name: 'n', ...common, mimeType: 'text/plain', size: 7, annotations },
  resourceTemplates: { uriTemplate: 'x://{n}', name: 'n', ...common, mimeType: 'text/plain', annotations },
};

/** Values of every kind, as they are written: some of them JSON.parse would not give back. */
const written = fc.oneof(
  fc.constantFrom('null', 'true', 'false', '0', '-1', '1.5', '2', '1e999', '-1e999', '1e-999', '12345678901234567890'),
  fc.constantFrom(
    '""',
    '"text"',
    '"object"',
    '"OBJECT"',
    '"\\ud83d"',
    '"\\udc00\\ud800"',
    '"\\\\ud800"',
    '"#/$defs/x"',
  ),
  fc.constantFrom(
    '[]',
    '{}',
    '[null]',
    '["object"]',
    '["object","null"]',
    '[[]]',
    '[{}]',
    '{"type":"object"}',
    '{"a":null}',
  ),
  fc.constantFrom(
    '{"type":"string"}',
    '{"$ref":"#/none"}',
    '{"$id":"i"}',
    '{"name":"x"}',
    '{"src":"y"}',
    '{"enum":[]}',
  ),
  fc.constantFrom(`${'['.repeat(120)}${']'.repeat(120)}`, `${'{"a":'.repeat(90)}1${'}'.repeat(90)}`),
  fc.json({ maxDepth: 3 }),
);

type Place = readonly (string | number)[];
function places(value: Json, at: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [at];
  const inside = Object.entries(value).flatMap(([key, one]) =>
    places(one, [...at, Array.isArray(value) ? Number(key) : key]),
  );
  return [at, ...inside];
}

type Change = { at: Place; how: 'replace' | 'remove' | 'twice' | 'add'; text: string };

/** The text of the value with these changes, each at its place. */
function changed(value: Json, changes: readonly Change[], at: Place = []): string | undefined {
  const own = changes.find((change) => change.at.length === at.length && change.at.every((part, i) => part === at[i]));
  if (own?.how === 'remove') return undefined;
  if (own?.how === 'replace') return own.text;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const parts = Object.entries(value).flatMap(([key, one]) => {
    const place = [...at, Array.isArray(value) ? Number(key) : key];
    const text = changed(one, changes, place);
    if (text === undefined) return [];
    const twice = changes.find((change) => change.how === 'twice' && change.at.join('/') === place.join('/'));
    const all = twice ? [twice.text, text] : [text];
    return all.map((part) => (Array.isArray(value) ? part : `${JSON.stringify(key)}:${part}`));
  });
  const added = own?.how === 'add' ? [Array.isArray(value) ? own.text : `"added":${own.text}`] : [];
  return Array.isArray(value) ? `[${[...parts, ...added].join(',')}]` : `{${[...parts, ...added].join(', ')} }`;
}

const entry = (list: ListName) => {
  const change: fc.Arbitrary<Change> = fc.record({
    at: fc.constantFrom(...places(whole[list])),
    how: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'twice', 'add'),
    text: written,
  });
  return fc
    .array(change, { maxLength: 3 })
    .map((changes) => ({ text: changed(whole[list], changes) ?? 'null', isGood: changes.length === 0 }));
};

/** Each under a name of its own, so that none is left out for another. */
function named(list: ListName, text: string, i: number): string {
  if (list === 'tools' || list === 'prompts') return text.replace('"name":"n"', `"name":"n${i}"`);
  return text.replace('x://n', `x://n${i}`).replace('x://{n}', `x://n${i}/{n}`);
}

const good: Record<ListName, string> = {
  tools: '{"name":"good" ,"inputSchema":{"type":"object"},"x":[1.50,12345678901234567890]}',
  prompts: '{"name":"good" ,"x":[1.50,12345678901234567890]}',
  resources: '{"uri":"y://good" ,"name":"good","x":[1.50,12345678901234567890]}',
  resourceTemplates: '{"uriTemplate":"y://{good}" ,"name":"good","x":[1.50,12345678901234567890]}',
};

/** What people are told it is called: by its number where it has no name. */
function toldName(list: ListName, text: string, i: number): string {
  const value: unknown = JSON.parse(text);
  const name = isRecord(value) ? value[listKinds[list].nameKey] : undefined;
  return typeof name === 'string' ? name : `#${i + 1}`;
}

it.each(listNames)('%s of any servers are taken as a whole by strict programs', (list) => {
  fc.assert(
    fc.property(fc.array(entry(list), { minLength: 1, maxLength: 6 }), (entries) => {
      const texts = entries.map(({ text }, i) => named(list, text, i));
      const bad = listingOf(list, [...texts, good[list]]);
      const fine = listingOf(list, [good[list].replace('y://', 'z://')]);
      expect(fine.faults).toBeUndefined();
      for (const family of ['older', 'newer'] as Family[]) {
        const joined = servedList(list, { bad, fine }, { family });
        expect(refusal(list, family, joined)).toBeUndefined();
        const plain = servedList(list, { bad }, { family, part: () => undefined });
        expect(plain).toContain(good[list]);
        for (const [i, { isGood }] of entries.entries()) if (isGood) expect(plain).toContain(texts[i]);
      }
      const told = new Set((bad.faults ?? []).map(({ name }) => name));
      const kept = new Set(bad.items.map(({ raw }) => raw.toString('utf8')));
      for (const [i, text] of texts.entries()) if (!kept.has(text)) expect(told).toContain(toldName(list, text, i));
      expect(bad.items.length + (bad.faults ?? []).filter(({ isLeftOut }) => isLeftOut).length).toBe(texts.length + 1);
    }),
    { numRuns: 100 },
  );
});
