// Files of our own and the lists of folders. Breaks when what somebody put in their place holds us or is read without end.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readFileIfPresent } from '../../../src/base/atomic-file.ts';
import { listFolder } from '../../../src/base/list-folder.ts';
import { createFileLog } from '../../../src/base/log.ts';
import { listRecordPids, readRecord, writeRecord } from '../../../src/link/record.ts';
import { readJournal, reapJournal } from '../../../src/upstream/process/journal.ts';
import { HostileFiles, hostileKinds, pipe } from '../../support/hostile-files.ts';

let folder: string;
let planted: HostileFiles;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'own-files-')));
  planted = new HostileFiles();
});
afterEach(() => {
  planted.close();
  rmSync(folder, { recursive: true, force: true });
});

const record = { pid: 4, startTime: '1', projectDir: '/p', since: '2020-01-01T00:00:00.000Z', daemons: ['d'] };

it.each(hostileKinds)('a session record that is %s is none', (kind) => {
  const elsewhere = join(folder, 'elsewhere');
  writeFileSync(elsewhere, JSON.stringify(record));
  const records = join(folder, 'records');
  writeRecord(records, record);
  expect(readRecord(records, 4)).toEqual(record);
  planted.plant(kind, join(records, '4'), elsewhere);
  expect(listRecordPids(records)).toEqual([4]);
  expect(readRecord(records, 4)).toBeUndefined();
});

it.each(hostileKinds)('a journal that is %s names no process, and its place is free again', async (kind) => {
  const path = join(folder, 'journal');
  planted.plant(kind, path, join(folder, 'elsewhere'));
  expect(readJournal(path)).toEqual([]);
  expect(await reapJournal(path)).toEqual([]);
  expect(existsSync(path)).toBe(kind === 'a folder');
});

it.each(hostileKinds)('a file of our own that is %s is an error that names it', (kind) => {
  const path = join(folder, 'own');
  writeFileSync(join(folder, 'elsewhere'), 'x'.repeat(100));
  planted.plant(kind, path, join(folder, 'elsewhere'));
  expect(() => readFileIfPresent(path, 50)).toThrow(`${path} `);
  expect(readFileIfPresent(join(folder, 'none'))).toBeUndefined();
});

it('a log that is a pipe takes no lines and holds nobody, also with a reader', () => {
  const path = join(folder, 'log');
  pipe(path);
  const log = createFileLog({ path, maxBytes: 1_000, keep: 1, redact: (text) => text });
  log.info('one');
  log.info('two');
  rmSync(path);
  log.info('three');
  log.close();
  expect(readFileSync(path, 'utf8').trim().split('\n')).toHaveLength(1);
});

it('a folder of any size is listed up to a bound, and says so', () => {
  for (let i = 0; i < 1_000; i += 1) writeFileSync(join(folder, String(i)), '');
  mkdirSync(join(folder, 'below'));
  const few = listFolder(folder, 300);
  expect([few.entries.length, few.isWhole]).toEqual([300, false]);
  const all = listFolder(folder, 1_001);
  expect([all.entries.length, all.isWhole]).toEqual([1_001, true]);
  expect(all.entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)).toEqual(['below']);
  const before = readdirSync('/proc/self/fd').length;
  pipe(join(folder, 'pipe'));
  for (const path of ['pipe', '7', 'none'])
    expect(listFolder(join(folder, path), 10)).toEqual({ entries: [], isWhole: true });
  expect(readdirSync('/proc/self/fd').length).toBe(before);
});
