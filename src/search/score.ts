// BM25 over concepts: a word and its synonyms are one concept, and a document gets the best of them, not their sum. Otherwise
// a tool that lists five synonyms would beat the one that says the word.
import { nearWords } from './near-words.ts';
import type { Word } from './query.ts';
import type { TermIndex } from './term-index.ts';
import type { SearchTuning } from './tuning.ts';

/** Scores by slot; `slots` says which are set, in no order. */
export type Scores = { readonly slots: readonly number[]; readonly scores: Float64Array };

export type ScoreSource<Doc> = {
  readonly index: TermIndex<Doc>;
  /** How much a term tells. */
  readonly rarity: (term: string) => number;
  readonly tuning: SearchTuning;
};

export function scoreDocs<Doc>(words: readonly Word[], source: ScoreSource<Doc>): Scores {
  const { index, rarity, tuning } = source;
  const scores = new Float64Array(index.slotCount);
  const covered = new Float64Array(index.slotCount);
  const concept = new Float64Array(index.slotCount);
  const slots: number[] = [];
  let mass = 0;
  for (const word of words) {
    const worth = rarity(word.term) * word.weight;
    // Words out of a path are extra: a tool that does not know them covers the request all the same.
    if (word.weight > tuning.pathWeight) mass += worth;
    for (const slot of scoreConcept(word, source, concept)) {
      const score = concept[slot] ?? 0;
      concept[slot] = 0;
      if (scores[slot] === 0) slots.push(slot);
      scores[slot] = (scores[slot] ?? 0) + score;
      covered[slot] = (covered[slot] ?? 0) + Math.min(score, worth);
    }
  }
  if (mass > 0) {
    for (const slot of slots) {
      scores[slot] = (scores[slot] ?? 0) * Math.min(1, (covered[slot] ?? 0) / mass) ** tuning.coverage;
    }
  }
  return { slots, scores };
}

/** Leaves the best score of each document in `into` (all zero before) and returns their slots. */
function scoreConcept<Doc>(word: Word, { index, rarity, tuning }: ScoreSource<Doc>, into: Float64Array): number[] {
  const touched: number[] = [];
  const k = tuning.saturation;
  const add = (term: string, worth: number): void => {
    const { slots, weights, from, to } = index.postings(term);
    for (let at = from; at < to; at += 1) {
      const slot = slots[at] ?? 0;
      const weight = weights[at] ?? 0;
      const score = (worth * weight * (k + 1)) / (weight + k);
      const before = into[slot] ?? 0;
      if (score <= before) continue;
      if (before === 0) touched.push(slot);
      into[slot] = score;
    }
  };
  const own = rarity(word.term);
  add(word.term, own * word.weight);
  // A synonym is worth no more than the word itself, however rare it is in this catalog.
  for (const other of word.synonyms) {
    add(other, Math.min(own, rarity(other)) * word.weight * tuning.synonymWeight);
  }
  if (touched.length === 0 && word.weight > tuning.pathWeight) {
    for (const near of nearWords(index.writtenAs(word.term), index.vocabulary(), index.writtenAs)) {
      add(near, rarity(near) * word.weight * tuning.nearWordWeight);
    }
  }
  return touched;
}
