// Copies this version to lib/mcpproxy/app/<version>/ and points the launchers in ~/.aitkit/bin at it. A plugin's own
// folder changes with each version and is deleted later; what stands outside the plugin uses these paths.
import { randomBytes } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readFileIfPresent, writeFileAtomic } from '../base/atomic-file.ts';
import { readForeignText } from '../base/foreign-file.ts';
import { isRecord } from '../base/guards.ts';
import { ensurePrivateDir } from '../base/private-dir.ts';
import { type Build, compareVersions, describeBuild, protocolMajor } from '../link/build.ts';
import { readEndpoint } from '../link/endpoint.ts';
import type { Locations } from '../link/locations.ts';

export type InstallOptions = {
  bundlePath: string;
  locations: Locations;
  build: Build;
  /** The node that the launchers prefer. */
  execPath?: string;
};

const programs = [
  ...['bin/run-mcp-proxy', 'bin/mcp-proxy', 'bin/package.json'],
  ...['dist/wrapper.cjs', 'dist/daemon.cjs', 'dist/daemon-program.cjs', 'dist/hook.cjs'],
];
/** What `mcp-proxy demo` starts; a wrapper without them beside it is whole all the same. */
const exampleServers = ['serve.mjs', 'notes.mjs', 'project-files.mjs'].map((file) => join('examples', 'servers', file));
/** What single commands read; without them they say so. */
const extras = [...exampleServers, 'dist/o200k.br'];
const launchers = ['run-mcp-proxy', 'mcp-proxy'];
const maxLauncherBytes = 64 * 1024;
/** Enough to go back by hand; each takes a few MB. */
const keptVersions = 3;

/** Idempotent; several wrappers may do it at once. False if this wrapper has nothing to install. */
export async function installStable({ bundlePath, locations, build, execPath }: InstallOptions): Promise<boolean> {
  const own = join(dirname(realpathSync(bundlePath)), '..');
  const target = join(locations.appDir, build.version);
  if (own === target || !programs.every((program) => existsSync(join(own, program)))) return false;
  ensurePrivateDir(locations.appDir);
  // Read without the promises of fs: loading them would cost each session half a MiB to find that all is in place.
  const isCopied = readBuild(target)?.fingerprint === build.fingerprint;
  if (!isCopied) await copyVersion(own, target, build);
  writeLaunchers({ locations, target, build, execPath: execPath ?? process.execPath });
  if (!isCopied) await pruneVersions(locations, build.version);
  return true;
}

async function copyVersion(own: string, target: string, build: Build): Promise<void> {
  const unique = randomBytes(4).toString('hex');
  const [temporary, replaced] = [`${target}.${unique}.tmp`, `${target}.${unique}.old`];
  try {
    for (const folder of ['bin', 'dist']) await mkdir(join(temporary, folder), { recursive: true, mode: 0o700 });
    for (const program of programs) await copyFile(join(own, program), join(temporary, program));
    await mkdir(join(temporary, 'examples', 'servers'), { recursive: true, mode: 0o700 });
    for (const file of extras.filter((path) => existsSync(join(own, path)))) {
      await copyFile(join(own, file), join(temporary, file));
    }
    writeFileAtomic(join(temporary, 'build.json'), `${JSON.stringify({ ...build, protocol: protocolMajor })}\n`);
    await rename(target, replaced).catch(() => {}); // nothing to replace, or another wrapper was faster
    await rename(temporary, target).catch(() => {}); // not empty: another wrapper put the same there
  } finally {
    await rm(temporary, { recursive: true, force: true });
    await rm(replaced, { recursive: true, force: true });
  }
}

function readBuild(folder: string): Build | undefined {
  try {
    const value: unknown = JSON.parse(readFileIfPresent(join(folder, 'build.json')) ?? 'null');
    if (!isRecord(value) || typeof value['version'] !== 'string') return undefined;
    return { version: value['version'], fingerprint: String(value['fingerprint']) };
  } catch {
    return undefined; // not installed, or only half
  }
}

const versionMark = /mcp-proxy (\d+\.\d+\.\d+[^\s+]*)/;

type Launchers = { locations: Locations; target: string; build: Build; execPath: string };

function writeLaunchers({ locations, target, build, execPath }: Launchers): void {
  const present = launchers.map((name) => readLauncher(join(locations.binDir, launcherFile(name))));
  const current = versionMark.exec(present[0] ?? '')?.[1];
  if (current !== undefined && compareVersions(current, build.version) > 0) return;
  ensurePrivateDir(locations.binDir);
  for (const [i, name] of launchers.entries()) {
    const program = join(target, 'bin', name);
    const text =
      process.platform === 'win32' ? cmdLauncher(program, execPath, build) : shLauncher(program, execPath, build);
    if (text !== present[i]) writeFileAtomic(join(locations.binDir, launcherFile(name)), text, { mode: 0o700 });
  }
}

/** What is no launcher of ours is written over. */
function readLauncher(path: string): string | undefined {
  const reading = readForeignText(path, { maxBytes: maxLauncherBytes });
  return reading.kind === 'text' ? reading.text : undefined;
}

function launcherFile(name: string): string {
  return process.platform === 'win32' ? `${name}.cmd` : name;
}

/** The node that ran the installer, as long as it exists: a terminal's PATH may hold an older one or none. */
function shLauncher(program: string, execPath: string, build: Build): string {
  return `#!/bin/sh
# mcp-proxy ${describeBuild(build)}. Written anew by each newer version; changes are lost.
node=${shQuote(execPath)}
[ -x "$node" ] || node=node
exec "$node" ${shQuote(program)} "$@"
`;
}

function cmdLauncher(program: string, execPath: string, build: Build): string {
  return `@echo off\r\nrem mcp-proxy ${describeBuild(build)}\r\nset "node=${execPath}"\r\nif not exist "%node%" set "node=node"\r\n"%node%" "${program}" %*\r\n`;
}

function shQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

async function pruneVersions(locations: Locations, own: string): Promise<void> {
  const versions = (await readdir(locations.appDir))
    .filter((name) => /^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(name))
    .sort((a, b) => compareVersions(b, a));
  const inUse = await runningVersions(locations);
  for (const version of versions.slice(keptVersions)) {
    if (version !== own && !inUse.has(version))
      await rm(join(locations.appDir, version), { recursive: true, force: true });
  }
}

async function runningVersions({ runRoot }: Locations): Promise<Set<string>> {
  const names = (await readdir(runRoot)).filter((name) => name.endsWith('.pid'));
  return new Set(names.flatMap((name) => readEndpoint(join(runRoot, name))?.build?.version ?? []));
}
