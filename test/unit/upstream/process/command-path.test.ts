import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AppError } from '../../../../src/base/errors.ts';
import { findCommand } from '../../../../src/upstream/process/command-path.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'aitkit-command-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function program(path: string, mode = 0o755): string {
  const full = join(home, path);
  mkdirSync(join(full, '..'), { recursive: true });
  writeFileSync(full, '#!/bin/sh\n');
  chmodSync(full, mode);
  return full;
}

test('takes the first executable file on the given PATH, passing folders and files that cannot be run', () => {
  program('a/tool', 0o644);
  mkdirSync(join(home, 'b', 'tool'), { recursive: true });
  const third = program('c/tool');
  program('d/tool');
  const path = ['a', 'b', 'missing', 'c', 'd'].map((name) => join(home, name)).join(':');
  expect(findCommand('tool', { cwd: home, env: { PATH: path } })).toBe(third);
});

test('does not look on the PATH of this process', () => {
  expect(() => findCommand('node', { cwd: home, env: { PATH: join(home, 'empty') } })).toThrow(AppError);
});

test('resolves a command with a slash against the working folder, not PATH', () => {
  const own = program('bin/tool');
  expect(findCommand('./bin/tool', { cwd: home, env: { PATH: '' } })).toBe(own);
  expect(findCommand(own, { cwd: '/', env: {} })).toBe(own);
});

test('says which command is missing and where it was looked for', () => {
  const path = join(home, 'nowhere');
  const error = failure(() => findCommand('uvx', { cwd: home, env: { PATH: path } }));
  expect(error.code).toBe('SERVER_NOT_INSTALLED');
  expect(error.message).toContain('uvx');
  expect(error.hint).toContain(path);
});

function failure(run: () => unknown): AppError {
  try {
    run();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}
