// What an undo did, file by file.
import { join } from 'node:path';
import type { UndoResult } from '../migrate/undo.ts';
import { tilde, type World } from '../migrate/world.ts';

const words = {
  restored: 'as before, byte for byte',
  removed: 'removed, it was not there before',
  already: 'was as before already',
  merged: 'our change is out, later changes of others stayed',
  conflict: 'not completely undone',
};

export function undoLines(world: World, result: UndoResult): string[] {
  return [
    `${result.id} ${result.isComplete ? 'is undone.' : 'is undone in part.'}`,
    ...result.files.flatMap((file) => [
      `  ${tilde(file.file, world.home)}: ${words[file.result]}`,
      ...file.conflicts.map((conflict) => `    ${conflict}`),
      ...(file.backup === undefined ? [] : [`    as it was: ${join(world.locations.backupsDir, file.backup)}`]),
    ]),
  ];
}
