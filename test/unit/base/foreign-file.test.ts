// The one reader. Breaks when something that is no plain file of bounded size is opened, read without end or waited for.
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openForeignFile, type ReadLimits, readForeignFile, readForeignText } from '../../../src/base/foreign-file.ts';
import { readSystemFile } from '../../../src/base/system-file.ts';
import { HostileFiles, type HostileKind, hostileKinds, pipe } from '../../support/hostile-files.ts';

let folder: string;
let project: string;
let planted: HostileFiles;
let racer: ChildProcess | undefined;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'foreign-file-')));
  project = join(folder, 'project');
  mkdirSync(project);
  planted = new HostileFiles();
});
afterEach(() => {
  racer?.kill('SIGKILL');
  racer = undefined;
  planted.close();
  rmSync(folder, { recursive: true, force: true });
});

const limits = (more: Partial<ReadLimits> = {}): ReadLimits => ({ maxBytes: 1_000, inside: project, ...more });
const at = (name: string) => join(project, name);
const reasonOf = (path: string, given = limits()) => {
  const reading = readForeignFile(path, given);
  return reading.kind === 'refused' ? reading.reason : reading.kind;
};

describe('what stands in place of a file', () => {
  const inside: Record<HostileKind, string> = {
    'a link to /dev/zero': 'is a link that leads out of PROJECT to /dev/zero',
    'a pipe': 'is a pipe, not a regular file',
    'a pipe that somebody fills': 'is a pipe, not a regular file',
    'a folder': 'is a folder, not a regular file',
    'a socket': 'is a socket, not a regular file',
    'a sparse file of 1 GiB': 'is larger than 1000 bytes',
    'a link to itself': 'cannot be read (ELOOP)',
    'a link out of the project': 'is a link that leads out of PROJECT to FOLDER/elsewhere',
  };
  const anywhere: Partial<Record<HostileKind, string>> = {
    'a link to /dev/zero': 'is a device, not a regular file',
    'a link out of the project': 'file',
  };

  it.each(hostileKinds)('%s is refused by its name, and nothing stays open', (kind) => {
    writeFileSync(join(folder, 'elsewhere'), 'private');
    planted.plant(kind, at('f'), join(folder, 'elsewhere'));
    const before = openFiles();
    const named = (text: string) => text.replace('PROJECT', project).replace('FOLDER', folder);
    expect(reasonOf(at('f'))).toBe(named(inside[kind]));
    expect(reasonOf(at('f'), { maxBytes: 1_000 })).toBe(named(anywhere[kind] ?? inside[kind]));
    const isLink = kind.startsWith('a link');
    expect(reasonOf(at('f'), { maxBytes: 1_000, isLinkRefused: true })).toBe(
      isLink ? 'is a link, not a regular file' : named(inside[kind]),
    );
    expect(openFiles()).toBe(before);
  });

  it.each([
    ['nothing', 'none', 'absent'],
    ['a link to nothing', 'dangling', 'absent'],
    ['something below a file', 'file/x', 'cannot be read (ENOTDIR)'],
    ['something below a pipe', 'pipe/x', 'cannot be read (ENOTDIR)'],
    ['a name that is too long', 'n'.repeat(300), 'cannot be read (ENAMETOOLONG)'],
    ['a name with a zero byte', 'a\0b', 'cannot be read (ERR_INVALID_ARG_VALUE)'],
    ['a link to a link to itself', 'round', 'cannot be read (ELOOP)'],
    ['a chain of sixty links', 'chain60', 'cannot be read (ELOOP)'],
    ['a chain of twenty links', 'chain20', 'file'],
    ['a link inside', 'link', 'file'],
    ['a file below a linked folder inside', 'linked/g', 'file'],
    [
      'a file below a folder that is a link to the root of the disk',
      'disk/etc/hostname',
      /^is a link that leads out of/,
    ],
    ['a terminal', 'terminal', /^(?:is a link that leads out of|absent|cannot be read)/],
  ])('%s', (_what, name, expected) => {
    writeFileSync(at('file'), 'x');
    mkdirSync(at('folder'));
    writeFileSync(at('folder/g'), 'x');
    pipe(at('pipe'));
    symlinkSync('/nowhere/at/all', at('dangling'));
    symlinkSync(at('round2'), at('round'));
    symlinkSync(at('round'), at('round2'));
    for (let i = 0; i <= 60; i += 1) symlinkSync(at(i === 0 ? 'file' : `chain${i - 1}`), at(`chain${i}`));
    symlinkSync('file', at('link'));
    symlinkSync('folder', at('linked'));
    symlinkSync('/', at('disk'));
    symlinkSync('/dev/tty', at('terminal'));
    const reason = reasonOf(at(name));
    if (typeof expected === 'string') expect(reason).toBe(expected);
    else expect(reason).toMatch(expected);
  });

  it('a file that may not be read is refused, not absent', () => {
    writeFileSync(at('mine'), 'secret', { mode: 0o600 });
    mkdirSync(at('closed'));
    writeFileSync(at('closed/x'), 'secret');
    chmodSync(at('closed'), 0o700);
    for (const path of [folder, project]) chmodSync(path, 0o755);
    const found = asNobody(() => [reasonOf(at('mine')), reasonOf(at('closed/x')), reasonOf(at('closed/none'))]);
    expect(found).toEqual(Array(3).fill('cannot be read (EACCES)'));
  });

  it('a path without any link is its own, wherever it lies', () => {
    writeFileSync(join(folder, 'beside'), 'x');
    expect(reasonOf(join(folder, 'beside'))).toBe('file');
    expect(reasonOf(join(project, '..', 'beside'))).toBe('file');
  });

  it('a project that is reached through a link is the same project', () => {
    symlinkSync(project, join(folder, 'alias'));
    writeFileSync(at('f'), 'x');
    symlinkSync(at('f'), at('l'));
    expect(reasonOf(join(folder, 'alias', 'l'), limits({ inside: join(folder, 'alias') }))).toBe('file');
  });
});

describe('size', () => {
  it('up to the bound is read whole, one byte more is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20_000 }), fc.integer({ min: 0, max: 20_000 }), (bytes, maxBytes) => {
        writeFileSync(at('f'), bytes);
        const reading = readForeignFile(at('f'), { maxBytes });
        if (bytes.length > maxBytes) expect(reading.kind).toBe('refused');
        else expect(reading.kind === 'file' && reading.bytes.equals(bytes)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('is not what the system says: a file of /proc has none and holds something', () => {
    expect(reasonOf('/proc/self/status', { maxBytes: 100_000 })).toBe('file');
    expect(readSystemFile('/proc/self/status')).toMatch(/^Name:[\s\S]*VmRSS/);
    expect(reasonOf('/proc/self/status', { maxBytes: 1_024 })).toBe('is larger than 1 KiB');
    expect(reasonOf('/proc/self/mem', { maxBytes: 1_024 })).toMatch(/^cannot be read/);
    expect(readSystemFile('/proc/self/none')).toBe('');
  });
});

describe('text', () => {
  it('comes without its mark, and bytes that are none do not break it', () => {
    writeFileSync(at('f'), Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0xff, 0x7d]));
    const reading = readForeignText(at('f'), limits());
    expect(reading.kind === 'text' && reading.text).toBe('{\ufffd}');
  });

  it('of a refusal is never part of the reason', () => {
    writeFileSync(at('f'), 'content '.repeat(1_000));
    expect(JSON.stringify(readForeignText(at('f'), limits()))).not.toContain('content');
  });
});

it('what is swapped between the look and the opening never blocks, and is never read for something else', () => {
  writeFileSync(join(folder, 'private'), 'private');
  // Renames as fast as it can: a plain file, a pipe, a link out, nothing.
  const program = `
    const fs = require('fs'); const [path, pipe, secret] = process.argv.slice(1);
    for (let i = 0; ; i += 1) {
      try {
        if (i % 4 === 0) fs.writeFileSync(path + '.n', 'plain');
        if (i % 4 === 1) fs.linkSync(pipe, path + '.n');
        if (i % 4 === 2) fs.symlinkSync(secret, path + '.n');
        if (i % 4 === 3) fs.rmSync(path); else fs.renameSync(path + '.n', path);
      } catch { fs.rmSync(path + '.n', { force: true }); }
    }`;
  pipe(join(folder, 'pipe'));
  racer = spawn(process.execPath, ['-e', program, at('f'), join(folder, 'pipe'), join(folder, 'private')]);
  const seen = new Set<string>();
  for (let i = 0; i < 200_000 && (i < 20_000 || seen.size < 4); i += 1) {
    const reading = readForeignFile(at('f'), limits());
    if (reading.kind === 'file') expect(['plain', '']).toContain(reading.bytes.toString());
    seen.add(reading.kind === 'refused' ? reading.reason.replace(/ to .*/, '') : reading.kind);
  }
  expect([...seen].filter((what) => !/^(?:file|absent|is |cannot be read \((?:ELOOP|EINVAL)\))/.test(what))).toEqual(
    [],
  );
  expect(seen.size).toBeGreaterThan(2);
});

it('whoever reads in parts gets an open file, or the same reason', () => {
  writeFileSync(at('f'), 'x');
  const before = openFiles();
  const opened = openForeignFile(at('f'), {});
  expect(opened.kind).toBe('open');
  expect(openFiles()).toBe(before + 1);
  if (opened.kind === 'open') closeSync(opened.fd);
  expect(openFiles()).toBe(before);
  expect(openForeignFile('/dev/zero', {})).toEqual({ kind: 'refused', reason: 'is a device, not a regular file' });
});

function openFiles(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Root may read everything, so as root another user looks. */
function asNobody<T>(look: () => T): T {
  if (process.getuid?.() !== 0) {
    chmodSync(at('mine'), 0o000);
    chmodSync(at('closed'), 0o000);
    try {
      return look();
    } finally {
      chmodSync(at('closed'), 0o700);
    }
  }
  process.seteuid?.(65_534);
  try {
    return look();
  } finally {
    process.seteuid?.(0);
  }
}
