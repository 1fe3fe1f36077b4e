// What differs between a direct run and one through us. What two direct runs say differently is the server's own chance
// and does not count, word by word.
import { qualifyNames } from '../../src/mcp/tool-name.ts';
import { memberOf, textOf, type Value, without, write } from './exact-text.ts';
import type { Answer } from './host.ts';

/** With `why`: one that is meant. */
export type Difference = { where: string; what: string; why?: string };

/** Two direct runs and the one to compare. */
export type Trial<T> = { direct: T; again: T; found: T };

export type ListOptions = {
  /** Before each name, and left out of the comparison with it; undefined where names are the server's own. */
  prefix?: string | undefined;
};

const unknownList = 'a list that the server does not know is an empty one';

export function compareLists(where: string, trial: Trial<Answer>, { prefix }: ListOptions): Difference[] {
  const { direct, again, found } = trial;
  if (direct.error) {
    // A joint list has no place for one server's error; `status` says it.
    const isUnknown = write(memberOf(direct.error, 'code')) === '-32601' && found.items.length === 0 && !found.error;
    if (isUnknown) return prefix === undefined ? [{ where, what: 'is empty', why: unknownList }] : [];
    if (prefix === undefined) return compareAnswers(where, trial);
    return found.items.length === 0 ? [] : [{ where, what: `${found.items.length} entries for an error` }];
  }
  if (found.error) return [{ where, what: `an error: ${write(found.error).slice(0, 200)}` }];
  const [expected, second] = [byKey(direct, ''), byKey(again, '')];
  const shown = byKey(found, prefix ?? '', [...expected.keys()]);
  const missing = [...expected.keys()].filter((key) => !shown.has(key));
  const more = [...shown.keys()].filter((key) => !expected.has(key));
  const differences: Difference[] = [
    ...missing.map((key) => ({ where: `${where} ${key}`, what: 'is missing' })),
    ...more.map((key) => ({ where: `${where} ${key}`, what: 'is there, and not direct' })),
  ];
  const order = (keys: Iterable<string>) =>
    [...keys].filter((key) => !missing.includes(key) && !more.includes(key)).join();
  const isSteady = order(expected.keys()) === order(second.keys());
  if (isSteady && order(expected.keys()) !== order(shown.keys())) differences.push({ where, what: 'in another order' });
  const text = (value: Value | undefined) =>
    value === undefined ? '' : write(prefix === undefined ? value : without(value, 'name'));
  for (const [key, item] of expected) {
    if (missing.includes(key)) continue;
    const one = { direct: text(item), again: text(second.get(key) ?? item), found: text(shown.get(key)) };
    const isTitled = prefix !== undefined && one.found !== one.direct && one.found === text(withTitle(item, key));
    if (isTitled) differences.push({ where: `${where} ${key}`, what: 'has a title', why: titledWhy });
    else differences.push(...compareText(`${where} ${key}`, one));
  }
  return differences;
}

const titledWhy = 'its name cannot be shown whole, so its title says it';

/** A definition without a title, with its name in that place. */
function withTitle(item: Value, name: string): Value {
  if (item.kind !== 'object' || memberOf(item, 'title') !== undefined) return item;
  return { kind: 'object', members: [...item.members, ['title', { kind: 'leaf', text: JSON.stringify(name) }]] };
}

/** By address, else by name as the server wrote it: of those in `whole`, if it is shown otherwise. */
function byKey({ items }: Answer, prefix: string, whole: readonly string[] = []): Map<string, Value> {
  const shownAs = qualifyNames(prefix.replace(/__$/, ''), whole);
  return new Map(
    items.map((item) => {
      const address = textOf(memberOf(item, 'uri')) || textOf(memberOf(item, 'uriTemplate'));
      if (address) return [address, item];
      const shown = textOf(memberOf(item, 'name'));
      const own = shown.startsWith(prefix) ? shown.slice(prefix.length) : shown;
      const isOther = prefix !== '' && !whole.includes(own);
      return [(isOther && whole[shownAs.indexOf(shown)]) || own, item];
    }),
  );
}

export function compareAnswers(where: string, { direct, again, found }: Trial<Answer>): Difference[] {
  const whole = ({ items, error }: Answer) => write(error ?? items[0]);
  return compareText(where, { direct: whole(direct), again: whole(again), found: whole(found) });
}

export function compareText(where: string, { direct, again, found }: Trial<string>): Difference[] {
  if (found === direct || found === again) return [];
  if (direct !== again && hasSameWords(direct, again) && hasSameWords(direct, found)) return [];
  const masked = maskOf(direct, again, direct);
  const other = maskOf(direct, again, found);
  if (masked !== undefined && masked === other) return [];
  const [expected, shown] = [masked ?? direct, other ?? found];
  const at = [...expected].findIndex((_, i) => expected[i] !== shown[i]);
  const around = (text: string) => text.slice(Math.max(0, at - 60), at + 100);
  return [{ where, what: `direct …${around(expected)}…, here …${around(shown)}…` }];
}

/** `text` without the words in which the two direct ones differ; undefined where they have no common order. */
function maskOf(direct: string, again: string, text: string): string | undefined {
  const [first, second, own] = [wordsOf(direct), wordsOf(again), wordsOf(text)];
  if (first.length !== second.length || own.length !== first.length) return undefined;
  return own.map((word, i) => (first[i] === second[i] ? word : '*')).join('');
}

/** For a server that writes the same in another order at each start. */
function hasSameWords(one: string, other: string): boolean {
  return one.length === other.length && wordsOf(one).sort().join() === wordsOf(other).sort().join();
}

function wordsOf(text: string): string[] {
  return text.match(/\w+|\W/g) ?? [];
}
