// BM25F's first half: the terms of one document with one weight each, summed over its fields. Field lengths are compared with
// fixed typical lengths, not averages, so adding one server never reorders the hits of another.
import type { WeightedTerms } from './documents.ts';
import { TermList } from './tokenize.ts';

export type Field = {
  readonly weight: number;
  /** In terms, stop words not counted. */
  readonly typicalLength: number;
};

/** BM25F's length norm within a field; 0 would ignore length, 1 would divide by it. */
const lengthEffect = 0.6;

/** Sums the fields of one document after the other in the same tables. */
export class FieldWeigher {
  /** 1 for the terms that say nothing. */
  readonly #isStop: Uint8Array;
  #sums = new Float64Array(4_096);
  readonly #touched = new TermList();
  readonly #field = new TermList();

  constructor(stopTerms: Iterable<number>) {
    const stops = [...stopTerms];
    this.#isStop = new Uint8Array(Math.max(0, ...stops) + 1);
    for (const id of stops) this.#isStop[id] = 1;
  }

  /** `read` appends the terms of the field. */
  add({ weight, typicalLength }: Field, read: (into: TermList) => void): void {
    this.#field.length = 0;
    read(this.#field);
    const { ids, length: count } = this.#field;
    const isStop = this.#isStop;
    let length = 0;
    let highest = 0;
    for (let at = 0; at < count; at += 1) {
      const id = ids[at] ?? 0;
      if (isStop[id] !== 1) length += 1;
      if (id > highest) highest = id;
    }
    if (highest >= this.#sums.length) this.#grow(highest);
    this.#touched.reserve(length);
    const [sums, touched] = [this.#sums, this.#touched];
    const each = weight / (1 - lengthEffect + (lengthEffect * length) / typicalLength);
    for (let at = 0; at < count; at += 1) {
      const id = ids[at] ?? 0;
      if (isStop[id] === 1) continue;
      const sum = sums[id] ?? 0;
      if (sum === 0) touched.ids[touched.length++] = id;
      sums[id] = sum + each;
    }
  }

  /** Hands the document's terms to `write` and starts the next one. */
  finish(write: (terms: WeightedTerms) => void): void {
    const [sums, { ids, length }] = [this.#sums, this.#touched];
    write({ ids, length, weightOf: sums });
    for (let at = 0; at < length; at += 1) sums[ids[at] ?? 0] = 0;
    this.#touched.length = 0;
  }

  #grow(id: number): void {
    const grown = new Float64Array(Math.max(id + 1, this.#sums.length * 2));
    grown.set(this.#sums);
    this.#sums = grown;
  }
}
