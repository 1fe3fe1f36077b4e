// Whether git would see a personal file in a repository, without running git: a hostile repo's config can name programs
// that git starts. Only the plain patterns that people write for this file are understood; else the file is excluded.
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { World } from './world.ts';

/** The folder that holds `info/exclude` and `index`, or undefined outside of a repository. */
export type Repository = { top: string; gitDir: string; commonDir: string };

export function findRepository(folder: string): Repository | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const marker = join(at, '.git');
    try {
      const stat = statSync(marker);
      if (stat.isDirectory()) return { top: at, gitDir: marker, commonDir: marker };
      const gitDir = /^gitdir: (.+)$/m.exec(readFileSync(marker, 'utf8').slice(0, 4096))?.[1];
      if (gitDir) return worktree(at, resolve(at, gitDir.trim()));
    } catch {
      // no repository here, look above
    }
    if (at === dirname(at)) return undefined;
  }
}

function worktree(top: string, gitDir: string): Repository {
  const common = readText(join(gitDir, 'commondir'))?.trim();
  return { top, gitDir, commonDir: common ? resolve(gitDir, common) : gitDir };
}

/** Whether the file is committed: its path stands in the index. (Version 4 indexes shorten paths and are read as "no".) */
export function isTracked(project: string, file: string): boolean {
  const repository = findRepository(project);
  if (!repository) return false;
  const path = relative(repository.top, file).split(sep).join('/');
  try {
    const index = readFileSync(join(repository.gitDir, 'index'));
    return index.includes(Buffer.from(`${path}\0`));
  } catch {
    return false; // nothing was ever added
  }
}

/** The exclude file to extend so that `git status` stays as it is, or undefined if nothing is needed. */
export function excludeFor(world: World, project: string, file: string): { file: string; line: string } | undefined {
  const repository = findRepository(project);
  if (!repository || isTracked(project, file)) return undefined;
  const path = relative(repository.top, file).split(sep).join('/');
  const exclude = join(repository.commonDir, 'info', 'exclude');
  const globalIgnore = join(world.env['XDG_CONFIG_HOME'] || join(world.home, '.config'), 'git', 'ignore');
  const folders = path.split('/').slice(0, -1);
  const inRepo = ['', ...folders.map((_, i) => folders.slice(0, i + 1).join('/'))].map((folder) => ({
    patterns: readText(join(repository.top, folder, '.gitignore')),
    path: folder === '' ? path : path.slice(folder.length + 1),
  }));
  const sources = [...inRepo, ...[exclude, globalIgnore].map((name) => ({ patterns: readText(name), path }))];
  if (sources.some(({ patterns, path: at }) => isIgnored(patterns ?? '', at))) return undefined;
  return { file: exclude, line: `/${path}` };
}

function isIgnored(patterns: string, path: string): boolean {
  const parts = path.split('/');
  let ignored = false;
  for (const raw of patterns.split(/\r?\n/)) {
    const pattern = raw.trim();
    if (pattern === '' || pattern.startsWith('#')) continue;
    const isNegated = pattern.startsWith('!');
    const plain = pattern.slice(isNegated ? 1 : 0).replace(/\/$/, '');
    const anchored = plain.replace(/^\//, '');
    const wholes = parts.map((_, i) => parts.slice(0, i + 1).join('/'));
    const isAnywhere = !anchored.includes('/') || plain.startsWith('**/');
    const name = anchored.replace(/^\*\*\//, '');
    const hits = isAnywhere
      ? parts.some((_, i) => wholes.some((_w, j) => j >= i && parts.slice(i, j + 1).join('/') === name)) ||
        parts.some((part) => matchesStar(name, part))
      : wholes.some(
          (whole) => whole === anchored || (anchored.endsWith('/*') && dirname(whole) === anchored.slice(0, -2)),
        );
    if (hits) ignored = !isNegated;
  }
  return ignored;
}

/** `*.local.json` against one name. */
function matchesStar(pattern: string, name: string): boolean {
  const [head = '', tail, ...more] = pattern.split('*');
  if (tail === undefined || more.length > 0) return pattern === name;
  return name.length >= head.length + tail.length && name.startsWith(head) && name.endsWith(tail);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
