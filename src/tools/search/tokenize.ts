// Words of a text as index terms. Identifiers are split (camelCase, snake_case, letters from digits), English is stemmed,
// scripts without spaces are cut by Intl.Segmenter. The index and the query use the same function.
import { stem } from './stem.ts';
import { WordTable } from './word-table.ts';

export type Tokenizer = {
  /** Terms in order, with repeats. Stop words are included: whoever searches drops them. */
  terms(text: string): string[];
  /** The same as numbers, for indexing: of the first `maxChars` characters, appended to `into`. */
  read(text: string, into: TermList, maxChars?: number): void;
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

  /** Makes room for `count` more. */
  reserve(count: number): void {
    if (this.length + count <= this.ids.length) return;
    const grown = new Int32Array((this.length + count) * 2);
    grown.set(this.ids);
    this.ids = grown;
  }
}

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

export function createTokenizer(): Tokenizer {
  // The same few thousand words make up all descriptions: splitting and stemming each only once is most of the speed.
  const known = new WordTable();
  const idOfTerm = new Map<string, number>();
  const termOfId: string[] = [];
  const writtenOf = new Map<string, string>();
  let segmenter: Intl.Segmenter | undefined;

  const segment = (text: string): Part[] => {
    segmenter ??= new Intl.Segmenter('zh', { granularity: 'word' });
    return [...segmenter.segment(text)]
      .filter((part) => part.isWordLike)
      .map((part) => ({ term: part.segment, written: part.segment }));
  };
  const idFor = ({ term, written }: Part): number => {
    const id = idOfTerm.get(term);
    if (id !== undefined) return id;
    idOfTerm.set(term, termOfId.length);
    if (written !== term) writtenOf.set(term, written);
    return termOfId.push(term) - 1;
  };
  const split = (word: string): number[] => {
    if (plainWord.test(word)) {
      const written = word.toLowerCase();
      return [idFor({ term: stem(written), written })];
    }
    const words = asciiOnly.test(word) ? [word] : (word.match(anyWord) ?? []);
    const runs = words.flatMap((part) => (unspacedScript.test(part) ? (part.match(scriptRuns) ?? []) : [part]));
    return runs.flatMap((run) => (unspacedScript.test(run) ? segment(run) : splitIdentifier(run))).map(idFor);
  };
  const read = (text: string, into: TermList, maxChars = text.length): void => {
    const end = Math.min(text.length, maxChars);
    // At worst each letter is a part of an identifier that is kept whole as well.
    into.reserve(end * 2);
    const { ids } = into;
    let { length } = into;
    let at = 0;
    while (at < end) {
      const from = at;
      let hash = 0;
      let other = 0;
      // Characters outside ASCII belong to the word here; which of them are none is decided once for each new word.
      for (let code = text.charCodeAt(at); code >= 128 || isWordChar[code] === 1; code = text.charCodeAt(at)) {
        hash = (Math.imul(hash, 31) + code) | 0;
        other = (Math.imul(other, 0x01000193) ^ code) | 0;
        at += 1;
        if (at === end) break;
      }
      if (at === from) {
        at += 1;
        continue;
      }
      // The low bits of the first hash are those of the last letters alone.
      hash ^= hash >>> 15;
      const held = known.find(hash, other) || known.add(hash, other, split(text.slice(from, at)));
      if (held > 0) {
        ids[length] = held - 1;
        length += 1;
      } else {
        for (const id of known.listOf(held)) {
          ids[length] = id;
          length += 1;
        }
      }
    }
    into.length = length;
  };
  const termAt = (id: number): string => termOfId[id] ?? '';
  return {
    read,
    termAt,
    get termCount() {
      return termOfId.length;
    },
    terms(text) {
      const list = new TermList();
      read(text, list);
      return Array.from({ length: list.length }, (_, place) => termAt(list.ids[place] ?? 0));
    },
    idOf: (term) => idOfTerm.get(term),
    writtenAs: (term) => writtenOf.get(term) ?? term,
  };
}

/** "getHTTPResponse2" is get, http, respons, 2; an identifier of several parts is also kept whole ("mp3", "base64"). */
function splitIdentifier(word: string): Part[] {
  const plain = asciiOnly.test(word)
    ? word
    : word
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
