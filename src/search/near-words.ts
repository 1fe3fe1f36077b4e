// Typo tolerance that cannot hurt a correct request: only a word that no tool uses is replaced by the words nearest to it.
import { editDistance } from '../base/edit-distance.ts';

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
