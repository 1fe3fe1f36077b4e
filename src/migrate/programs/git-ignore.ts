// Whether git would see a personal file in a repository, without running git: a hostile repo's config can name programs
// that git starts. Only the plain patterns that people write for this file are understood; else the file is excluded.
import { statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { readForeignFile, readForeignText } from '../../base/foreign-file.ts';
import type { World } from '../world.ts';

/** The folder that holds `info/exclude` and `index`, or undefined outside of a repository. */
export type Repository = { top: string; gitDir: string; commonDir: string };

/** `.git`, `commondir`: one path. Patterns: one a line, written by hand or by a generator. */
const maxPathBytes = 64 * 1024;
const maxPatternBytes = 1024 * 1024;
/** Some 100 bytes a file: that of a repository with two million. */
const maxIndexBytes = 256 * 1024 * 1024;

export function findRepository(folder: string): Repository | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const marker = join(at, '.git');
    if (statOf(marker)?.isDirectory()) return { top: at, gitDir: marker, commonDir: marker };
    const gitDir = /^gitdir: (.+)$/m.exec(readText(marker, maxPathBytes) ?? '')?.[1];
    const repository = gitDir === undefined ? undefined : worktree(at, resolve(at, gitDir.trim()));
    if (repository) return repository;
    if (at === dirname(at)) return undefined;
  }
}

/** A `.git` file may name any folder. Only one that git would take is one whose `info/exclude` may be written. */
function worktree(top: string, gitDir: string): Repository | undefined {
  if (!statOf(join(gitDir, 'HEAD'))?.isFile()) return undefined;
  const common = readText(join(gitDir, 'commondir'), maxPathBytes)?.trim();
  return { top, gitDir, commonDir: common ? resolve(gitDir, common) : gitDir };
}

/**
 * Why the file is not the person's alone: its path stands in the index, or nobody can tell. (Version 4 indexes shorten
 * paths and are read as "no".)
 */
export function whyCommitted(project: string, file: string): string | undefined {
  const repository = findRepository(project);
  if (!repository) return undefined;
  const path = relative(repository.top, file).split(sep).join('/');
  const index = join(repository.gitDir, 'index');
  const reading = readForeignFile(index, { maxBytes: maxIndexBytes });
  if (reading.kind === 'absent') return undefined; // nothing was ever added
  if (reading.kind === 'refused') return `may be committed: ${index} ${reading.reason}`;
  return reading.bytes.includes(Buffer.from(`${path}\0`)) ? 'is committed in the repository' : undefined;
}

/** The exclude file to extend so that `git status` stays as it is, or undefined if nothing is needed. */
export function excludeFor(world: World, project: string, file: string): { file: string; line: string } | undefined {
  const repository = findRepository(project);
  if (!repository || whyCommitted(project, file) !== undefined) return undefined;
  const path = relative(repository.top, file).split(sep).join('/');
  const exclude = join(repository.commonDir, 'info', 'exclude');
  const globalIgnore = join(world.env['XDG_CONFIG_HOME'] || join(world.home, '.config'), 'git', 'ignore');
  const folders = path.split('/').slice(0, -1);
  const inRepo = ['', ...folders.map((_, i) => folders.slice(0, i + 1).join('/'))].map((folder) => ({
    patterns: readText(join(repository.top, folder, '.gitignore'), maxPatternBytes, repository.top),
    path: folder === '' ? path : path.slice(folder.length + 1),
  }));
  const sources = [
    ...inRepo,
    ...[exclude, globalIgnore].map((name) => ({ patterns: readText(name, maxPatternBytes), path })),
  ];
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
    if (matches(pattern.slice(isNegated ? 1 : 0).replace(/\/$/, ''), path, parts)) ignored = !isNegated;
  }
  return ignored;
}

/** One pass over the path for each pattern: both are a repository's, and there may be a hundred thousand patterns. */
function matches(plain: string, path: string, parts: readonly string[]): boolean {
  if (!plain.includes('/') || plain.startsWith('**/')) {
    const name = plain.replace(/^\*\*\//, '');
    return name.includes('*') ? parts.some((part) => matchesStar(name, part)) : `/${path}/`.includes(`/${name}/`);
  }
  const anchored = plain.replace(/^\//, '');
  if (`${path}/`.startsWith(`${anchored}/`)) return true;
  return anchored.endsWith('/*') && path.startsWith(anchored.slice(0, -1));
}

/** `*.local.json` against one name. */
function matchesStar(pattern: string, name: string): boolean {
  const [head = '', tail, ...more] = pattern.split('*');
  if (tail === undefined || more.length > 0) return false;
  return name.length >= head.length + tail.length && name.startsWith(head) && name.endsWith(tail);
}

/** What cannot be read ignores nothing: then our line in `info/exclude` does. */
function readText(path: string, maxBytes: number, inside?: string): string | undefined {
  const reading = readForeignText(path, { maxBytes, ...(inside === undefined ? {} : { inside }) });
  return reading.kind === 'text' ? reading.text : undefined;
}

function statOf(path: string) {
  try {
    return statSync(path);
  } catch {
    return undefined; // absent, or not ours to look at
  }
}
