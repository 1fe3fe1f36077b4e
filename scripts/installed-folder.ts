// plugin/: what a client installs. Real copies, as some clients and file systems read no links; no source, no test, and
// no package.json beside it, at which a client would run `npm ci`.
import { readFileSync, statSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import { root } from './build-defines.ts';
import type { BuiltFile } from './bundles.ts';
import { relativeLinks } from './document-links.ts';
import { filesUnder } from './files-under.ts';

export const installedFolder = 'plugin';

const copied = [
  '.claude-plugin/icon.png',
  '.claude-plugin/plugin.json',
  'LICENSE',
  'README.md',
  'examples',
  'hooks',
  'skills',
];

/** `built` are the files that the build makes. What an installed document links to is installed with it. */
export function installedFiles(built: ReadonlyMap<string, BuiltFile>): Map<string, BuiltFile> {
  const files = new Map(built);
  const add = (path: string) => {
    if (files.has(path)) return;
    const contents = readFileSync(join(root, path));
    files.set(path, { contents, isExecutable: (statSync(join(root, path)).mode & 0o100) !== 0 });
    if (path.endsWith('.md')) for (const target of linkedFrom(path, contents.toString())) add(target);
  };
  for (const path of copied.flatMap(filesAt)) add(path);
  return new Map([...files].map(([path, file]) => [`${installedFolder}/${path}`, file]));
}

function linkedFrom(document: string, text: string): string[] {
  return relativeLinks(text).flatMap((link) => {
    const target = posix.join(posix.dirname(document), link);
    if (target.startsWith('..')) throw new Error(`${document} links to ${link}, which is outside the repository.`);
    try {
      return filesAt(target);
    } catch (cause) {
      throw new Error(`${document} links to ${link}, which is not there.`, { cause });
    }
  });
}

function filesAt(path: string): string[] {
  const full = join(root, path);
  if (!statSync(full).isDirectory()) return [path];
  return filesUnder(full).map((file) => relative(root, file).split(sep).join('/'));
}
