// What was told already, one empty file for each finding: two sessions that open in one instant cannot both make it.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeIfPresent } from '../base/atomic-file.ts';
import { systemCode } from '../base/errors.ts';
import { ensurePrivateDir } from '../base/private-dir.ts';

/** Older ones are forgotten; a finding that comes back after so many others may be told again. */
const maxTold = 500;

export function wasTold(folder: string, id: string): boolean {
  return existsSync(markOf(folder, id));
}

/** Whether it is ours to tell: from now on it counts as told. */
export function claimTelling(folder: string, id: string): boolean {
  ensurePrivateDir(folder);
  try {
    writeFileSync(markOf(folder, id), '', { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

export function forgetOldest(folder: string): void {
  const names = readdirSync(folder);
  if (names.length <= maxTold) return;
  const marks = names.map((name) => ({ path: join(folder, name), at: timeOf(join(folder, name)) }));
  marks.sort((a, b) => a.at - b.at);
  for (const { path } of marks.slice(0, names.length - maxTold)) removeIfPresent(path);
}

function timeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function markOf(folder: string, id: string): string {
  return join(folder, createHash('sha256').update(id).digest('hex').slice(0, 32));
}
