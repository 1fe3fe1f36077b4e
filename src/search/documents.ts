// Documents with their terms in a row, in two tables for all of them: a small array for each would cost more than its terms.

/** The first `length` of `ids`; their weights are found by term number. */
export type WeightedTerms = { readonly ids: Int32Array; readonly length: number; readonly weightOf: Float64Array };
/** The documents from `from` up to `to`. */
export type DocumentGroup = { readonly from: number; readonly to: number };

/** Only grows; who removes documents copies what is left into a new one now and then. */
export class Documents<Doc> {
  readonly #docs: Doc[] = [];
  /** Where the terms of each document end. */
  readonly #ends: number[] = [];
  #length = 0;
  ids = new Int32Array(4_096);
  weights = new Float32Array(4_096);

  get count(): number {
    return this.#docs.length;
  }

  docAt(number: number): Doc | undefined {
    return this.#docs[number];
  }

  /** Of its terms in `ids` and `weights`; they end where the next document's begin. */
  startOf(doc: number): number {
    return doc === 0 ? 0 : (this.#ends[doc - 1] ?? 0);
  }

  add(doc: Doc, { ids, length, weightOf }: WeightedTerms): void {
    this.#reserve(length);
    const toIds = this.ids;
    const toWeights = this.weights;
    let to = this.#length;
    for (let at = 0; at < length; at += 1, to += 1) {
      const id = ids[at] ?? 0;
      toIds[to] = id;
      toWeights[to] = weightOf[id] ?? 0;
    }
    this.#length = to;
    this.#docs.push(doc);
    this.#ends.push(to);
  }

  takeFrom(other: Documents<Doc>, { from, to }: DocumentGroup): DocumentGroup {
    const [start, end] = [other.startOf(from), other.startOf(to)];
    this.#reserve(end - start);
    this.ids.set(other.ids.subarray(start, end), this.#length);
    this.weights.set(other.weights.subarray(start, end), this.#length);
    const group = { from: this.count, to: this.count + to - from };
    for (let doc = from; doc < to; doc += 1) this.#ends.push((other.#ends[doc] ?? 0) - start + this.#length);
    for (const doc of other.#docs.slice(from, to)) this.#docs.push(doc);
    this.#length += end - start;
    return group;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.ids.length) return;
    const [ids, weights] = [this.ids, this.weights];
    this.ids = new Int32Array(needed * 2);
    this.weights = new Float32Array(needed * 2);
    this.ids.set(ids);
    this.weights.set(weights);
  }
}
