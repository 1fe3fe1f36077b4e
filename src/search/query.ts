// A request in words becomes clauses of weighted words. People and models describe whole tasks ("find X, then save it to
// /a/b.md"); each clause names one step, and each step wants its own tools.
import { fileKindOf, pathOrUrl, splitClauses } from './clauses.ts';
import type { SaidTerms } from './server-names.ts';
import { stopWords } from './stop-words.ts';
import { synonymGroups } from './synonyms.ts';
import type { Tokenizer } from './tokenize.ts';
import type { SearchTuning } from './tuning.ts';

export type Word = { readonly term: string; readonly weight: number; readonly synonyms: readonly string[] };
/** `maxTools`: a step that is only implied must not fill the list. */
export type Clause = { readonly words: readonly Word[]; readonly maxTools: number };
export type Query = { readonly whole: Clause; readonly clauses: readonly Clause[]; readonly said: SaidTerms };
export type QueryReader = (text: string) => Query;

const relativeDate =
  /\b(?:today|tomorrow|yesterday|tonight|now|(?:next|this|last|past|coming) (?:week|weekend|month|year|(?:mon|tues|wednes|thurs|fri|satur|sun)day|\d+ ?h|\d+ (?:hour|day|week|month)s?))\b/i;
const givesOutput =
  /\b(?:save[ds]?|writ\w+|draft\w*|generat\w+|creat\w+|export\w*|stor\w+|report|put|output|produc\w+|downloads?)\b/i;
/** Say nothing alone: single letters, ordinals' endings, small numbers. */
const emptyTerm = /^(?:[a-z]|\d{1,2}|th|st|nd|rd)$/;
/** Below the fifty best of a clause only chance matches follow. */
const maxTools = 50;
const maxDateTools = 3;

export function createQueryReader(tokenizer: Tokenizer, tuning: SearchTuning): QueryReader {
  const stops = new Set(stopWords.flatMap((word) => [word, ...tokenizer.terms(word)]));
  const synonyms = readSynonyms(tokenizer);

  const isTelling = (term: string): boolean => !stops.has(term) && !emptyTerm.test(term);
  const readClause = (text: string, factor = 1): Clause => {
    const weights = new Map<string, number>();
    const add = (words: string, weight: number): void => {
      for (const term of tokenizer.terms(words)) weights.set(term, Math.max(weights.get(term) ?? 0, weight));
    };
    const fileAction = givesOutput.test(text) ? 'write file' : 'read file';
    const spoken = text.replace(new RegExp(pathOrUrl, 'g'), (found) => {
      add(found.replace(/^https?:\/\//, ''), tuning.pathWeight);
      const kind = fileKindOf(found);
      if (kind) add(kind, tuning.impliedWeight);
      if (kind && kind !== 'url web page') add(fileAction, tuning.fileActionWeight);
      return ' ';
    });
    const said = tokenizer.terms(spoken);
    const telling = said.filter(isTelling);
    // A request of stop words only ("what is this for") still means those words.
    for (const term of telling.length > 0 || weights.size > 0 ? telling : said) weights.set(term, 1);
    const words = [...weights].map(([term, weight]) => ({
      term,
      weight: weight * factor,
      synonyms: weight > tuning.pathWeight ? (synonyms.get(term) ?? []) : [],
    }));
    return { words, maxTools };
  };
  return (text) => {
    const whole = readClause(text);
    const clauses = splitClauses(text)
      .map((part) => readClause(part))
      .filter(({ words }) => words.some(({ weight }) => weight > tuning.pathWeight));
    if (relativeDate.test(text)) {
      clauses.push({ ...readClause('current time date', tuning.dateWeight), maxTools: maxDateTools });
    }
    const said = tokenizer.terms(text);
    return {
      whole,
      clauses: clauses.length > 1 ? clauses : [],
      said: { all: new Set(said), telling: new Set(said.filter(isTelling)) },
    };
  };
}

function readSynonyms(tokenizer: Tokenizer): ReadonlyMap<string, readonly string[]> {
  const sets = new Map<string, Set<string>>();
  for (const group of synonymGroups) {
    const terms = group.flatMap((word) => tokenizer.terms(word));
    for (const term of terms) {
      const others = sets.get(term) ?? new Set<string>();
      for (const other of terms) if (other !== term) others.add(other);
      sets.set(term, others);
    }
  }
  return new Map([...sets].map(([term, others]) => [term, [...others]]));
}
