// To normalise a text puts the marks of each letter in order, in time that grows with the square of their number: 80,000 of
// them take seventeen seconds (measured, Node 20). No script has more than a few.

const keptMarks = 8;
const stack = new RegExp(`(\\p{M}{${keptMarks}})\\p{M}+`, 'gu');

/** The text with at most eight marks in a row, for `normalize`. */
export function withoutStacks(text: string): string {
  return text.replace(stack, '$1');
}
