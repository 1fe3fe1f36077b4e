// Servers of a repository that an earlier migration silenced and that the daemon does not have (another machine, a lost
// config): lets Claude Code start them again.
import { movedMark, movedNames } from '../../link/moved-marks.ts';
import type { DocumentOp } from '../documents/edit-document.ts';
import { EditCollector } from '../plan/edit-collector.ts';
import { readOwnConfig } from '../plan/own-config.ts';
import { listOf, readClaudeSettings } from '../programs/claude-settings.ts';
import type { SourceProblem } from '../programs/declared.ts';
import type { World } from '../world.ts';
import { type WriteDeps, writeEdits } from './apply.ts';

export type Repaired = { names: string[]; unread: SourceProblem[]; changeId?: string };

export function repair(world: World, projects: readonly string[], deps: WriteDeps): Repaired {
  const names: string[] = [];
  const unread: SourceProblem[] = [];
  const makeEdits = () => {
    const known = readOwnConfig(world).names;
    const settings = readClaudeSettings(world, projects);
    unread.push(...settings.problems);
    const edits = new EditCollector();
    for (const file of settings.files) {
      const isAsked = file.kind === 'user' || (file.kind === 'local' && settings.projects.includes(file.project ?? ''));
      const lost = isAsked ? movedNames(file.value).filter(({ ours }) => !known.has(ours)) : [];
      if (lost.length === 0) continue;
      names.push(...lost.map(({ theirs }) => theirs));
      const marks = lost.map(({ theirs, ours }) => `${theirs}=${ours}`);
      const ops = [
        without('disabledMcpjsonServers', listOf(file.value, 'disabledMcpjsonServers'), names),
        without(movedMark, listOf(file.value, movedMark), marks),
      ];
      for (const op of ops) {
        edits.add({ path: file.file, boundary: file.boundary, purpose: 'no longer silences what nobody starts', op });
      }
    }
    const summary = names.map((name) => `${name} is no longer silenced`);
    return { kind: 'repair', summary, files: edits.renderAll() };
  };
  const changeId = writeEdits(world, makeEdits, deps);
  return changeId === undefined ? { names, unread } : { names, unread, changeId };
}

function without(key: string, list: readonly string[], gone: readonly string[]): DocumentOp {
  const value = list.filter((entry) => !gone.includes(entry));
  return value.length === 0 ? { op: 'remove', path: [key] } : { op: 'set', path: [key], value };
}
