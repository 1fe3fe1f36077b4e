// The last text block of a shortened result: what was cut, and how to get it.
import type { Cut } from './shrink.ts';
import { wireBytes } from './shrink-text.ts';

/** `result`: members beside content and structuredContent; their paths begin with `$$` (see result-view.ts). */
export type BlockCuts = { readonly block: number | 'structured' | 'result'; readonly cuts: readonly Cut[] };
export type NoteTask = {
  readonly cuts: readonly BlockCuts[];
  /** A line each: what is left out as a whole. */
  readonly omitted: readonly string[];
  /** Absent: the whole could not be kept. */
  readonly ref: string | undefined;
  readonly hasStructure: boolean;
  readonly maxBytes: number;
};

const noteStart = '[Result shortened. ';
const goneNote =
  'The rest is no longer kept; other results needed its room. To have it, call the tool again and ask for less.';
const maxLines = 12;
const maxNames = 12;
/** Of one line, so that a name or path of a kilobyte does not push out the others. */
const maxLineLength = 200;

export function writeNote({ cuts, omitted, ref, hasStructure, maxBytes }: NoteTask): string {
  // Without a structure, block 0 is what a reference reads by itself.
  const needsBlock = (block: BlockCuts['block']): boolean => typeof block === 'number' && (block > 0 || hasStructure);
  const lines = cuts.flatMap(({ block, cuts }) =>
    alike(cuts).map((group) => `- ${describeCuts(group)}${needsBlock(block) ? ` (block ${block})` : ''}`),
  );
  const how =
    ref === undefined
      ? 'It was too large to be kept; ask the tool for less.'
      : `Get the rest: gateway_get_result {"ref":"${ref}"} with path, offset, limit, fields, search or block.`;
  return fitLines(`${noteStart}${how}`, [...lines, ...omitted.map((line) => `- ${line}`)], maxBytes);
}

/** For a note whose reference leads nowhere any more; other texts come back as they are. */
export function withoutWay(text: string): string {
  return text.startsWith(noteStart) ? text.replace(/Get the rest: .*/, goneNote) : text;
}

function fitLines(head: string, lines: readonly string[], maxBytes: number): string {
  const all = lines.map((line) => (line.length > maxLineLength ? `${line.slice(0, maxLineLength - 3)}...` : line));
  for (let count = Math.min(maxLines, all.length); ; count -= 1) {
    const more = all.length - count;
    const last = more > 0 ? [`- and ${more} more; what a path or block names is read whole`] : [];
    const note = `${[head, ...all.slice(0, count), ...last].join('\n')}]`;
    if (count === 0 || wireBytes(note) <= maxBytes) return note;
  }
}

/** The same cut in every row is one line. */
function alike(cuts: readonly Cut[]): [Cut, ...Cut[]][] {
  const groups = new Map<string, [Cut, ...Cut[]]>();
  for (const cut of cuts) {
    const key = JSON.stringify([cut.kind, anyRow(cut.path), cut.kind === 'fields' ? cut.names : '']);
    const group = groups.get(key);
    if (group) group.push(cut);
    else groups.set(key, [cut]);
  }
  return [...groups.values()];
}

function anyRow(path: string): string {
  return path.replace(/\[\d+\]/g, '[*]');
}

function describeCuts([cut, ...others]: readonly [Cut, ...Cut[]]): string {
  if (others.length === 0) return `${cut.path}: ${describeCut(cut)}`;
  return `${anyRow(cut.path)}, ${others.length + 1} times: ${describeCut(cut)} at ${cut.path}`;
}

function describeCut(cut: Cut): string {
  switch (cut.kind) {
    case 'items':
      return `${cut.kept} of ${cut.total} items`;
    case 'string':
      return `${cut.kept} of ${cut.total} characters`;
    case 'fields':
      return `without ${listNames(cut)}`;
    case 'depth':
      return 'emptied, nested too deep';
  }
}

function listNames({ path, names }: Cut & { kind: 'fields' }): string {
  if (names.length <= maxNames) return names.join(', ');
  const whole = path.replace(/\[\*\]$/, '[0]');
  return `${names.slice(0, maxNames).join(', ')} and ${names.length - maxNames} more, see ${whole}`;
}
