// Counts tokens as o200k_base does: text is cut into words by a pattern, each word's bytes are joined pair by pair, the pair
// of lowest rank first. The vocabulary is a file beside the daemon, read only when something is counted.
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { readBytesIfPresent } from '../base/atomic-file.ts';

export type CountTokens = (text: string) => number;

const letters = String.raw`\p{Lm}\p{Lo}\p{M}`;
const ending = "(?:'(?:[sdmt]|ll|ve|re|[SDMT]|[lL][lL]|[vV][eE]|[rR][eE]))?";
/** The pattern that belongs to the vocabulary: words by case, numbers of three digits, signs, white space. */
const wordPattern = new RegExp(
  [
    String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}${letters}]*[\p{Ll}${letters}]+${ending}`,
    String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}${letters}]+[\p{Ll}${letters}]*${ending}`,
    String.raw`\p{N}{1,3}`,
    String.raw` ?[^\s\p{L}\p{N}]+[\r\n/]*`,
    String.raw`\s*[\r\n]+`,
    String.raw`\s+(?!\S)`,
    String.raw`\s+`,
  ].join('|'),
  'gu',
);
/** Joining is quadratic; longer "words" (base64) are joined in parts, which moves the count by less than one in a hundred. */
const maxWordBytes = 512;

/** undefined if the vocabulary is not there. */
export function openTokenizer(installRoot: string): CountTokens | undefined {
  const packed = readPacked(join(installRoot, 'dist', 'o200k.br'));
  // Not installed with it: who asks says that it estimates.
  if (!packed) return undefined;
  const ranks = readVocabulary(packed);
  const known = new Map<string, number>();
  return (text) => {
    let count = 0;
    for (const [word] of text.matchAll(wordPattern)) {
      const found = known.get(word) ?? countWord(Buffer.from(word), ranks);
      if (word.length < 32) known.set(word, found);
      count += found;
    }
    return count;
  };
}

function readPacked(path: string): Buffer | undefined {
  try {
    const bytes = readBytesIfPresent(path);
    return bytes && brotliDecompressSync(bytes);
  } catch {
    return undefined; // damaged
  }
}

/** One byte of length for each token, then the tokens; their place is their rank. */
function readVocabulary(packed: Buffer): Map<string, number> {
  const ranks = new Map<string, number>();
  let total = 0;
  let tokens = 0;
  // The lengths end where what they add up to reaches the end of the file.
  while (tokens + total < packed.length) {
    total += packed[tokens] ?? 0;
    tokens += 1;
  }
  for (let rank = 0, at = tokens; rank < tokens; rank += 1) {
    const end = at + (packed[rank] ?? 0);
    ranks.set(packed.toString('latin1', at, end), rank);
    at = end;
  }
  return ranks;
}

function countWord(bytes: Buffer, ranks: ReadonlyMap<string, number>): number {
  let count = 0;
  for (let from = 0; from < bytes.length; from += maxWordBytes) {
    count += joinPairs(bytes.toString('latin1', from, from + maxWordBytes), ranks);
  }
  return count;
}

function joinPairs(word: string, ranks: ReadonlyMap<string, number>): number {
  if (ranks.has(word)) return 1;
  const parts = [...word];
  for (;;) {
    let best = -1;
    let lowest = Number.POSITIVE_INFINITY;
    for (let i = 0; i + 1 < parts.length; i += 1) {
      const rank = ranks.get(`${parts[i]}${parts[i + 1]}`) ?? Number.POSITIVE_INFINITY;
      if (rank < lowest) [best, lowest] = [i, rank];
    }
    if (best < 0) return parts.length;
    parts.splice(best, 2, `${parts[best]}${parts[best + 1]}`);
  }
}
