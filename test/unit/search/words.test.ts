import { describe, expect, it } from 'vitest';
import { fileKindOf, splitClauses } from '../../../src/search/clauses.ts';
import { nearWords } from '../../../src/search/near-words.ts';
import { stem } from '../../../src/search/stem.ts';
import { Tokenizer } from '../../../src/search/tokenize.ts';

describe('stem', () => {
  it.each([
    ['converts', 'converter', 'conversion'],
    ['files', 'file'],
    ['creating', 'creates', 'create', 'creation'],
    ['queries', 'query'],
    ['calculation', 'calculate', 'calculator'],
  ])('gives %s and its forms one stem', (first, ...others) => {
    for (const other of others) expect(stem(other)).toBe(stem(first));
  });

  it('leaves words alone that only look inflected', () => {
    expect(stem('news')).toBe('news');
    expect(stem('status')).toBe('status');
    expect(stem('sing')).toBe('sing');
  });
});

describe('tokenizer', () => {
  const tokenizer = new Tokenizer();
  const terms = (text: string) => tokenizer.terms(text);
  it('splits identifiers and keeps the whole of mixed ones', () => {
    expect(terms('getHTTPResponse')).toEqual(['get', 'http', stem('response'), 'gethttpresponse']);
    expect(terms('base64')).toEqual(['bas', '64', 'base64']);
    expect(terms('read_file-now')).toEqual(['read', 'fil', 'now']);
  });

  it('drops accents and keeps other alphabets', () => {
    expect(terms('Café Über')).toEqual(terms('cafe uber'));
    expect(terms('поиск файлов')).toEqual(['поиск', 'файлов']);
  });

  it('cuts Chinese into words and separates them from Latin', () => {
    expect(terms('查询12306车票')).toEqual(['查询', '12306', '车票']);
  });

  it('reads a text of any length to its end, and a short one after it', () => {
    const long = terms(`${'read '.repeat(50_000)}结束`);
    expect(long).toHaveLength(50_001);
    expect(long.at(-1)).toBe('结束');
    expect(terms('write')).toEqual([stem('write')]);
  });
});

describe('splitClauses', () => {
  it('cuts at sentence ends and chaining words, never inside a file name or address', () => {
    expect(splitClauses('Read /a/b.c/x.md, then fetch https://e.org/a,b.html. Save it and stop')).toEqual([
      'Read /a/b.c/x.md',
      'fetch https://e.org/a,b.html',
      'Save it',
      'stop',
    ]);
  });

  it('says what a file name implies, and nothing for a folder', () => {
    expect(fileKindOf('/a/b.xlsx')).toBe('excel');
    expect(fileKindOf('/a/b.constructor')).toBeUndefined();
    expect(fileKindOf('/a/b.foo')).toBe('file');
    expect(fileKindOf('/a/b')).toBeUndefined();
  });
});

describe('nearWords', () => {
  it('finds words one edit away, two in long ones, nearest first', () => {
    expect(nearWords('calender', ['calendar', 'colander', 'dog'])).toEqual(['calendar', 'colander']);
    expect(nearWords('flie', ['file', 'fly'])).toEqual(['file']);
    expect(nearWords('cart', ['dart'])).toEqual([]);
    expect(nearWords('cat', ['car'])).toEqual([]);
  });
});
