// Words of a text as index terms. Identifiers are split (camelCase, snake_case, letters from digits), English is stemmed,
// scripts without spaces are cut by Intl.Segmenter. The index and the query use the same function.
import { withoutStacks } from '../base/mark-stacks.ts';
import { stem } from './stem.ts';
import { WordTable } from './word-table.ts';

export type TermNumbers = {
  idOf(term: string): number | undefined;
  termAt(id: number): string;
  /** Every number of a term is below this. */
  readonly termCount: number;
  /** A word as it was written that has this term: typos are compared with words, not with stems. */
  writtenAs(term: string): string;
};

/** Numbers in a row that one text after the other is read into: an array for each would be most of the garbage. */
export class TermList {
  ids = new Int32Array(4_096);
  length = 0;
  /** By term number: 1 for those that are left out. */
  readonly leftOut: Uint8Array;

  constructor(leftOut = new Uint8Array()) {
    this.leftOut = leftOut;
  }

  /** Makes room for `count` more. */
  reserve(count: number): void {
    if (this.length + count <= this.ids.length) return;
    const grown = new Int32Array((this.length + count) * 2);
    grown.set(this.ids);
    this.ids = grown;
  }
}

/**
 * The characters of one text after the other in the same array: copying a text there and reading it takes a fifth of
 * asking the string for each character, which has to find out every time what kind of string it is (measured, Node 20).
 */
class CodeUnits {
  #kept = roomFor(4_096);

  of(text: string, length: number): Uint16Array {
    const room = length <= this.#kept.units.length ? this.#kept : roomFor(length * 2);
    // A request of megabytes must not hold its room for ever.
    if (room.units.length <= maxKeptUnits) this.#kept = room;
    room.bytes.write(text, 0, length * 2, 'utf16le');
    return room.units;
  }
}

const maxKeptUnits = 65_536;

function roomFor(length: number) {
  const units = new Uint16Array(length);
  return { units, bytes: Buffer.from(units.buffer) };
}

/** V8 copies the whole text for each word of it (Node 20): no run without a space or sign is so long in earnest. */
const maxSegmented = 256;

type Part = { readonly term: string; readonly written: string };

const unspaced =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Khmer}\\p{Script=Lao}';
const unspacedScript = new RegExp(`[${unspaced}]`, 'u');
const scriptRuns = new RegExp(`[${unspaced}ー]+|[^${unspaced}ー]+`, 'gu');
const asciiOnly = /^[\x00-\x7f]*$/;
const anyWord = /[\p{L}\p{N}\p{M}]+/gu;
const plainWord = /^(?:[A-Z]?[a-z]+|[A-Z]+|\d+)$/;
/** 1 for letters and digits. */
const isWordChar = Uint8Array.from({ length: 128 }, (_, code) => (/\w/.test(String.fromCharCode(code)) ? 1 : 0));
isWordChar['_'.charCodeAt(0)] = 0;

/** A class, so that what V8 compiled for one index serves the next as well. */
export class Tokenizer implements TermNumbers {
  // The same few thousand words make up all descriptions: splitting and stemming each only once is most of the speed.
  readonly #known = new WordTable();
  readonly #codes = new CodeUnits();
  readonly #idOfTerm = new Map<string, number>();
  readonly #termOfId: string[] = [];
  readonly #writtenOf = new Map<string, string>();
  #segmenter: Intl.Segmenter | undefined;

  get termCount(): number {
    return this.#termOfId.length;
  }

  /** Terms in order, with repeats. Stop words are included: whoever searches drops them. */
  terms(text: string): string[] {
    const list = new TermList();
    this.read(text, list);
    return Array.from({ length: list.length }, (_, place) => this.termAt(list.ids[place] ?? 0));
  }

  idOf(term: string): number | undefined {
    return this.#idOfTerm.get(term);
  }

  termAt(id: number): string {
    return this.#termOfId[id] ?? '';
  }

  writtenAs(term: string): string {
    return this.#writtenOf.get(term) ?? term;
  }

  /** The same as numbers, for indexing: of the first `maxChars` characters, appended to `into`. */
  read(text: string, into: TermList, maxChars = text.length): void {
    const end = text.length < maxChars ? text.length : maxChars;
    const units = this.#codes.of(text, end);
    const known = this.#known;
    // At worst each letter is a part of an identifier that is kept whole as well.
    into.reserve(end * 2);
    const { ids, leftOut } = into;
    let { length } = into;
    let at = 0;
    while (at < end) {
      const from = at;
      let hash = 0;
      let other = 0;
      // Characters outside ASCII belong to the word here; which of them are none is decided once for each new word.
      for (; at < end; at += 1) {
        const code = units[at] ?? 0;
        if (code < 128 && isWordChar[code] === 0) break;
        hash = (Math.imul(hash, 31) + code) | 0;
        other = (Math.imul(other, 0x01000193) ^ code) | 0;
      }
      if (at === from) {
        at += 1;
        continue;
      }
      // The low bits of the first hash are those of the last letters alone.
      hash ^= hash >>> 15;
      const held = known.find(hash, other) || known.add(hash, other, this.#split(text.slice(from, at)));
      if (held > 0) {
        ids[length] = held - 1;
        if (leftOut[held - 1] !== 1) length += 1;
        continue;
      }
      for (const id of known.listOf(held)) {
        ids[length] = id;
        if (leftOut[id] !== 1) length += 1;
      }
    }
    into.length = length;
  }

  #split(word: string): number[] {
    if (plainWord.test(word)) {
      const written = word.toLowerCase();
      return [this.#idFor({ term: stem(written), written })];
    }
    const words = asciiOnly.test(word) ? [word] : (word.match(anyWord) ?? []);
    const runs = words.flatMap((part) => (unspacedScript.test(part) ? (part.match(scriptRuns) ?? []) : [part]));
    return runs
      .flatMap((run) => (unspacedScript.test(run) ? this.#segment(run) : splitIdentifier(run)))
      .map((part) => this.#idFor(part));
  }

  #segment(text: string): Part[] {
    this.#segmenter ??= new Intl.Segmenter('zh', { granularity: 'word' });
    const parts: Part[] = [];
    for (let at = 0; at < text.length; at += maxSegmented) {
      for (const { segment, isWordLike } of this.#segmenter.segment(text.slice(at, at + maxSegmented))) {
        if (isWordLike) parts.push({ term: segment, written: segment });
      }
    }
    return parts;
  }

  #idFor({ term, written }: Part): number {
    const id = this.#idOfTerm.get(term);
    if (id !== undefined) return id;
    this.#idOfTerm.set(term, this.#termOfId.length);
    if (written !== term) this.#writtenOf.set(term, written);
    return this.#termOfId.push(term) - 1;
  }
}

/** "getHTTPResponse2" is get, http, respons, 2; an identifier of several parts is also kept whole ("mp3", "base64"). */
function splitIdentifier(word: string): Part[] {
  const plain = asciiOnly.test(word)
    ? word
    : withoutStacks(word)
        .normalize('NFKD')
        .replace(/(\p{Script=Latin})\p{M}+/gu, '$1')
        .normalize('NFC');
  const parts = plain
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .replace(/(\p{L})(\p{N})/gu, '$1 $2')
    .replace(/(\p{N})(\p{L})/gu, '$1 $2')
    .toLowerCase()
    .split(' ')
    .filter((part) => part !== '');
  const terms = parts.map((part) => ({ term: stem(part), written: part }));
  const whole = parts.join('');
  if (parts.length > 1) terms.push({ term: whole, written: whole });
  return terms;
}
