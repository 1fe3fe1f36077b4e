import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares in the same time wherever the two differ, and whatever their lengths. */
export function isSameSecret(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
