// Differences between two texts by lines (Myers' greedy algorithm): for the plan's diff and for undoing beside later edits.

/** Lines [fromA, toA) of the first text became lines [fromB, toB) of the second. */
export type Hunk = { fromA: number; toA: number; fromB: number; toB: number };

/** More edits than this are shown and merged as one block; a migration makes a few dozen. Time and memory go with its square. */
const maxEdits = 1_000;

/** Lines with their line breaks, so that a text is exactly the sum of its lines. */
export function linesOf(text: string): string[] {
  return text === '' ? [] : (text.match(/[^\n]*\n|[^\n]+$/g) ?? []);
}

export function diffLines(a: readonly string[], b: readonly string[]): Hunk[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let endA = a.length;
  let endB = b.length;
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA -= 1;
    endB -= 1;
  }
  if (start === endA && start === endB) return [];
  const middle = myers(a.slice(start, endA), b.slice(start, endB));
  return middle.map(({ fromA, toA, fromB, toB }) => ({
    fromA: fromA + start,
    toA: toA + start,
    fromB: fromB + start,
    toB: toB + start,
  }));
}

function myers(a: readonly string[], b: readonly string[]): Hunk[] {
  const whole = [{ fromA: 0, toA: a.length, fromB: 0, toB: b.length }];
  if (a.length === 0 || b.length === 0) return whole;
  const furthest = new Map<number, number>([[1, 0]]);
  const trace: Map<number, number>[] = [];
  const limit = Math.min(a.length + b.length, maxEdits);
  for (let d = 0; d <= limit; d += 1) {
    trace.push(new Map(furthest));
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (furthest.get(k - 1) ?? -1) < (furthest.get(k + 1) ?? -1));
      let x = down ? (furthest.get(k + 1) ?? 0) : (furthest.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      furthest.set(k, x);
      if (x >= a.length && x - k >= b.length) return hunksOf(trace, a.length, b.length);
    }
  }
  return whole;
}

function hunksOf(trace: readonly Map<number, number>[], lengthA: number, lengthB: number): Hunk[] {
  const hunks: Hunk[] = [];
  let x = lengthA;
  let y = lengthB;
  for (let d = trace.length - 1; d > 0; d -= 1) {
    const row = trace[d] ?? new Map<number, number>();
    const k = x - y;
    const down = k === -d || (k !== d && (row.get(k - 1) ?? -1) < (row.get(k + 1) ?? -1));
    const beforeX = row.get(down ? k + 1 : k - 1) ?? 0;
    const beforeY = beforeX - (down ? k + 1 : k - 1);
    // One line deleted or inserted; equal lines behind it were skipped.
    const step = down
      ? { fromA: beforeX, toA: beforeX, fromB: beforeY, toB: beforeY + 1 }
      : { fromA: beforeX, toA: beforeX + 1, fromB: beforeY, toB: beforeY };
    const next = hunks[0];
    if (next && next.fromA === step.toA && next.fromB === step.toB) {
      next.fromA = step.fromA;
      next.fromB = step.fromB;
    } else hunks.unshift(step);
    x = beforeX;
    y = beforeY;
  }
  return hunks;
}

/** Unified diff without headers; `context` lines around each change. */
export function unifiedDiff(before: string, after: string, context = 3): string[] {
  const a = linesOf(before);
  const b = linesOf(after);
  const groups: Hunk[][] = [];
  for (const hunk of diffLines(a, b)) {
    const last = groups.at(-1);
    if (last && hunk.fromA - (last.at(-1)?.toA ?? 0) <= context * 2) last.push(hunk);
    else groups.push([hunk]);
  }
  return groups.flatMap((group) => renderGroup(group, a, b, context));
}

function renderGroup(group: readonly Hunk[], a: readonly string[], b: readonly string[], context: number): string[] {
  const [first, last] = [group[0], group.at(-1)];
  if (!first || !last) return [];
  const start = Math.max(0, first.fromA - context);
  const end = Math.min(a.length, last.toA + context);
  const plain = (line: string | undefined) => (line ?? '').replace(/\r?\n$/, '');
  const out = [`@@ line ${start + 1} @@`];
  let at = start;
  for (const { fromA, toA, fromB, toB } of group) {
    // Not pushed together: each would be an argument on the stack.
    for (const line of a.slice(at, fromA)) out.push(` ${plain(line)}`);
    for (const line of a.slice(fromA, toA)) out.push(`-${plain(line)}`);
    for (const line of b.slice(fromB, toB)) out.push(`+${plain(line)}`);
    at = toA;
  }
  for (const line of a.slice(at, end)) out.push(` ${plain(line)}`);
  return out;
}
