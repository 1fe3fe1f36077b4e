// backups/RESTORE.md: how to put every file back by hand, for the day when nothing of ours runs any more.
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { visible } from '../../base/plain-text.ts';
import { shellWord } from '../../base/shell-word.ts';
import type { World } from '../world.ts';
import type { Manifest } from './manifest.ts';

export function writeRestoreGuide(world: World, manifests: readonly Manifest[]): void {
  const lines = [
    '# Putting your files back by hand',
    '',
    `The usual way is \`${join(world.locations.binDir, 'mcp-proxy')} leave\` for everything, or \`… migrate undo <id>\` for one change.`,
    'Without it: every change below has byte-exact copies of the files from before. Copying one back also takes away what',
    'was changed in that file since then; compare first (`diff`). Begin with the newest change, at the end of this page.',
    '',
  ];
  for (const manifest of manifests) lines.push(...section(world, manifest));
  writeFileAtomic(join(world.locations.backupsDir, 'RESTORE.md'), `${lines.join('\n')}\n`);
}

function section(world: World, manifest: Manifest): string[] {
  const folder = join(world.locations.backupsDir, manifest.id);
  const lines = [`## ${manifest.id} (${manifest.kind}, ${stateText[manifest.state]})`, ''];
  lines.push(...manifest.summary.map((text) => `- ${visible(text)}`), '', '```sh');
  for (const file of [...manifest.files].reverse()) {
    if (file.beforeCopy === undefined) lines.push(`rm ${shellWord(file.path)}    # was not there before`);
    else
      lines.push(
        `cp ${shellWord(join(folder, file.beforeCopy))} ${shellWord(file.path)}    # mode ${(file.mode & 0o777).toString(8)}`,
      );
  }
  return [...lines, '```', ''];
}

const stateText: Record<Manifest['state'], string> = {
  applying: 'cut off in the middle',
  applied: 'in force',
  'rolled-back': 'failed and taken back',
  undoing: 'undo cut off in the middle',
  'partly-undone': 'undone in part',
  undone: 'undone',
};
