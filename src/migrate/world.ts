// What migration may ask of the machine it runs on. Everything below HOME and the given folders; nothing is started.
import { readlinkSync, realpathSync, statSync } from 'node:fs';
import { dirname, sep } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { kindOf, readForeignFile, whyNotRegular, whyOutside } from '../base/foreign-file.ts';
import type { Environment, Locations } from '../link/locations.ts';
import { type DocumentText, decodeText, hashBytes } from './documents/document-text.ts';

export type World = {
  env: Environment;
  /** Real path. */
  home: string;
  platform: NodeJS.Platform;
  cwd: string;
  locations: Locations;
  /** Folder of the administrator's Claude Code settings. */
  managedDir: string;
};

export type WorldInit = Omit<World, 'home' | 'managedDir'> & { home: string; managedDir?: string };

export function createWorld(init: WorldInit): World {
  return {
    ...init,
    home: realpathIfPresent(init.home) ?? init.home,
    managedDir: init.managedDir ?? managedDirOf(init.platform),
  };
}

function managedDirOf(platform: NodeJS.Platform): string {
  if (platform === 'darwin') return '/Library/Application Support/ClaudeCode';
  return platform === 'win32' ? 'C:\\Program Files\\ClaudeCode' : '/etc/claude-code';
}

export type DocumentReading =
  | { kind: 'absent' }
  | { kind: 'refused'; reason: string }
  | { kind: 'file'; document: DocumentText; hash: string; bytes: Buffer; realPath: string; mode: number };

/** A repo's own files may lead nowhere else; a person's may be links inside their home (dotfiles). */
export type Boundary = { inside: string; maxBytes?: number };

/** No client writes larger settings; a bigger file is somebody's trap. */
const maxFileBytes = 64 * 1024 * 1024;
/** Of a repository: 60 MiB of short values take gigabytes as a tree, and half a minute (measured). */
const maxRepositoryFileBytes = 4 * 1024 * 1024;

export function insideProject(project: string): Boundary {
  return { inside: project, maxBytes: maxRepositoryFileBytes };
}

/** Reads a client's file. Links are followed only inside `boundary`. What cannot be read is never taken for absent. */
export function readClientFile(path: string, { inside, maxBytes = maxFileBytes }: Boundary): DocumentReading {
  const reading = readForeignFile(path, { inside, maxBytes });
  if (reading.kind === 'absent' || (reading.kind === 'refused' && reading.code === 'ENOTDIR')) {
    return absentOrRefused(path, inside);
  }
  if (reading.kind === 'refused') return { kind: 'refused', reason: reading.reason };
  const { bytes, realPath, stat } = reading;
  const document = decodeText(bytes);
  if ('reason' in document) return { kind: 'refused', reason: document.reason };
  return { kind: 'file', document, hash: hashBytes(bytes), bytes, realPath, mode: stat.mode & 0o7777 };
}

/** Why this file must not be written by us, or undefined. It is one that was read before, or absent. */
export function whyNotWritable(path: string, { inside }: Boundary): string | undefined {
  const realPath = realpathIfPresent(path);
  const stat = realPath === undefined ? undefined : statSync(realPath, { throwIfNoEntry: false });
  if (realPath === undefined || !stat) {
    const reading = absentOrRefused(path, inside);
    return reading.kind === 'refused' ? reading.reason : undefined;
  }
  const strange = whyOutside(path, realPath, inside) ?? whyNotRegular(stat);
  if (strange) return strange;
  const uid = process.getuid?.();
  if (uid !== undefined && stat.uid !== uid) return `belongs to user ${stat.uid}`;
  if ((stat.mode & 0o200) === 0) return 'is read-only';
  return undefined;
}

/** Nothing is there; the nearest folder above decides whether it could be made. */
function absentOrRefused(path: string, inside: string): { kind: 'absent' } | { kind: 'refused'; reason: string } {
  for (let at = path; ; at = dirname(at)) {
    const real = tryTo(() => realpathSync(at));
    if (typeof real === 'string') return judgeFolder(at, real, inside);
    if (real.code !== 'ENOENT' && real.code !== 'ENOTDIR') {
      return { kind: 'refused', reason: `cannot be read (${real.code})` };
    }
    if (typeof tryTo(() => readlinkSync(at)) === 'string') {
      return { kind: 'refused', reason: `${at === path ? 'is' : `lies behind ${at},`} a link that leads nowhere` };
    }
    if (at === dirname(at)) return { kind: 'absent' };
  }
}

function judgeFolder(folder: string, real: string, inside: string): ReturnType<typeof absentOrRefused> {
  const outside = whyOutside(folder, real, inside);
  if (outside) return { kind: 'refused', reason: outside };
  const stat = statSync(real, { throwIfNoEntry: false });
  if (!stat || stat.isDirectory()) return { kind: 'absent' };
  return { kind: 'refused', reason: `cannot be there: ${folder} is ${kindOf(stat)}, not a folder` };
}

function tryTo(look: () => string): string | { code: string } {
  try {
    return look();
  } catch (error) {
    return { code: systemCode(error) ?? String(error) };
  }
}

export function realpathIfPresent(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** `~` for people. */
export function tilde(path: string, home: string): string {
  return path === home || path.startsWith(home + sep) ? `~${path.slice(home.length)}` : path;
}
