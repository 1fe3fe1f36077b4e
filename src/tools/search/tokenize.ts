// Words of a text as index terms. Identifiers are split (camelCase, snake_case, letters from digits), English is stemmed,
// scripts without spaces are cut by Intl.Segmenter. The index and the query use the same function.
import { stem } from './stem.ts';

export type Tokenizer = {
  /** Terms in order, with repeats. Stop words are included: whoever searches drops them. */
  terms(text: string): string[];
  /** The same as numbers, for indexing: a table by number is twice as fast as a map by word. */
  ids(text: string): number[];
  idOf(term: string): number | undefined;
  termAt(id: number): string;
  /** A word as it was written that has this term: typos are compared with words, not with stems. */
  writtenAs(term: string): string;
};

type Part = { readonly term: string; readonly written: string };

/** Distinct words of ten thousand tools are some tens of thousands; beyond this the memory starts anew. */
const maxRemembered = 100_000;
const unspaced =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Khmer}\\p{Script=Lao}';
const unspacedScript = new RegExp(`[${unspaced}]`, 'u');
const scriptRuns = new RegExp(`[${unspaced}ー]+|[^${unspaced}ー]+`, 'gu');
const asciiOnly = /^[\x00-\x7f]*$/;
const asciiWord = /[A-Za-z0-9]+/g;
const anyWord = /[\p{L}\p{N}\p{M}]+/gu;

export function createTokenizer(): Tokenizer {
  // The same few thousand words make up all descriptions: splitting and stemming each only once is most of the speed.
  const remembered = new Map<string, number | readonly number[]>();
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
    const known = idOfTerm.get(term);
    if (known !== undefined) return known;
    idOfTerm.set(term, termOfId.length);
    if (written !== term) writtenOf.set(term, written);
    return termOfId.push(term) - 1;
  };
  const split = (word: string): number | readonly number[] => {
    const runs = unspacedScript.test(word) ? (word.match(scriptRuns) ?? []) : [word];
    const all = runs.flatMap((run) => (unspacedScript.test(run) ? segment(run) : splitIdentifier(run))).map(idFor);
    const [first] = all;
    const made = all.length === 1 && first !== undefined ? first : all;
    if (remembered.size >= maxRemembered) remembered.clear();
    remembered.set(word, made);
    return made;
  };
  const ids = (text: string): number[] => {
    const found: number[] = [];
    const words = text.match(asciiOnly.test(text) ? asciiWord : anyWord) ?? [];
    for (let at = 0; at < words.length; at += 1) {
      const word = words[at] ?? '';
      const made = remembered.get(word) ?? split(word);
      if (typeof made === 'number') found.push(made);
      else for (const id of made) found.push(id);
    }
    return found;
  };
  const termAt = (id: number): string => termOfId[id] ?? '';
  return {
    ids,
    termAt,
    terms: (text) => ids(text).map(termAt),
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
