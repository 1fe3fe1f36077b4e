// Writes a handful of edits as one journaled change, all or nothing: connect, disconnect, leave, accept.
import type { ApplyDeps } from './apply.ts';
import { takeBack, writeFiles } from './apply.ts';
import { lockJournals, openJournal, setState } from './journal.ts';
import type { FileEdit } from './plan-model.ts';
import { recover } from './undo.ts';
import type { World } from './world.ts';

export type EditsInit = { kind: string; summary: string[]; files: readonly FileEdit[] };
export type WriteDeps = Pick<ApplyDeps, 'now' | 'onStep'>;

/** The id of the change, or undefined if there was nothing to write. */
export function writeEdits(world: World, makeEdits: () => EditsInit, deps: WriteDeps): string | undefined {
  const release = lockJournals(world);
  try {
    recover(world, deps);
    const edits = makeEdits();
    if (edits.files.length === 0) return undefined;
    const manifest = openJournal(world, { ...edits, now: deps.now() });
    deps.onStep?.('journal');
    try {
      writeFiles({ world, manifest, from: 0, to: edits.files.length, deps });
      setState(world, manifest, 'applied');
    } catch (error) {
      throw takeBack(world, manifest, error, deps);
    }
    return manifest.id;
  } finally {
    release();
  }
}
