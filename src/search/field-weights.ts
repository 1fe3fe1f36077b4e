// BM25F's first half: the terms of one document with one weight each, summed over its fields. Field lengths are compared with
// fixed typical lengths, not averages, so adding one server never reorders the hits of another.
import type { WeightedTerms } from './documents.ts';
import { TermList, type Tokenizer } from './tokenize.ts';

export type Field = {
  readonly weight: number;
  /** In terms, stop words not counted. */
  readonly typicalLength: number;
};

/** BM25F's length norm within a field; 0 would ignore length, 1 would divide by it. */
const lengthEffect = 0.6;

/** Sums the fields of one document after the other in the same tables. */
export class FieldWeigher {
  readonly #tokenizer: Tokenizer;
  #sums = new Float64Array(4_096);
  readonly #touched = new TermList();
  /** Without the words that say nothing. */
  readonly #field: TermList;

  constructor(tokenizer: Tokenizer, stopWords: Iterable<string>) {
    this.#tokenizer = tokenizer;
    const stops = new TermList();
    for (const word of stopWords) tokenizer.read(word, stops);
    const isStop = new Uint8Array(tokenizer.termCount);
    for (const id of stops.ids.subarray(0, stops.length)) isStop[id] = 1;
    this.#field = new TermList(isStop);
  }

  /** Of `text` the first `maxChars` characters. */
  add({ weight, typicalLength }: Field, text: string, maxChars?: number): void {
    this.#field.length = 0;
    this.#tokenizer.read(text, this.#field, maxChars);
    const { ids, length } = this.#field;
    this.#touched.reserve(length);
    const sums = this.#sumsFor(this.#tokenizer.termCount);
    const touched = this.#touched.ids;
    let to = this.#touched.length;
    const each = weight / (1 - lengthEffect + (lengthEffect * length) / typicalLength);
    for (let at = 0; at < length; at += 1) {
      const id = ids[at] ?? 0;
      const sum = sums[id] ?? 0;
      if (sum === 0) touched[to++] = id;
      sums[id] = sum + each;
    }
    this.#touched.length = to;
  }

  /** Hands the document's terms to `write` and starts the next one. */
  finish(write: (terms: WeightedTerms) => void): void {
    const sums = this.#sums;
    const { ids, length } = this.#touched;
    write({ ids, length, weightOf: sums });
    for (let at = 0; at < length; at += 1) sums[ids[at] ?? 0] = 0;
    this.#touched.length = 0;
  }

  #sumsFor(termCount: number): Float64Array {
    if (termCount > this.#sums.length) {
      const grown = new Float64Array(termCount * 2);
      grown.set(this.#sums);
      this.#sums = grown;
    }
    return this.#sums;
  }
}
