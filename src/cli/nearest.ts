import { nearest as nearestSpelling } from '../config/problems.ts';

/** The candidate that `word` was probably meant to be: the only one that starts so, else the closest in spelling. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const longer = candidates.filter((candidate) => word.length > 1 && candidate.startsWith(word.toLowerCase()));
  return longer.length === 1 ? longer[0] : nearestSpelling(word, candidates);
}
