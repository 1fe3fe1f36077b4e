// The promise of the shield on anything: nothing is lost, what comes out parses, fits and keeps its kind.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { isRecord } from '../../../src/base/guards.ts';
import { type Json, jsonBytes } from '../../../src/results/exact-json.ts';
import { ResultStore } from '../../../src/results/result-store.ts';
import type { ViewRequest } from '../../../src/results/result-view.ts';
import { shieldResult } from '../../../src/results/shield.ts';
import { defaultShieldPolicy } from '../../../src/results/shrink.ts';
import { readText } from '../../../src/results/text-forms.ts';
import { size } from '../../support/full-size.ts';
import { anyResult, handMadeResults, recordedResults } from './sample-results.ts';

const folder = mkdtempSync(join(tmpdir(), 'results-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const newStore = (): ResultStore => new ResultStore({ now: () => 0, spillFolder: join(folder, 'spill') });

const contentOf = (result: unknown): unknown[] =>
  isRecord(result) && Array.isArray(result['content']) ? result['content'] : [];
const textOf = (block: unknown): string | undefined => {
  if (!isRecord(block)) return undefined;
  if (typeof block['text'] === 'string') return block['text'];
  return isRecord(block['resource']) && typeof block['resource']['text'] === 'string'
    ? block['resource']['text']
    : undefined;
};
const withoutMedia = (result: unknown): unknown =>
  JSON.parse(
    JSON.stringify(result, (key, value: unknown) =>
      (key === 'data' || key === 'blob') && typeof value === 'string' ? '' : value,
    ),
  );

/** Reads a whole value page by page, as a model would. */
function fetchAll(store: ResultStore, ref: string, request: ViewRequest): unknown {
  const array: unknown[] = [];
  const entries: [string, unknown][] = [];
  let text = '';
  for (let offset: number | undefined = 0; offset !== undefined; ) {
    const view = store.get('me', ref, { ...request, offset });
    if (view.kind === 'media') return view.block;
    expect(jsonBytes(view)).toBeLessThanOrEqual(defaultShieldPolicy.maxTotalBytes / 2);
    if (view.kind === 'value') return view.data;
    const large = view.tooLarge ? fetchAll(store, ref, { ...request, path: view.tooLarge.path }) : undefined;
    if (view.kind === 'string') text += String(view.data);
    else if (Array.isArray(view.data)) array.push(...view.data, ...(view.tooLarge ? [large] : []));
    else {
      if (isRecord(view.data)) entries.push(...Object.entries(view.data));
      const key = /\[("(?:[^"\\]|\\.)*")\]$/.exec(view.tooLarge?.path ?? '')?.[1];
      if (key) entries.push([String(JSON.parse(key)), large]);
    }
    if (view.nextOffset === undefined)
      return view.kind === 'string' ? text : view.kind === 'array' ? array : Object.fromEntries(entries);
    expect(view.nextOffset).toBeGreaterThan(offset);
    offset = view.nextOffset;
  }
  return undefined;
}

function held(text: string): Json {
  const form = readText(text);
  if (form.form === 'json') return form.value;
  return form.form === 'plain' ? text : [...form.rows];
}

function checkPromise(original: unknown): void {
  const before = JSON.stringify(original);
  const store = newStore();
  const { result, ref } = shieldResult(original, defaultShieldPolicy, store.of('me'));
  expect(JSON.stringify(original)).toBe(before);
  if (ref === undefined) {
    expect(result).toBe(original);
    expect(jsonBytes(withoutMedia(result))).toBeLessThanOrEqual(defaultShieldPolicy.maxTotalBytes);
    return;
  }
  checkShape(original, result);
  for (const [block, part] of contentOf(original).entries()) {
    const text = textOf(part);
    expect(fetchAll(store, ref, { block })).toEqual(text === undefined ? part : held(text));
    if (text !== undefined) expect(fetchAll(store, ref, { block, raw: true, limit: 20_000 })).toBe(text);
  }
  if (isRecord(original) && original['structuredContent'] !== undefined) {
    expect(fetchAll(store, ref, {})).toEqual(original['structuredContent']);
  }
  store.close();
}

function checkShape(original: unknown, result: unknown): void {
  if (!isRecord(original) || !isRecord(result)) throw new Error('a result is an object');
  expect(jsonBytes(withoutMedia(result))).toBeLessThanOrEqual(defaultShieldPolicy.maxTotalBytes);
  expect(result['isError']).toBe(original['isError']);
  expect(result['_meta']).toMatchObject(isRecord(original['_meta']) ? original['_meta'] : {});
  expect('structuredContent' in result).toBe('structuredContent' in original);
  const images = (from: unknown): unknown[] =>
    contentOf(from).filter((block) => isRecord(block) && block['type'] === 'image');
  for (const image of images(result)) expect(images(original)).toContainEqual(image);
  const looksLikeJson = (text: string): boolean => /^\s*[[{]/.test(text);
  const texts = (from: unknown): string[] => contentOf(from).flatMap((block) => textOf(block) ?? []);
  if (texts(original).some((text) => looksLikeJson(text) && readText(text).form === 'plain')) return;
  for (const text of texts(result).slice(0, -1).filter(looksLikeJson))
    expect(['json', 'ndjson']).toContain(readText(text).form);
}

/** Under a budget that is nearly none, what is shown may be nothing but the way to the rest. */
function checkFit(original: unknown, maxBytes: number): void {
  const limits = { maxResults: 9, maxBytes: 1e9, maxAgeMs: 1e9, spillBytes: 1e9, maxViewBytes: maxBytes };
  const store = new ResultStore({ now: () => 0, spillFolder: join(folder, 'spill') }, limits);
  const { result, ref } = shieldResult(original, { ...defaultShieldPolicy, maxTotalBytes: maxBytes }, store.of('me'));
  expect(jsonBytes(withoutMedia(result))).toBeLessThanOrEqual(maxBytes);
  if (ref === undefined || !isRecord(result) || !isRecord(original)) return;
  expect(result['isError']).toBe(original['isError']);
  expect(JSON.stringify(result)).toContain(`gateway_get_result {\\"ref\\":\\"${ref}\\"}`);
  const view = store.get('me', ref, { limit: 10_000 });
  const answer = { content: [{ type: 'text', text: JSON.stringify(view) }] };
  if (view.kind !== 'media') expect(jsonBytes(answer)).toBeLessThanOrEqual(maxBytes);
}

describe('shielded results', () => {
  it.each(recordedResults())('loses nothing of the recorded result $name', ({ result }) => checkPromise(result));
  it.each(handMadeResults())('loses nothing of the hand-made result "$name"', ({ result }) => checkPromise(result));

  it('loses nothing of generated results', () => {
    fc.assert(fc.property(anyResult, checkPromise), { numRuns: size(300, 60), endOnFailure: true });
  }, 600_000);

  it.each([1_024, 3_000, 20_000])('fit a budget of %d bytes', (maxBytes) => {
    for (const { result } of [...handMadeResults(), ...recordedResults()]) checkFit(result, maxBytes);
    fc.assert(
      fc.property(anyResult, (result) => checkFit(result, maxBytes)),
      { numRuns: 30 },
    );
  });

  it('leaves no file behind', () => {
    expect(readdirSync(join(folder, 'spill'))).toEqual([]);
  });
});
