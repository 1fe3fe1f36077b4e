// A light English stemmer: plurals, -ing, -ed, -er and the noun endings that tool descriptions mix with their verbs
// ("conversion", "converter", "converts"). Both sides of the index use it, so a stem need not be a word.

const irregular = new Map(
  Object.entries({
    analyses: 'analyz',
    analysis: 'analyz',
    analytics: 'analyz',
    analytic: 'analyz',
    children: 'child',
    data: 'data',
    indices: 'index',
    latest: 'late',
    news: 'news',
    people: 'person',
    written: 'write',
    wrote: 'write',
    sent: 'send',
    found: 'find',
    bought: 'buy',
    sold: 'sell',
    made: 'make',
    took: 'take',
    taken: 'take',
    told: 'tell',
    running: 'run',
  }),
);

/** Endings by length, longest first; the second part replaces the ending. A stem keeps at least three letters. */
const endings: readonly (readonly [string, string])[] = [
  ['ization', 'iz'],
  ['isation', 'iz'],
  ['ications', 'ic'],
  ['ication', 'ic'],
  ['ations', ''],
  ['ation', ''],
  ['ators', ''],
  ['ator', ''],
  ['ating', ''],
  ['ities', 'i'],
  ['ments', ''],
  ['ment', ''],
  ['sions', 't'],
  ['sion', 't'],
  ['tions', 't'],
  ['tion', 't'],
  ['iness', 'i'],
  ['ness', ''],
  ['ates', ''],
  ['ated', ''],
  ['ate', ''],
  ['ity', 'i'],
  ['ies', 'i'],
  ['ied', 'i'],
  ['ings', ''],
  ['ing', ''],
  ['ers', ''],
  ['ors', ''],
  ['er', ''],
  ['or', ''],
  ['ed', ''],
  ['ly', ''],
  ['es', ''],
  ['s', ''],
  ['y', 'i'],
  ['e', ''],
];
const minStem = 3;
/** Most words end in a letter that no ending has. */
const endingsByLetter: ReadonlyMap<string, typeof endings> = new Map(
  endings.map(([ending]) => ending.slice(-1)).map((letter) => [letter, endings.filter(([of]) => of.endsWith(letter))]),
);

/** `word` is lower-case. Words with digits or outside a-z come back unchanged. */
export function stem(word: string): string {
  if (word.length <= minStem || !/^[a-z]+$/.test(word)) return word;
  const known = irregular.get(word);
  if (known !== undefined) return known;
  if (word.endsWith('ss') || word.endsWith('us') || word.endsWith('is')) return word;
  const rules = endingsByLetter.get(word[word.length - 1] ?? '');
  if (!rules) return word;
  for (const [ending, replacement] of rules) {
    if (!word.endsWith(ending)) continue;
    const rest = word.slice(0, -ending.length);
    if (rest.length < minStem || !/[aeiouy]/.test(rest)) continue;
    return undouble(rest + replacement);
  }
  return word;
}

/** "mapp" from "mapping" is "map", but "call" and "pass" keep both letters. */
function undouble(root: string): string {
  const [last, before] = [root.at(-1), root.at(-2)];
  return root.length > minStem && last === before && last !== 'l' && last !== 's' ? root.slice(0, -1) : root;
}
