// An inverted index for BM25F: each document brings its terms with one weight each, summed over its fields. Field lengths are
// compared with fixed typical lengths, not averages, so adding one server never reorders the hits of another.

/** Term numbers of one document and, at the same place, their weights. */
export type WeightedTerms = { readonly ids: readonly number[]; readonly weights: readonly number[] };
export type TermNumbers = {
  idOf(term: string): number | undefined;
  termAt(id: number): string;
  writtenAs(term: string): string;
};
/** Documents by slot number and, at the same place, their weights: plain numbers keep ten thousand tools small. */
export type Postings = { readonly slots: readonly number[]; readonly weights: readonly number[] };

export type TermIndex<Doc> = {
  readonly size: number;
  /** Every slot number ever used is below this. */
  readonly slotCount: number;
  add(doc: Doc, terms: WeightedTerms): number;
  remove(slots: Iterable<number>): void;
  docAt(slot: number): Doc | undefined;
  postings(term: string): Postings;
  /** How much a term tells: high for a rare one, near 0 for one in every document, highest for an unknown one. */
  rarity(term: string): number;
  vocabulary(): Iterable<string>;
  writtenAs(term: string): string;
};

const noPostings: Postings = { slots: [], weights: [] };

export function createTermIndex<Doc>(numbers: TermNumbers): TermIndex<Doc> {
  const postingsOf: ({ slots: number[]; weights: number[] } | undefined)[] = [];
  const docs: ({ doc: Doc; ids: readonly number[] } | undefined)[] = [];
  const freeSlots: number[] = [];
  let size = 0;
  const find = (term: string): Postings | undefined => {
    const id = numbers.idOf(term);
    return id === undefined ? undefined : postingsOf[id];
  };
  return {
    get size() {
      return size;
    },
    get slotCount() {
      return docs.length;
    },
    add(doc, { ids, weights }) {
      const slot = freeSlots.pop() ?? docs.length;
      docs[slot] = { doc, ids };
      size += 1;
      for (let at = 0; at < ids.length; at += 1) {
        const id = ids[at] ?? 0;
        const weight = weights[at] ?? 0;
        const postings = postingsOf[id];
        if (postings) {
          postings.slots.push(slot);
          postings.weights.push(weight);
        } else postingsOf[id] = { slots: [slot], weights: [weight] };
      }
      return slot;
    },
    remove(slots) {
      const gone = new Set(slots);
      const touched = new Set<number>();
      for (const slot of gone) {
        const entry = docs[slot];
        if (!entry) continue;
        for (const id of entry.ids) touched.add(id);
        docs[slot] = undefined;
        freeSlots.push(slot);
        size -= 1;
      }
      for (const id of touched) {
        const left = withoutSlots(postingsOf[id] ?? noPostings, gone);
        postingsOf[id] = left.slots.length === 0 ? undefined : left;
      }
    },
    docAt: (slot) => docs[slot]?.doc,
    postings: (term) => find(term) ?? noPostings,
    rarity(term) {
      const holders = find(term)?.slots.length ?? 0;
      return Math.log(1 + (size - holders + 0.5) / (holders + 0.5));
    },
    writtenAs: numbers.writtenAs,
    *vocabulary() {
      for (const [id, postings] of postingsOf.entries()) if (postings) yield numbers.termAt(id);
    },
  };
}

function withoutSlots(postings: Postings, gone: ReadonlySet<number>): { slots: number[]; weights: number[] } {
  const left: { slots: number[]; weights: number[] } = { slots: [], weights: [] };
  for (const [at, slot] of postings.slots.entries()) {
    if (gone.has(slot)) continue;
    left.slots.push(slot);
    left.weights.push(postings.weights[at] ?? 0);
  }
  return left;
}

export type Field = {
  readonly ids: readonly number[];
  readonly weight: number;
  /** In terms, stop words not counted. */
  readonly typicalLength: number;
};

/** BM25F's length norm within a field; 0 would ignore length, 1 would divide by it. */
const lengthEffect = 0.6;

/** Returns the function that sums the fields of one document; it reuses one table for all documents. */
export function createFieldWeigher(isStop: (id: number) => boolean): (fields: readonly Field[]) => WeightedTerms {
  const sums: number[] = [];
  return (fields) => {
    const ids: number[] = [];
    for (const { ids: fieldIds, weight, typicalLength } of fields) {
      let length = 0;
      for (const id of fieldIds) if (!isStop(id)) length += 1;
      const each = weight / (1 - lengthEffect + (lengthEffect * length) / typicalLength);
      for (const id of fieldIds) {
        if (isStop(id)) continue;
        const sum = sums[id] ?? 0;
        if (sum === 0) ids.push(id);
        sums[id] = sum + each;
      }
    }
    const weights = ids.map((id) => sums[id] ?? 0);
    for (const id of ids) sums[id] = 0;
    return { ids, weights };
  };
}
