// Typo tolerance that cannot hurt a correct request: only a word that no tool uses is replaced by the words nearest to it.

/** Shorter words have too many neighbours: "cart" and "card" are one letter apart. */
const minLength = 4;
/** Longer ones are no words: to compare them letter by letter is not worth its time. */
const maxLength = 64;
const longLength = 8;
const maxNear = 3;

/** Up to three terms of the vocabulary whose words `term` may have meant, nearest first. */
export function nearWords(
  term: string,
  vocabulary: Iterable<string>,
  writtenAs: (term: string) => string = (same) => same,
): string[] {
  if (term.length < minLength || term.length > maxLength || !/^\p{L}+$/u.test(term)) return [];
  const maxEdits = term.length >= longLength ? 2 : 1;
  const near: { found: string; edits: number }[] = [];
  for (const found of vocabulary) {
    const word = writtenAs(found);
    if (Math.abs(word.length - term.length) > maxEdits || word.length < minLength - 1) continue;
    // People rarely miss the first letter; looking only there makes a scan of thirty thousand words cheap.
    if (word.charCodeAt(0) !== term.charCodeAt(0)) continue;
    const edits = editDistance(term, word, maxEdits);
    if (edits <= maxEdits) near.push({ found, edits });
  }
  return near
    .sort((a, b) => a.edits - b.edits || (a.found < b.found ? -1 : 1))
    .slice(0, maxNear)
    .map(({ found }) => found);
}

/** Insertions, deletions, replacements and swaps of neighbours; anything over `limit` comes back as more than it. */
function editDistance(a: string, b: string, limit: number): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    let best = i;
    for (let j = 1; j <= b.length; j += 1) {
      const same = a.charCodeAt(i - 1) === b.charCodeAt(j - 1);
      let edits = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) edits = Math.min(edits, (beforeLast[j - 2] ?? 0) + 1);
      row.push(edits);
      best = Math.min(best, edits);
    }
    if (best > limit) return limit + 1;
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? limit + 1;
}
