// A word of a command as a shell needs it: the borders of arguments are seen, nothing in it is hidden, and what is shown
// can be pasted.
import { visible } from './plain-text.ts';

const plainWord = /^[\w@%+=:,./~-]+$/;

/** `isPlain`: what needs no quotes for this reader. */
export function shellWord(text: string, isPlain = plainWord): string {
  if (isPlain.test(text)) return text;
  // The only quotes of a shell in which a character can be written as its number.
  if (visible(text) !== text) return `$'${visible(text.replace(/[\\']/g, '\\$&'), inShell)}'`;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function inShell(char: string): string {
  if (char === '\n') return '\\n';
  if (char === '\t') return '\\t';
  const code = (char.codePointAt(0) ?? 0).toString(16);
  return code.length > 4 ? `\\U${code.padStart(8, '0')}` : `\\u${code.padStart(4, '0')}`;
}
