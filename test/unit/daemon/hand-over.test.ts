// Making way for a newer build. Breaks when two versions replace each other without a pause, when state is lost that could
// have been waited for, or when there is no brake on disk.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { type HandOverWatch, watchHandOver } from '../../../src/daemon/hand-over.ts';
import { protocolMajor } from '../../../src/link/build.ts';

let folder: string;
let nowMs: number;
let view: { sessions: number; calls: number; stateful: string[] };
let made: string[];
let watch: HandOverWatch;
const statePath = () => join(folder, 'hand-over.json');
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hand-over-'));
  [nowMs, view, made] = [1_000_000_000, { sessions: 1, calls: 0, stateful: [] }, []];
  watch = open();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(): HandOverWatch {
  return watchHandOver({
    ...{ appDir: join(folder, 'app'), statePath: statePath(), log: silentLog },
    view: () => view,
    make: ({ version }) => void made.push(version),
    now: () => nowMs,
    build: { version: '1.2.0', fingerprint: 'own' },
  });
}

function install(version: string, protocol = protocolMajor): void {
  mkdirSync(join(folder, 'app', version), { recursive: true });
  writeFileSync(join(folder, 'app', version, 'build.json'), JSON.stringify({ version, fingerprint: 'x', protocol }));
}

it.each([
  ['nothing is installed', undefined],
  ['what is installed is of its own version', '1.2.0'],
  ['what is installed is older', '1.1.9'],
])('stays when %s', (_what, version) => {
  if (version) install(version);
  watch.look();
  expect([made, watch.status()]).toEqual([[], undefined]);
});

it('stays when the newer one speaks another protocol', () => {
  install('9.0.0', protocolMajor + 1);
  watch.look();
  expect(made).toEqual([]);
});

it('makes way once for the newest, and notes when', () => {
  install('1.3.0');
  install('1.4.0');
  watch.look();
  watch.look();
  expect([made, watch.status()]).toEqual([['1.4.0'], undefined]);
  expect(JSON.parse(readFileSync(statePath(), 'utf8'))).toEqual({ at: nowMs });
});

it('waits for running calls and for state that would be lost, and says which', () => {
  install('1.3.0');
  view = { sessions: 1, calls: 2, stateful: [] };
  watch.look();
  expect(watch.status()).toMatchObject({ to: { version: '1.3.0' }, waitsFor: 'It waits for 2 running calls.' });
  view = { sessions: 1, calls: 0, stateful: ['memory'] };
  watch.look();
  expect(watch.status()?.waitsFor).toContain('memory');
  view = { sessions: 0, calls: 0, stateful: ['memory'] };
  watch.look();
  expect(made).toEqual(['1.3.0']);
});

it('waits ten minutes after the last change of version, also when that was another daemon', () => {
  install('1.3.0');
  writeFileSync(statePath(), JSON.stringify({ at: nowMs - 9.5 * 60_000 }));
  watch.look();
  expect(watch.status()?.waitsFor).toContain('1 min to go');
  nowMs += 60_000;
  watch.look();
  expect(made).toEqual(['1.3.0']);
});

it.each([
  ['of the future', JSON.stringify({ at: 9e12 })],
  ['that is damaged', '{"at":'],
])('is not held for ever by a note %s', (_what, text) => {
  install('1.3.0');
  writeFileSync(statePath(), text);
  watch.look();
  expect(made).toEqual(['1.3.0']);
});

it('waits until the note can be written: without it there is no brake', () => {
  install('1.3.0');
  mkdirSync(statePath());
  watch.look();
  expect(made).toEqual([]);
  expect(watch.status()?.waitsFor).toContain(statePath());
  rmSync(statePath(), { recursive: true });
  watch.look();
  expect(made).toEqual(['1.3.0']);
});

it('forgets what it waited for when the newer one is gone', () => {
  install('1.3.0');
  view.calls = 1;
  watch.look();
  rmSync(join(folder, 'app'), { recursive: true });
  watch.look();
  expect(watch.status()).toBeUndefined();
});
