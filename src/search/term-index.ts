// An inverted index for BM25F. Documents come in groups (the tools of one server) and go with them; the lists by term are
// made anew at the first search after a change: turning all groups around at once costs less than keeping lists in order.
import { type DocumentGroup, Documents, type WeightedTerms } from './documents.ts';
import type { TermNumbers } from './tokenize.ts';

/** Slot numbers of documents and, at the same place, their weights; of both only from `from` up to `to`. */
export type Postings = {
  readonly slots: Int32Array;
  readonly weights: Float32Array;
  readonly from: number;
  readonly to: number;
};

export type TermIndex<Doc> = {
  readonly size: number;
  /** Every slot number is below this. They hold until the next change. */
  readonly slotCount: number;
  /** Adds a document to the group that is being written. */
  write(doc: Doc, terms: WeightedTerms): void;
  /** The documents written since the last `put` are the group from now on. */
  put(group: string): void;
  remove(group: string): void;
  docAt(slot: number): Doc | undefined;
  postings(term: string): Postings;
  /** How much a term tells: high for a rare one, near 0 for one in every document, highest for an unknown one. */
  rarity(term: string): number;
  vocabulary(): Iterable<string>;
  writtenAs(term: string): string;
};

type Inverted = {
  /** By slot: the number of the document. */
  readonly docs: Int32Array;
  /** By term number: where its postings begin; they end where the next ones begin. */
  readonly starts: Int32Array;
  readonly slots: Int32Array;
  readonly weights: Float32Array;
};

export function createTermIndex<Doc>(numbers: TermNumbers): TermIndex<Doc> {
  const groups = new Map<string, DocumentGroup>();
  let written = new Documents<Doc>();
  let putUpTo = 0;
  let inverted: Inverted | undefined;
  let size = 0;

  const current = (): Inverted => {
    if (inverted) return inverted;
    if (written.count > size * 2) {
      const kept = new Documents<Doc>();
      for (const [name, group] of groups) groups.set(name, kept.takeFrom(written, group));
      written = kept;
      putUpTo = kept.count;
    }
    inverted = invert(written, [...groups.values()], numbers.termCount);
    return inverted;
  };
  const remove = (name: string): void => {
    const group = groups.get(name);
    if (!group) return;
    size -= group.to - group.from;
    groups.delete(name);
    inverted = undefined;
  };
  const postings = (term: string): Postings => {
    const { starts, slots, weights } = current();
    const id = numbers.idOf(term);
    const from = id === undefined ? 0 : (starts[id] ?? 0);
    // A word that was first seen in a request has a number beyond the table.
    return { slots, weights, from, to: id === undefined ? 0 : (starts[id + 1] ?? from) };
  };
  return {
    get size() {
      return size;
    },
    get slotCount() {
      return size;
    },
    write: (doc, terms) => written.add(doc, terms),
    put(name) {
      remove(name);
      groups.set(name, { from: putUpTo, to: written.count });
      size += written.count - putUpTo;
      putUpTo = written.count;
      inverted = undefined;
    },
    remove,
    docAt: (slot) => written.docAt(current().docs[slot] ?? -1),
    postings,
    rarity(term) {
      const { from, to } = postings(term);
      return Math.log(1 + (size - (to - from) + 0.5) / (to - from + 0.5));
    },
    writtenAs: (term) => numbers.writtenAs(term),
    *vocabulary() {
      const { starts } = current();
      for (let id = 0; id + 1 < starts.length; id += 1) if (starts[id] !== starts[id + 1]) yield numbers.termAt(id);
    },
  };
}

/** Two passes over all terms: how many documents each has, then each into its place. */
function invert(written: Documents<unknown>, groups: readonly DocumentGroup[], termCount: number): Inverted {
  const { ids, weights: weightsOf } = written;
  const starts = new Int32Array(termCount + 1);
  let count = 0;
  for (const { from, to } of groups) {
    count += to - from;
    const end = written.startOf(to);
    for (let at = written.startOf(from); at < end; at += 1) {
      const after = (ids[at] ?? 0) + 1;
      starts[after] = (starts[after] ?? 0) + 1;
    }
  }
  for (let id = 0; id < termCount; id += 1) starts[id + 1] = (starts[id + 1] ?? 0) + (starts[id] ?? 0);
  const total = starts[termCount] ?? 0;
  const next = starts.slice();
  const [docs, slots, weights] = [new Int32Array(count), new Int32Array(total), new Float32Array(total)];
  let slot = 0;
  for (const { from, to } of groups) {
    for (let doc = from; doc < to; doc += 1, slot += 1) {
      docs[slot] = doc;
      const end = written.startOf(doc + 1);
      for (let at = written.startOf(doc); at < end; at += 1) {
        const id = ids[at] ?? 0;
        const place = next[id] ?? 0;
        next[id] = place + 1;
        slots[place] = slot;
        weights[place] = weightsOf[at] ?? 0;
      }
    }
  }
  return { docs, starts, slots, weights };
}
