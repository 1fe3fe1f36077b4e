// Files are read in one place. Breaks when something opens or copies a file past base/foreign-file, which alone knows what
// may stand there instead: a pipe that blocks all sessions, a device without end, a link to what is private.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';

/** What may do it, with what, and why it is not the reader's. */
const allowed: Record<string, { names: string[]; why: string }> = {
  'base/foreign-file.ts': { names: ['openSync'], why: 'the reader itself' },
  'base/atomic-file.ts': { names: ['openSync'], why: 'writes only, and only what it makes (O_EXCL)' },
  'base/log.ts': { names: ['openSync'], why: 'appends, without following a link or waiting for a pipe' },
  'base/private-dir.ts': { names: ['openSync'], why: 'a folder or nothing (O_DIRECTORY)' },
  'base/code-cache.ts': { names: ['readFileSync'], why: 'the running program itself, and its cache beside our data' },
  'base/process-identity.ts': {
    names: ['readFileSync'],
    why: '/proc/<pid>/stat: some hundred bytes of the kernel, for every process of the machine, once a second',
  },
  'daemon/single-instance.ts': {
    names: ['openSync'],
    why: 'the open file is the lock, and nothing is read (O_NONBLOCK)',
  },
  'migrate/change/replace-file.ts': {
    names: ['openSync'],
    why: 'writes what it makes (O_EXCL), and syncs a folder (O_DIRECTORY)',
  },
  'upstream/process/process-facts.ts': {
    names: ['readFile'],
    why: '/proc/<pid>/smaps_rollup: the kernel needs milliseconds for it, in which no session must wait',
  },
  'wrapper/install-stable.ts': {
    names: ['copyFile'],
    why: "the installed plugin's own programs, one of which runs this",
  },
  'cli/skill-line.ts': { names: ['readFileSync'], why: 'stdin, by its number' },
};

/** Whatever opens a file by its path, or reads all of an open one. */
const openers = [
  ...['readFile', 'readFileSync', 'createReadStream', 'ReadStream', 'open', 'openSync', 'openAsBlob'],
  ...['copyFile', 'copyFileSync', 'cp', 'cpSync', 'watchFile'],
];
/** A namespace or a default import could hide any of them. */
const wholes =
  /\b(?:import\s+(?:type\s+)?(?:\w+|\*\s+as\s+\w+)[^;]*?\bfrom|import\(|require\(|getBuiltinModule\()\s*'(?:node:)?fs(?:\/promises)?'/;

type Use = { file: string; name: string };

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? sources(path) : entry.name.endsWith('.ts') ? [path] : [];
  });
}

function importsOf(text: string): string[] {
  return [...text.matchAll(/import\s*\{([^}]*)\}\s*from\s*'(?:node:)?fs(?:\/promises)?'/g)]
    .flatMap(([, list = '']) => list.split(','))
    .map(
      (part) =>
        part
          .trim()
          .replace(/^type\s+/, '')
          .split(/\s+as\s+/)[0] ?? '',
    )
    .filter(Boolean);
}

const files = sources(join(root, 'src')).map((path) => ({
  file: relative(join(root, 'src'), path),
  text: readFileSync(path, 'utf8'),
}));
const uses = files.flatMap(({ file, text }): Use[] =>
  importsOf(text)
    .filter((name) => openers.includes(name))
    .map((name) => ({ file, name })),
);

describe('the only reader of files', () => {
  it('sees the imports', () => {
    expect(files.filter(({ text }) => importsOf(text).length > 0).length).toBeGreaterThan(50);
    expect(importsOf("import {\n  type Stats,\n  readFileSync as read,\n} from 'node:fs';")).toEqual([
      'Stats',
      'readFileSync',
    ]);
    for (const text of [
      "import * as fs from 'node:fs';",
      "import fs, { statSync } from 'fs';",
      "const fs = require('node:fs');",
      "await import('node:fs/promises')",
      "process.getBuiltinModule('fs')",
    ])
      expect(text).toMatch(wholes);
  });

  it('is the only one but for those that have a reason', () => {
    const strange = uses.filter(({ file, name }) => !allowed[file]?.names.includes(name));
    expect(strange.map(({ file, name }) => `${file} uses ${name}`)).toEqual([]);
  });

  it('is not passed by under another name', () => {
    expect(files.filter(({ text }) => wholes.test(text)).map(({ file }) => file)).toEqual([]);
    const renamed = /import\s*\{[^}]*\bpromises\b[^}]*\}\s*from\s*'(?:node:)?fs'/;
    expect(files.filter(({ text }) => renamed.test(text)).map(({ file }) => file)).toEqual([]);
  });

  it('has no exception that nobody needs', () => {
    const needed = new Set(uses.map(({ file, name }) => `${file} ${name}`));
    const listed = Object.entries(allowed).flatMap(([file, { names }]) => names.map((name) => `${file} ${name}`));
    expect(listed.filter((one) => !needed.has(one))).toEqual([]);
  });

  it('has readers of folders that end: none lists all below one at once', () => {
    const recursive = /readdir(?:Sync)?\([^)]*recursive/;
    expect(files.filter(({ text }) => recursive.test(text)).map(({ file }) => file)).toEqual([]);
  });
});
