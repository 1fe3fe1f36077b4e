// Takes back our change of a file that was changed by others since: first line by line, which is byte-exact wherever
// they left our lines alone; for JSON then value by value. What they changed themselves is theirs and is named.
import { canonicalJson } from '../../base/canonical-json.ts';
import { isRecord } from '../../base/guards.ts';
import {
  type DocumentPath,
  editJsonc,
  isDeepEqual,
  type JsonOp,
  readJsonc,
  valueAt,
} from '../documents/jsonc-document.ts';
import { readToml } from '../documents/toml-document.ts';
import { diffLines, type Hunk, linesOf } from '../plan/line-diff.ts';

export type ThreeWayInput = { before: string; after: string; current: string; format: 'jsonc' | 'toml' | 'text' };
export type ThreeWayResult = { text: string; conflicts: string[] };

export function undoBeside(input: ThreeWayInput): ThreeWayResult {
  const byLine = undoByLine(input);
  if (input.format === 'text') return byLine;
  if (byLine.conflicts.length === 0 && isSound(input, byLine.text)) return byLine;
  if (input.format === 'jsonc') return undoByValue(input);
  return byLine.conflicts.length > 0 && 'value' in readToml(byLine.text)
    ? byLine
    : { text: input.current, conflicts: ['our lines and later changes stand too close together'] };
}

function undoByLine({ before, after, current }: ThreeWayInput): ThreeWayResult {
  const [a, b, c] = [linesOf(after), linesOf(before), linesOf(current)];
  const theirs = diffLines(a, c);
  const conflicts: string[] = [];
  const result = [...c];
  for (const ours of diffLines(a, b).reverse()) {
    const clash = theirs.some((hunk) => overlaps(hunk, ours));
    const start = positionIn(theirs, ours.fromA);
    const wanted = b.slice(ours.fromB, ours.toB);
    if (clash) {
      // They may have put our lines back themselves.
      const there = current.includes(wanted.join('')) && wanted.length > 0;
      const gone = !a.slice(ours.fromA, ours.toA).some((line) => current.includes(line));
      if (!(there && gone)) conflicts.push(`line ${start + 1}: changed since by somebody else`);
      continue;
    }
    result.splice(start, ours.toA - ours.fromA, ...wanted);
  }
  return { text: result.join(''), conflicts: conflicts.reverse() };
}

function overlaps(theirs: Hunk, ours: Hunk): boolean {
  if (ours.fromA === ours.toA) return theirs.fromA < ours.fromA && theirs.toA > ours.fromA;
  if (theirs.fromA === theirs.toA) return theirs.fromA > ours.fromA && theirs.fromA < ours.toA;
  return theirs.fromA < ours.toA && theirs.toA > ours.fromA;
}

/** Where line `at` of our text is in theirs; what they inserted right there comes behind it. */
function positionIn(theirs: readonly Hunk[], at: number): number {
  let shift = 0;
  for (const { fromA, toA, fromB, toB } of theirs) {
    if (toA > at || (toA === at && fromA === at)) break;
    shift += toB - fromB - (toA - fromA);
  }
  return at + shift;
}

/** The merged text reads, and holds neither more nor less than the merged values. */
function isSound(input: ThreeWayInput, text: string): boolean {
  if (input.format === 'toml') return 'value' in readToml(text);
  const reading = readJsonc(text);
  if ('reason' in reading) return false;
  const byValue = undoByValue(input);
  const expected = readJsonc(byValue.text);
  return byValue.conflicts.length === 0 && 'value' in expected && isDeepEqual(reading.value, expected.value);
}

function undoByValue({ before, after, current }: ThreeWayInput): ThreeWayResult {
  const [was, became, is] = [before, after, current].map((text) => readJsonc(text));
  if (!was || !became || !is || 'reason' in was || 'reason' in became || 'reason' in is) {
    const reason = is && 'reason' in is ? is.reason : 'cannot be read';
    return { text: current, conflicts: [`the file ${reason}`] };
  }
  const ops: JsonOp[] = [];
  const conflicts: string[] = [];
  collect({ was: was.value, became: became.value, is: is.value, path: [] }, ops, conflicts);
  return { text: editJsonc(current, ops), conflicts };
}

type Values = { was: unknown; became: unknown; is: unknown; path: DocumentPath };

function collect({ was, became, is, path }: Values, ops: JsonOp[], conflicts: string[]): void {
  if (isDeepEqual(was, became) && (was === undefined) === (became === undefined)) return;
  if (isRecord(was) && isRecord(became) && isRecord(is)) {
    for (const key of new Set([...Object.keys(was), ...Object.keys(became)])) {
      const inner = { was: at(was, key), became: at(became, key), is: at(is, key), path: [...path, key] };
      collect(inner, ops, conflicts);
    }
    return;
  }
  if (isSame(is, was)) return; // somebody undid it already
  if (isSame(is, became)) {
    ops.push(was === undefined ? { op: 'remove', path } : { op: 'set', path, value: was });
    return;
  }
  if (became !== undefined && was === undefined && isRecord(became) && isRecord(is)) {
    // A whole object was ours; they put something of their own into it.
    for (const key of Object.keys(became)) {
      collect({ was: undefined, became: at(became, key), is: at(is, key), path: [...path, key] }, ops, conflicts);
    }
    return;
  }
  if (Array.isArray(became) && Array.isArray(is) && (Array.isArray(was) || was === undefined)) {
    collectList({ was: was ?? [], became, is, path }, ops);
    return;
  }
  conflicts.push(`${path.join('.')}: changed since by somebody else`);
}

/** Elements that we added are taken out; elements that we took out come back. */
function collectList(
  lists: { was: unknown[]; became: unknown[]; is: unknown[]; path: DocumentPath },
  ops: JsonOp[],
): void {
  const textsOf = (list: readonly unknown[]) => new Set(list.map(canonicalJson));
  const [was, became] = [textsOf(lists.was), textsOf(lists.became)];
  const kept = lists.is.filter((value) => was.has(canonicalJson(value)) || !became.has(canonicalJson(value)));
  const there = textsOf(kept);
  const lost = lists.was.filter((value) => !became.has(canonicalJson(value)) && !there.has(canonicalJson(value)));
  const value = [...kept, ...lost];
  if (isDeepEqual(value, lists.is)) return;
  ops.push({ op: 'set', path: lists.path, value });
}

function at(value: Record<string, unknown>, key: string): unknown {
  return valueAt(value, [key]);
}

function isSame(a: unknown, b: unknown): boolean {
  return (a === undefined) === (b === undefined) && isDeepEqual(a, b);
}
