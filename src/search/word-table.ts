// Words that were seen, found by the hash of their characters: nearly every word of a description was seen before, and
// cutting it out of its text or comparing it letter by letter would cost several times the look.

/** Distinct words of ten thousand tools are some tens of thousands; beyond this the memory starts anew. */
const maxWords = 100_000;
const firstSlots = 16_384;
/** Two hashes of 32 bits, then what `find` answers. */
const slotInts = 3;

/** Of two words that share both hashes one would be found by the other's terms: one chance in 10^9 at `maxWords`. */
export class WordTable {
  /** Open addressing, never more than half full. */
  #slots = new Int32Array(firstSlots * slotInts);
  #mask = firstSlots - 1;
  #lists: (readonly number[])[] = [];
  #size = 0;

  /** Of a word of one term that term plus one; below 0: of several, see `listOf`; 0: unknown. */
  find(hash: number, other: number): number {
    const slots = this.#slots;
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * slotInts;
      const held = slots[at + 2] ?? 0;
      if (held === 0 || (slots[at] === hash && slots[at + 1] === other)) return held;
    }
  }

  listOf(held: number): readonly number[] {
    return this.#lists[-held - 1] ?? [];
  }

  /** Returns what `find` will. */
  add(hash: number, other: number, terms: readonly number[]): number {
    if (this.#size >= maxWords) this.#reset(firstSlots);
    if ((this.#size + 1) * 2 > this.#mask) this.#grow();
    const [only] = terms;
    const held = terms.length === 1 && only !== undefined ? only + 1 : -this.#lists.push(terms);
    this.#place(hash, other, held);
    return held;
  }

  #place(hash: number, other: number, held: number): void {
    let slot = hash & this.#mask;
    while (this.#slots[slot * slotInts + 2] !== 0) slot = (slot + 1) & this.#mask;
    const at = slot * slotInts;
    this.#slots[at] = hash;
    this.#slots[at + 1] = other;
    this.#slots[at + 2] = held;
    this.#size += 1;
  }

  #grow(): void {
    const [slots, lists] = [this.#slots, this.#lists];
    this.#reset((this.#mask + 1) * 2);
    this.#lists = lists;
    for (let at = 0; at < slots.length; at += slotInts) {
      const held = slots[at + 2] ?? 0;
      if (held !== 0) this.#place(slots[at] ?? 0, slots[at + 1] ?? 0, held);
    }
  }

  #reset(slots: number): void {
    this.#slots = new Int32Array(slots * slotInts);
    this.#mask = slots - 1;
    this.#lists = [];
    this.#size = 0;
  }
}
