// Which names a server may have, and the form of it that stands in tool names, file names and folders.
import { createHash } from 'node:crypto';
import { withoutStacks } from '../base/mark-stacks.ts';

export const maxServerNameChars = 64;

/** Device names that Windows opens whatever the folder or ending: a config may be used on several machines. */
const windowsDevice = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])$/;

/** What is wrong with `name`, or undefined. */
export function whyBadName(name: string): string | undefined {
  if (name.trim() === '') return 'the name is empty';
  if ([...name].length > maxServerNameChars) return `the name is longer than ${maxServerNameChars} characters`;
  // Control, format (zero-width, bidirectional), unassigned, private and lone surrogate characters; line separators.
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(name)) return 'the name has control or invisible characters';
  if (/[/\\]/.test(name)) return 'the name has a path separator';
  if (name.includes('..')) return 'the name has ".."';
  if (windowsDevice.test(serverSlug(name))) return 'the name is a device on Windows';
  return undefined;
}

/**
 * `[a-z0-9-]`, never empty, no double hyphen. Letters outside ASCII cannot stay, so a piece of a hash stands for them:
 * names that only look alike stay apart.
 */
export function serverSlug(name: string): string {
  const bounded = withoutStacks(name);
  const lower = bounded.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  const plain = lower.replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '');
  if (plain !== '' && !/[^\x00-\x7f]/.test(lower)) return plain;
  const hash = createHash('sha256').update(bounded.normalize('NFKC').toLowerCase()).digest('hex').slice(0, 6);
  return plain === '' ? `s-${hash}` : `${plain}-${hash}`;
}
