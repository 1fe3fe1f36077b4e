// What migration may ask of the machine it runs on. Everything below HOME and the given folders; nothing is started.
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { systemCode } from '../base/errors.ts';
import type { Environment, Locations } from '../link/locations.ts';
import { type DocumentText, decodeText, hashBytes, type Unreadable } from './documents/document-text.ts';

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

export type FileReading =
  | { kind: 'absent' }
  | { kind: 'refused'; reason: string }
  | { kind: 'file'; document: DocumentText; hash: string; bytes: Buffer; realPath: string; mode: number };

/** A repo's own files may lead nowhere else; a person's may be links inside their home (dotfiles). */
export type Boundary = { inside: string };

/** No client writes larger settings; a bigger file is somebody's trap. */
const maxFileBytes = 64 * 1024 * 1024;

/** Reads a client's file. Links are followed only inside `boundary`; devices, pipes and other owners' files are refused. */
export function readClientFile(path: string, boundary: Boundary): FileReading {
  const realPath = realpathIfPresent(path);
  if (realPath === undefined) return absentOrRefused(path, boundary);
  const outside = whyOutside(path, realPath, boundary);
  if (outside) return { kind: 'refused', reason: outside };
  let fd: number;
  try {
    // O_NONBLOCK: opening a pipe that a repo planted must not hang.
    fd = openSync(realPath, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    return { kind: 'refused', reason: `cannot be read (${systemCode(error) ?? String(error)})` };
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return { kind: 'refused', reason: 'is not a regular file' };
    if (stat.size > maxFileBytes) return { kind: 'refused', reason: `is larger than ${maxFileBytes >> 20} MiB` };
    const bytes = readAll(fd, stat.size);
    const document = decodeText(bytes);
    if ('reason' in document) return { kind: 'refused', reason: document.reason };
    return { kind: 'file', document, hash: hashBytes(bytes), bytes, realPath, mode: stat.mode & 0o7777 };
  } finally {
    closeSync(fd);
  }
}

/** Why this file must not be written by us, or undefined. It is one that was read before, or absent. */
export function whyNotWritable(path: string, boundary: Boundary): string | undefined {
  const realPath = realpathIfPresent(path);
  if (realPath === undefined) {
    const reading = absentOrRefused(path, boundary);
    return reading.kind === 'refused' ? reading.reason : undefined;
  }
  const outside = whyOutside(path, realPath, boundary);
  if (outside) return outside;
  const stat = statSync(realPath);
  const uid = process.getuid?.();
  if (uid !== undefined && stat.uid !== uid) return `belongs to user ${stat.uid}`;
  if ((stat.mode & 0o200) === 0) return 'is read-only';
  return undefined;
}

function absentOrRefused(path: string, boundary: Boundary): FileReading {
  try {
    lstatSync(path);
    return { kind: 'refused', reason: 'is a link that leads nowhere' };
  } catch {
    // not there, so the folder that would hold it decides
  }
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const real = realpathIfPresent(folder);
    if (real !== undefined) {
      const outside = whyOutside(folder, real, boundary);
      return outside ? { kind: 'refused', reason: outside } : { kind: 'absent' };
    }
    if (folder === dirname(folder)) return { kind: 'absent' };
  }
}

function whyOutside(path: string, realPath: string, { inside }: Boundary): string | undefined {
  const root = realpathIfPresent(inside) ?? inside;
  // Without a link on the way the path is its own: /etc files, or a project outside of the home.
  return isInside(realPath, root) || realPath === resolve(path)
    ? undefined
    : `is a link that leads out of ${inside} to ${realPath}`;
}

export function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === '' || (!way.startsWith(`..${sep}`) && way !== '..' && !isAbsolute(way));
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

function readAll(fd: number, size: number): Buffer {
  const buffer = Buffer.alloc(size);
  let at = 0;
  while (at < size) {
    const read = readSync(fd, buffer, at, size - at, at);
    if (read === 0) break;
    at += read;
  }
  return buffer.subarray(0, at);
}

/** `~` for people. */
export function tilde(path: string, home: string): string {
  return path === home || path.startsWith(home + sep) ? `~${path.slice(home.length)}` : path;
}

export function expandHome(path: string, home: string): string {
  return path === '~' ? home : path.startsWith('~/') ? join(home, path.slice(2)) : path;
}

export type { Unreadable };
