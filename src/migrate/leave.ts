// Puts everything back and goes: all changes undone, entries of ours removed, the daemon stopped.
import { allHosts, type DisconnectResult, disconnect } from './connect.ts';
import { undoAll } from './undo.ts';
import type { World } from './world.ts';
import type { WriteDeps } from './write-edits.ts';

export type LeaveDeps = WriteDeps & { stopDaemon: () => Promise<void> };
export type LeaveResult = DisconnectResult & { isComplete: boolean };

export async function leave(world: World, deps: LeaveDeps): Promise<LeaveResult> {
  const undone = undoAll(world, deps);
  const { removed, unread } = disconnect(world, allHosts, deps, 'leave');
  // Last: a program that is open reads its restored files first and finds its own servers again.
  await deps.stopDaemon();
  return { undone, removed, unread, isComplete: undone.every((result) => result.isComplete) };
}
