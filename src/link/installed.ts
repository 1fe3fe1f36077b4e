// The versions below lib/mcpproxy/app: what a wrapper may start although its plugin's folder is gone or older.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readFileIfPresent } from '../base/atomic-file.ts';
import { isRecord } from '../base/guards.ts';
import { type Build, compareVersions } from './build.ts';

export type Installed = { build: Build; folder: string };

/** Whole copies that speak link protocol `protocol`, newest first. */
export function listInstalled(appDir: string, protocol: number): Installed[] {
  return readFolder(appDir)
    .filter((name) => /^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(name))
    .flatMap((name): Installed[] => {
      const folder = join(appDir, name);
      const found = readBuild(folder);
      return found && found.protocol === protocol ? [{ build: found.build, folder }] : [];
    })
    .sort((a, b) => compareVersions(b.build.version, a.build.version));
}

/** Written last, so a folder without it is half a copy. */
function readBuild(folder: string): { build: Build; protocol: number } | undefined {
  try {
    const value: unknown = JSON.parse(readFileIfPresent(join(folder, 'build.json')) ?? 'null');
    if (!isRecord(value) || typeof value['version'] !== 'string') return undefined;
    // The first versions did not write it; they spoke 1.
    const protocol = typeof value['protocol'] === 'number' ? value['protocol'] : 1;
    return { build: { version: value['version'], fingerprint: String(value['fingerprint']) }, protocol };
  } catch {
    return undefined; // not a copy of ours, or being replaced
  }
}

function readFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return []; // nothing was installed yet
  }
}
