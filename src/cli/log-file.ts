// Reading the end of a log file and what is added to it, across its rotation.
import { closeSync, readSync } from 'node:fs';
import { openForeignFile } from '../base/foreign-file.ts';
import { textOfEnd, textOfStart } from '../base/last-text.ts';
import { LineSplitter } from '../base/line-splitter.ts';

/** Enough for some thousand lines; older ones are in the file. */
const maxReadBytes = 4 * 1024 * 1024;
/** A longer line is shown by its two ends. */
const maxLineBytes = 64 * 1024;
/** Faster than one reads. */
const pollMs = 250;

const nothing = Buffer.alloc(0);

export type LogPosition = { inode: number; offset: number };

export function lastLines(path: string, count: number): { lines: string[]; end: LogPosition } {
  const current = readFrom(path, { inode: 0, offset: 0 });
  const lines = splitLines(current.bytes);
  // A log that was just rotated is nearly empty: the one before has the rest.
  const before = lines.length < count ? splitLines(readFrom(`${path}.1`, { inode: 0, offset: 0 }).bytes) : [];
  return { lines: [...before, ...lines].slice(-count), end: current.end };
}

export type FollowOptions = { path: string; from: LogPosition; onLines: (lines: string[]) => void };

/** Never returns; the program ends by Ctrl-C. */
export async function followLines({ path, from, onLines }: FollowOptions): Promise<never> {
  let at = from;
  let half = nothing;
  for (;;) {
    const { bytes, end } = readFrom(path, at);
    at = end;
    const all = Buffer.concat([half, bytes]);
    const whole = all.lastIndexOf('\n') + 1;
    const lines = splitLines(all.subarray(0, whole));
    half = all.subarray(whole);
    if (lines.length > 0) onLines(lines);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** From `from` on if it is still that file and not shorter, else from its start. */
function readFrom(path: string, from: LogPosition): { bytes: Buffer; end: LogPosition } {
  const opened = openForeignFile(path, { isLinkRefused: true });
  if (opened.kind === 'absent') return { bytes: nothing, end: from };
  if (opened.kind === 'refused') throw new Error(`${path} ${opened.reason}.`);
  const { fd, stat } = opened;
  try {
    const isSame = stat.ino === from.inode && stat.size >= from.offset;
    const start = Math.max(isSame ? from.offset : 0, stat.size - maxReadBytes);
    const bytes = Buffer.alloc(stat.size - start);
    const read = readSync(fd, bytes, 0, bytes.length, start);
    return { bytes: bytes.subarray(0, read), end: { inode: stat.ino, offset: start + read } };
  } finally {
    closeSync(fd);
  }
}

function splitLines(bytes: Buffer): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter({
    maxLineBytes,
    onLine: (line) => lines.push(line.toString('utf8')),
    onOversize: ({ head, tail }) => lines.push(`${textOfStart(head)} … ${textOfEnd(tail)}`),
  });
  splitter.push(bytes);
  splitter.end();
  return lines;
}
