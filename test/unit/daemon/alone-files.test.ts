// What a killed daemon of one session leaves. Breaks when its files stay for ever, when its servers do, or when those of
// a session that lives are touched.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { pruneAlone } from '../../../src/daemon/alone-files.ts';
import { acquireLock } from '../../../src/daemon/single-instance.ts';
import { readLockKey } from '../../../src/link/endpoint.ts';
import { locate } from '../../../src/link/locations.ts';
import { markerTag } from '../../../src/upstream/process/reap-marked.ts';
import { eventually } from '../../support/eventually.ts';

let home: string;
let env: Record<string, string>;
let child: ChildProcess | undefined;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcp-proxy-alone-'));
  env = { HOME: home };
  mkdirSync(join(home, '.aitkit', 'run'), { recursive: true, mode: 0o700 });
});
afterEach(() => {
  child?.kill('SIGKILL');
  child = undefined;
  rmSync(home, { recursive: true, force: true });
});

/** No process has so high a number. */
const deadPid = 4_194_303;
const of = (pid: number, unique = 'abc') => locate(env, `alone-${pid}-${unique}`);
const prune = () => pruneAlone(locate(env), env, silentLog);
const left = () => readdirSync(join(home, '.aitkit', 'run')).sort();

it('removes what is left of dead sessions and nothing else', async () => {
  const { pidPath, lockKeyPath, socketPath, journalPath } = of(deadPid);
  for (const path of [pidPath, socketPath, journalPath]) writeFileSync(path, '{}');
  readLockKey(lockKeyPath);
  const kept = [locate(env).lockKeyPath, of(process.pid).lockKeyPath, join(home, '.aitkit/run/mcp-proxy-alone.lock')];
  for (const path of kept) writeFileSync(path, '');
  // Its daemon hangs, or ends just now.
  const busy = of(deadPid, 'def');
  const lock = await acquireLock(busy.lockKeyPath);
  await prune();
  lock?.release();
  expect(left()).toEqual([...kept, busy.lockKeyPath].map((path) => path.slice(path.lastIndexOf('/') + 1)).sort());
  await prune();
  expect(left()).toHaveLength(kept.length);
});

it.runIf(process.platform === 'linux')('ends the servers of a daemon that was killed with its session', async () => {
  const { journalPath, lockKeyPath } = of(deadPid);
  writeFileSync(journalPath, '{}');
  readLockKey(lockKeyPath);
  const marker = `notes-1-${markerTag(journalPath)}-0123456789abcdef`;
  child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], {
    env: { ...env, AITKIT_INSTANCE: marker },
    stdio: 'ignore',
  });
  await new Promise((resolve) => child?.once('spawn', resolve));
  await prune();
  await eventually(() => child?.signalCode !== null, { what: 'the server to end' });
  expect(left()).toEqual([]);
});
