// The CLI in this process on text that means harm, and what of it is left in what it wrote.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect } from 'vitest';
import { findLocations } from '../../src/daemon-client/claim.ts';
import type { Locations } from '../../src/link/locations.ts';
import { type CliRig, createCliRig } from '../unit/cli/cli-rig.ts';
import { findHarm, harmful, poison } from './hostile-text.ts';

/** A folder's name holds up to 255 bytes of anything but zero and the slash. */
const folder = `shop\u001b[2J\u202e\u200b\u0085\n${harmful.title.replace('/', '')}\u{e0041}`;

export type HostileRig = CliRig & {
  locations: () => Locations;
  /** What it wrote, behind a pipe and in a terminal. Neither may hold any harm, and no name may begin a list's line. */
  shownBy: (...words: string[]) => Promise<string>;
};

export function createHostileRig(): HostileRig {
  const rig = createCliRig(undefined, folder);
  mkdirSync(dirname(rig.configPath), { recursive: true, mode: 0o700 });
  return {
    ...rig,
    locations: () => findLocations({ HOME: rig.home }),
    shownBy: async (...words) => {
      const piped = await rig.run(...words);
      const seen = await rig.runInTerminal(100, {}, ...words);
      for (const { stdout, stderr } of [piped, seen]) {
        const all = (stdout + stderr).replace(ownStyle, '');
        const isProse = words[0] === 'call' && words.length === 3;
        expect(findHarm(all, { isProse }), words.join(' ')).toBeUndefined();
        // Sentences are wrapped where they are long, but what is listed or approved stands in lines of ours.
        if (/^(?:status|list|get|accept|migrate)$/.test(words[0] ?? '')) expect(stdout).not.toMatch(/^FORGED/m);
      }
      return piped.stdout + piped.stderr;
    },
  };
}

export const ownStyle = /\u001b\[(?:1|2|22|31|32|33|36|39)m/g;

export function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: 0o600 });
}

/** Rows of `it.each`, with titles that do no harm to whoever reads the report. */
export const lines = (...rows: string[][]) =>
  rows.map((words) => ({ words, title: words.map((word) => /^[ -~]*/.exec(word)?.[0]).join(' ') }));

export const hostileServer = {
  command: poison('npx'),
  args: ['-y', poison('pkg'), '--flag', poison('value')],
  env: { [poison('NAME')]: poison('value'), [poison('API_TOKEN')]: 'ghp_0123456789abcdefghijABCDEFGHIJ0123' },
  cwd: poison('/work'),
};
export const hostileRemote = {
  type: 'http',
  url: `https://x.invalid/${poison('path')}`,
  headers: { [poison('X-Key')]: poison('v') },
};
