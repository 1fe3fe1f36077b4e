// The config and the env file are somebody's too: a link into dotfiles that are not mounted, a pipe of a shell, a disk image.
// Breaks when reading one ends never, or an edit writes over what was not read whole.
import { lstatSync, mkdtempSync, readFileSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import { addServer, removeServer, setServerEnabled } from '../../../src/config/edit.ts';
import { readEnvFile } from '../../../src/config/env-file.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { HostileFiles, type HostileKind, hostileKinds } from '../../support/hostile-files.ts';

let home: string;
let configPath: string;
let planted: HostileFiles;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'config-hostile-')));
  configPath = join(home, 'c.json');
  planted = new HostileFiles();
});
afterEach(() => {
  planted.close();
  rmSync(home, { recursive: true, force: true });
});

const target = () => ({ configPath, env: { HOME: home } });
/** A person's own link may lead anywhere, so that one loads. */
const plant = (kind: HostileKind, path: string) => planted.plant(kind, path, '/etc/hostname');

const edits: [string, () => unknown][] = [
  ['add', () => addServer(target(), { name: 'a', definition: { command: 'x' } })],
  ['remove', () => removeServer(target(), 'a')],
  ['disable', () => setServerEnabled(target(), 'a', false)],
];

describe.each(hostileKinds)('%s', (kind) => {
  it('as config does not load, says what it is, and is edited by nothing', () => {
    plant(kind, configPath);
    const before = lstatSync(configPath);
    const loaded = loadConfig({ locations: { configPath }, env: { HOME: home } });
    if (loaded.ok) throw new Error('loaded');
    if (kind !== 'a link out of the project') {
      expect(loaded.problem.code).toBe('CONFIG_UNREADABLE');
      expect(loaded.problem.message).toMatch(
        /c\.json (?:is a \w+, not a regular file|is larger than 4 MiB|cannot be read)/,
      );
    }
    for (const [name, edit] of edits) expect(codeOf(edit), name).toMatch(/^CONFIG_(?:UNREADABLE|UNSAFE)$/);
    expect([lstatSync(configPath).ino, lstatSync(configPath).mode]).toEqual([before.ino, before.mode]);
    if (kind.startsWith('a link')) expect(readlinkSync(configPath)).toBeDefined();
  });

  it('as env file gives no value and says why', () => {
    plant(kind, join(home, 'env'));
    const { values, warnings } = readEnvFile(join(home, 'env'));
    expect(values).toEqual({});
    expect(warnings.map(({ message }) => message).join()).toMatch(/ is not used: it is (?:a|larger)/);
  });
});

it('bytes that are no UTF-8 are not lost by an edit', () => {
  const bytes = Buffer.concat([Buffer.from('{ // caf'), Buffer.from([0xe9]), Buffer.from('\n"mcpServers": {} }')]);
  writeFileSync(configPath, bytes);
  expect(codeOf(() => addServer(target(), { name: 'a', definition: { command: 'x' } }))).toBe('CONFIG_UNREADABLE');
  expect(readFileSync(configPath).equals(bytes)).toBe(true);
});

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
  return 'none';
}
