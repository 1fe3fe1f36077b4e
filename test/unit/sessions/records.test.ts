import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { processStartTime } from '../../../src/base/process-identity.ts';
import { recordSession } from '../../../src/hooks/session-start.ts';
import { readRecord, type SessionRecord, writeRecord } from '../../../src/link/record.ts';
import { Records } from '../../../src/sessions/records.ts';
import { Session } from '../../../src/sessions/session.ts';

const self = { pid: process.pid, startTime: processStartTime(process.pid) ?? '' };
const now = Date.parse('2026-11-21T12:00:00Z');
let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'mcp-proxy-records-')), 'mcp-servers');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

const records = (name = 'mcp-user') =>
  new Records({ recordsDir: folder, daemonName: name, log: silentLog, now: () => now });
const ago = (ms: number) => new Date(now - ms).toISOString();
const record = (more: Partial<SessionRecord>): SessionRecord => ({
  ...self,
  projectDir: '/p',
  since: ago(1_000),
  daemons: [],
  ...more,
});

function session(host = self): Session {
  return new Session({
    identity: {
      id: `s${Math.random()}`,
      lifeId: 'scope-1',
      host,
      wrapper: self,
      projectDir: '/project',
      folder: '',
      projectRoot: '',
    },
    sink: { send: () => {}, bufferedBytes: 0, close: () => {} },
    baseline: {},
    served: {},
    idPrefix: 'd',
    wants: [],
    now: () => now,
    maxBufferedBytes: 1_000,
  });
}

it('completes what the hook wrote, and keeps its age and session id', () => {
  writeRecord(folder, record({ sessionId: 'of-the-hook', projectDir: '/hook', since: ago(50_000) }));
  records().complete(session());
  expect(readRecord(folder, self.pid)).toMatchObject({
    sessionId: 'of-the-hook',
    projectDir: '/hook',
    since: ago(50_000),
    daemons: ['mcp-user'],
  });
  records('other').complete(session());
  expect(readRecord(folder, self.pid)?.daemons).toEqual(['mcp-user', 'other']);
});

it('replaces the record of an earlier process of that pid', () => {
  writeRecord(folder, record({ startTime: 'earlier', sessionId: 'stale', since: ago(50_000) }));
  records().complete(session());
  expect(readRecord(folder, self.pid)).toMatchObject({
    startTime: self.startTime,
    since: ago(0),
    projectDir: '/project',
  });
  expect(readRecord(folder, self.pid)?.sessionId).toBeUndefined();
});

it('counts young records of living hosts without a session, and only those', () => {
  writeRecord(folder, record({}));
  expect(records().prune([])).toBe(1);
  expect(records().prune([session()])).toBe(0);
  writeRecord(folder, record({ since: ago(59_000) }));
  expect(records().prune([])).toBe(1);
  writeRecord(folder, record({ since: ago(61_000) }));
  expect(records().prune([])).toBe(0);
  writeRecord(folder, record({ since: ago(-3_600_000) }));
  expect(records().prune([])).toBe(0);
  expect(readRecord(folder, self.pid)).toBeDefined();
});

it('removes the records of hosts that are gone, reused pids among them, and nothing else', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  const pid = child.pid ?? 0;
  const startTime = processStartTime(pid) ?? '';
  await new Promise((resolve) => child.once('exit', resolve));
  writeRecord(folder, record({ pid, startTime }));
  writeFileSync(join(folder, 'README'), 'not a record');
  writeFileSync(join(folder, '0'), '{}');
  expect(records().prune([])).toBe(0);
  expect(readdirSync(folder)).not.toContain(String(pid));
  expect(readdirSync(folder)).toContain('README');
  writeRecord(folder, record({ startTime: 'of another process' }));
  records().prune([]);
  expect(readRecord(folder, self.pid)).toBeUndefined();
});

it.each([
  ['empty', ''],
  ['text', 'hello'],
  ['a list', '[]'],
  ['another pid', JSON.stringify({ pid: 1, startTime: 'x' })],
  ['huge', JSON.stringify({ ...self, since: ago(0), x: 'x'.repeat(100_000) })],
])('is not held up by a forged record that is %s', (_what, text) => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, String(self.pid)), text);
  expect(records().prune([])).toBe(0);
});

it('never touches a session when the folder cannot be used', () => {
  writeFileSync(folder, 'a file where the folder should be');
  expect(() => records().complete(session())).not.toThrow();
  expect(() => records().leave(session(), [])).not.toThrow();
  expect(records().prune([])).toBe(0);
});

it('keeps the record of a host while another of its sessions is open, and what a hook wrote of a living host', () => {
  const [one, two] = [session(), session()];
  writeRecord(folder, record({}));
  records().complete(one);
  records().leave(one, [two]);
  expect(readRecord(folder, self.pid)?.daemons).toEqual(['mcp-user']);
  records().leave(two, []);
  expect(readRecord(folder, self.pid)).toMatchObject(self);
  expect(records().prune([])).toBe(1);
});

it('removes the record of a host without a hook with its last session, though the host lives', () => {
  const [one, two] = [session(), session()];
  records().complete(one);
  records().complete(two);
  records().leave(one, [two]);
  expect(readRecord(folder, self.pid)).toMatchObject(self);
  // Left by a daemon that was killed: its wrapper had come, so nobody is waited for.
  expect(records().prune([])).toBe(0);
  records().leave(two, []);
  expect(readRecord(folder, self.pid)).toBeUndefined();
});

it('leaves a record to the hook that wrote over it', () => {
  const one = session();
  records().complete(one);
  recordSession({ recordsDir: folder, pid: self.pid, sessionId: 's', projectDir: '/p', now: () => new Date(now) });
  records().leave(one, []);
  expect(readRecord(folder, self.pid)?.sessionId).toBe('s');
});
