// Puts everything back and goes: all changes undone, entries of ours removed, the daemon stopped.
import { allHosts, disconnect } from './connect.ts';
import type { Declared } from './declared.ts';
import { type UndoResult, undoAll } from './undo.ts';
import type { World } from './world.ts';
import type { WriteDeps } from './write-edits.ts';

export type LeaveDeps = WriteDeps & { stopDaemon: () => Promise<void> };
export type LeaveResult = { undone: UndoResult[]; removed: Declared[]; isComplete: boolean };

export async function leave(world: World, deps: LeaveDeps): Promise<LeaveResult> {
  const undone = undoAll(world, deps);
  const { removed } = disconnect(world, allHosts, deps, 'leave');
  // Last: a program that is open reads its restored files first and finds its own servers again.
  await deps.stopDaemon();
  return { undone, removed, isComplete: undone.every((result) => result.isComplete) };
}
