import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ResultStore } from '../../../src/results/result-store.ts';

let folder: string;
let now = 0;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'store-')), 'spill');
  now = 0;
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

const open = (limits = {}): ResultStore =>
  new ResultStore(
    { now: () => now, spillFolder: folder },
    { maxResults: 3, maxBytes: 10_000, maxAgeMs: 1_000, spillBytes: 2_000, ...limits },
  );
const rows = (count: number) => ({
  content: [
    {
      type: 'text',
      text: JSON.stringify(Array.from({ length: count }, (_, id) => ({ id, user: { name: `n${id}` } }))),
    },
  ],
});
const put = (store: ResultStore, session: string, result: unknown = rows(3)): string =>
  store.put(session, result) ?? 'refused';
const errorOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return JSON.stringify(error, ['name', 'code', 'message', 'hint']) + String(error);
  }
  return 'no error';
};

describe('result store', () => {
  it('answers the same to a foreign, a forged, an expired and an evicted reference', () => {
    const store = open();
    const foreign = put(store, 'other');
    const expired = put(store, 'me');
    const [a, b] = [
      errorOf(() => store.get('me', foreign, {})),
      errorOf(() => store.get('me', 'AAAAAAAAAAAAAAAAAAAAAA', {})),
    ];
    now = 1_001;
    const c = errorOf(() => store.get('me', expired, {}));
    const evicted = put(store, 'me');
    for (let n = 0; n < 3; n += 1) put(store, 'me');
    const d = errorOf(() => store.get('me', evicted, {}));
    expect(a).toContain('RESULT_UNKNOWN');
    expect([b, c, d]).toEqual([a, a, a]);
  });

  it('keeps a result in memory, within the same bound, when it cannot be written to disk', async () => {
    writeFileSync(folder, 'a file where the folder should be');
    const store = open();
    const [ref, other] = [put(store, 'me', rows(80)), store.newReference()];
    await store.putBytes('me', other, Buffer.from(JSON.stringify(rows(81))));
    expect(store.bytes).toBeGreaterThan(4_000);
    expect(store.get('me', ref, { path: '$[79].id' })).toMatchObject({ data: 79 });
    expect(await store.read('me', other, { path: '$[80].id' })).toMatchObject({ data: 80 });
    put(store, 'me', rows(200));
    expect(store.bytes).toBeLessThanOrEqual(10_000);
  });

  it('names the fields there are instead of rows of null, and how a path is written', () => {
    const store = open();
    const ref =
      store.put('me', { content: [], structuredContent: { items: [{ id: 1, by: { name: 'a' } }, { id: 2 }] } }) ?? '';
    const get = (request: object) => () => store.get('me', ref, request);
    expect(get({ fields: ['name'] })).toThrow('No name at "$": keys are items. Rows are at $.items.');
    expect(get({ path: '$.items', fields: ['nme'] })).toThrow('No nme at "$.items": keys are id, by.');
    expect(get({ path: '$.items', fields: ['by.name', 'nme'] })()).toMatchObject({ data: [{ 'by.name': 'a' }, {}] });
    expect(get({ path: '$..id' })).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('$.items[3].body') }),
    );
  });

  it('gives references of 128 bits that never repeat', () => {
    const store = open({ maxResults: 1_000, maxBytes: 10_000_000 });
    const refs = Array.from({ length: 500 }, () => put(store, 'me'));
    expect(new Set(refs).size).toBe(500);
    for (const ref of refs) expect(Buffer.from(ref, 'base64url')).toHaveLength(16);
  });

  it('counts results for each session, so one cannot push out those of another', () => {
    const store = open();
    const mine = put(store, 'me');
    for (let n = 0; n < 5; n += 1) put(store, 'other');
    expect(store.get('me', mine, {})).toMatchObject({ total: 3 });
  });

  it('stays below its bytes and refuses what alone exceeds them', () => {
    const store = open({ maxResults: 100 });
    for (let n = 0; n < 40; n += 1) put(store, `s${n}`, rows(20));
    expect(store.bytes).toBeLessThanOrEqual(10_000);
    expect(store.put('me', { text: 'x'.repeat(20_000) })).toBeUndefined();
  });

  it('refuses what is nested deeper than can be written, and goes on', () => {
    const store = open();
    expect(store.put('a', JSON.parse('['.repeat(50_000) + ']'.repeat(50_000)))).toBeUndefined();
    expect(put(store, 'a')).not.toBe('refused');
  });

  it('keeps large results in private files that go with the session, with age and with the store', () => {
    const store = open();
    const ref = put(store, 'me', rows(100));
    const [file] = readdirSync(folder);
    expect(statSync(join(folder, file ?? '')).mode & 0o777).toBe(0o600);
    expect(file).not.toContain(ref);
    expect(store.get('me', ref, { path: '$[99].user.name' })).toMatchObject({ data: 'n99' });
    store.closeSession('me');
    expect(readdirSync(folder)).toEqual([]);
    put(store, 'me', rows(100));
    now = 2_000;
    store.expire();
    expect(readdirSync(folder)).toEqual([]);
    put(store, 'me', rows(100));
    store.close();
    expect(readdirSync(folder)).toEqual([]);
    expect(store.bytes).toBe(0);
  });

  it('gives a reference to another session, in its old place, and only where it was', () => {
    const store = open({ maxResults: 1 });
    const ref = put(store, 'me', rows(100));
    store.adopt(ref, 'thief', 'thief');
    store.adopt('forged', 'me', 'other');
    expect(store.has('thief', ref)).toBe(false);
    now = 600;
    put(store, 'third');
    store.adopt(ref, 'me', 'other');
    expect(errorOf(() => store.get('me', ref, {}))).toContain('RESULT_UNKNOWN');
    expect(store.get('other', ref, { path: '$[99].id' })).toMatchObject({ data: 99 });
    store.closeSession('me');
    expect(store.has('other', ref)).toBe(true);
    // It is not younger for that, and what came after it is not taken for older.
    now = 1_001;
    store.expire();
    expect(store.has('other', ref)).toBe(false);
    expect(readdirSync(folder)).toEqual([]);
    expect(store.bytes).toBeGreaterThan(0);
    store.close();
    expect(store.bytes).toBe(0);
  });

  it('treats a result whose file somebody removed like an expired one', () => {
    const store = open();
    const ref = put(store, 'me', rows(100));
    rmSync(folder, { recursive: true });
    expect(errorOf(() => store.get('me', ref, {}))).toContain('RESULT_UNKNOWN');
  });
});

describe('views', () => {
  it('pages rows, projects fields through dots and maps a path over rows', () => {
    const store = open();
    const ref = put(store, 'me', rows(10));
    expect(store.get('me', ref, { offset: 2, limit: 2, fields: ['id', 'user.name', 'absent'] })).toEqual({
      kind: 'array',
      path: '$',
      total: 10,
      offset: 2,
      data: [
        { id: 2, 'user.name': 'n2', absent: null },
        { id: 3, 'user.name': 'n3', absent: null },
      ],
      nextOffset: 4,
    });
    expect(store.get('me', ref, { path: '$[*].id', limit: 3 })).toMatchObject({ data: [0, 1, 2] });
  });

  it('searches rows, and text with what stands around', () => {
    const store = open();
    const ref = put(store, 'me', {
      content: [...rows(20).content, { type: 'text', text: `${'a'.repeat(300)}NEEDLE${'b'.repeat(300)}` }],
    });
    expect(store.get('me', ref, { search: 'N1' })).toMatchObject({
      total: 11,
      rows: [1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
    });
    expect(store.get('me', ref, { block: 1, search: 'needle' })).toMatchObject({
      data: [{ at: 300, text: `${'a'.repeat(200)}NEEDLE${'b'.repeat(200)}` }],
    });
  });

  it('says what there is where a path leads nowhere', () => {
    const store = open();
    const ref = put(store, 'me');
    expect(errorOf(() => store.get('me', ref, { path: '$[0].nope' }))).toContain('keys are id, user');
    expect(errorOf(() => store.get('me', ref, { path: '$[0].constructor' }))).toContain('BAD_ARGUMENT');
    expect(errorOf(() => store.get('me', ref, { block: 4 }))).toContain('the result has 1');
  });
});
