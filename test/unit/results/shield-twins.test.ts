// structuredContent and the texts that repeat it tell the same after shortening.

import { expect, it } from 'vitest';
import { isRecord } from '../../../src/base/guards.ts';
import { readResultBytes, stringifyExact } from '../../../src/results/exact-json.ts';
import { shieldResult } from '../../../src/results/shield.ts';
import { defaultShieldPolicy } from '../../../src/results/shrink.ts';

/** As a client gets it. */
function shield(json: string): { texts: string[]; structure: string } {
  const { result } = shieldResult(readResultBytes(Buffer.from(json)), defaultShieldPolicy, { put: () => 'REF' });
  if (!isRecord(result) || !Array.isArray(result['content'])) throw new Error('not a result');
  const texts = result['content'].map((block: unknown) => (isRecord(block) ? String(block['text']) : ''));
  return { texts, structure: stringifyExact(result['structuredContent']) };
}
const withText = (structure: string, text = structure) =>
  `{"content":[{"type":"text","text":${JSON.stringify(text)}}],"structuredContent":${structure}}`;

it('with ids that a double cannot hold, digit for digit', () => {
  const rows = Array.from(
    { length: 400 },
    (_, n) => `{"id":12345678901234${10_000 + n},"v":"${'y'.repeat(1_000)}${n}"}`,
  );
  const { texts, structure } = shield(withText(`{"items":[${rows.join(',')}]}`));
  expect(texts[0]).toBe(structure);
  expect(structure).toContain('{"id":1234567890123410000,"v":"yyyy');
});

it('with other spaces and spellings of numbers', () => {
  const rows = Array.from({ length: 200 }, (_, n) => `{"ts":${1_700_000_000_000_000 + n},"p":1.0}`);
  const { texts, structure } = shield(
    withText(`{"items":[${rows.join(',')}],"x":1}`, `{"x": 1.0, "items": [${rows.join(', ')}]}`),
  );
  expect(texts[0]).toBe(structure);
});

it('where a list comes as one text for each of its items', () => {
  const items = Array.from({ length: 100 }, (_, id) => ({ id, d: 'x'.repeat(200) }));
  const content = items.map((item) => ({ type: 'text', text: JSON.stringify(item, undefined, 2) }));
  const { texts, structure } = shield(JSON.stringify({ content, structuredContent: { result: items } }));
  expect(JSON.parse(structure)).toEqual({ result: items.slice(0, 50) });
  expect(texts.slice(0, -1).map((text) => JSON.parse(text))).toEqual(items.slice(0, 50));
  expect(texts.at(-1)).toContain('- blocks from 50 on left out (50): they repeat what structuredContent is without');
});

it('where a list of texts comes as one block for each', () => {
  const items = Array.from({ length: 60 }, (_, n) => `${n} ${'line\n'.repeat(3_000)}`);
  const content = items.map((text) => ({ type: 'text', text }));
  const { texts, structure } = shield(JSON.stringify({ content, structuredContent: { result: items } }));
  expect(JSON.parse(structure)).toEqual({ result: texts.slice(0, -1) });
});

it('where a text is one member as JSON', () => {
  const rows = Array.from({ length: 300 }, (_, id) => ({ id, d: 'x'.repeat(500) }));
  const { texts, structure } = shield(withText(JSON.stringify({ result: rows, ok: true }), JSON.stringify(rows)));
  expect(JSON.parse(structure).result).toEqual(JSON.parse(texts[0] ?? ''));
});
