// The last text block of a shortened result: what was cut, and how to get it.
import { cutChars } from '../base/cut-text.ts';
import type { BlockSize } from './content-block.ts';
import type { Cut } from './shrink.ts';
import { wireBytes } from './shrink-text.ts';

/** `result`: members beside content and structuredContent; their paths begin with `$$` (see result-view.ts). */
export type BlockCuts = { readonly block: number | 'structured' | 'result'; readonly cuts: readonly Cut[] };
export type OmittedBlock = BlockSize & { readonly block: number };
export type NoteTask = {
  readonly cuts: readonly BlockCuts[];
  readonly omitted: readonly OmittedBlock[];
  /** Lines about anything else. */
  readonly remarks: readonly string[];
  /** Absent: the whole could not be kept. */
  readonly ref: string | undefined;
  readonly hasStructure: boolean;
  readonly maxBytes: number;
};

const noteStart = '[Result shortened. ';
const goneNote =
  'The rest is no longer kept; other results needed its room. To have it, call the tool again and ask for less.';
/** As many as tell more than they cost; alike ones are one line. */
const maxLines = 30;
const maxNames = 12;
/** Of one line, so that a name or path of a kilobyte does not push out the others. */
const maxLineLength = 200;

export function writeNote({ cuts, omitted, remarks, ref, hasStructure, maxBytes }: NoteTask): string {
  // Without a structure, block 0 is what a reference reads by itself.
  const needsBlock = (block: BlockCuts['block']): boolean => typeof block === 'number' && (block > 0 || hasStructure);
  const lines = cuts.flatMap(({ block, cuts }) =>
    alike(cuts).map((group) => `- ${describeCuts(group)}${needsBlock(block) ? ` (block ${block})` : ''}`),
  );
  const how =
    ref === undefined
      ? 'It was too large to be kept; ask the tool for less.'
      : `Get the rest: gateway_get_result {"ref":"${ref}"} with path, offset, limit, fields, search or block.`;
  const others = [...remarks, ...inRuns(omitted).map(describeRun)].map((line) => `- ${line}`);
  return fitLines(`${noteStart}${how}`, [...lines, ...others], maxBytes);
}

/** For a note whose reference leads nowhere any more; other texts come back as they are. */
export function withoutWay(text: string): string {
  return text.startsWith(noteStart) ? text.replace(/Get the rest: .*/, goneNote) : text;
}

function fitLines(head: string, lines: readonly string[], maxBytes: number): string {
  const all = lines.map((line) => cutChars(line, maxLineLength));
  for (let count = Math.min(maxLines, all.length); ; count -= 1) {
    const more = all.length - count;
    const last =
      more > 0 ? [`- and ${more} more in parts not named here: read a part by its path or block to have it whole`] : [];
    const note = `${[head, ...all.slice(0, count), ...last].join('\n')}]`;
    if (count === 0 || wireBytes(note) <= maxBytes) return note;
  }
}

/** Neighbours of one kind are one line: of thousands of small blocks each number still has its place. */
function inRuns(omitted: readonly OmittedBlock[]): [OmittedBlock, ...OmittedBlock[]][] {
  const runs: [OmittedBlock, ...OmittedBlock[]][] = [];
  for (const block of omitted) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    if (run && last?.block === block.block - 1 && last.kind === block.kind) run.push(block);
    else runs.push([block]);
  }
  return runs;
}

function describeRun([first, ...others]: readonly [OmittedBlock, ...OmittedBlock[]]): string {
  const { block, kind, size, unit } = first;
  if (others.length === 0) return `block ${block} left out: ${kind}, ${size} ${unit}`;
  const all = others.reduce((sum, other) => sum + other.size, size);
  return `blocks ${block} to ${block + others.length} left out: ${kind}, ${all} ${unit} together`;
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
