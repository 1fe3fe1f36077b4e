// `mcp-proxy demo` as a person runs it: it works, and whatever happens it leaves nothing.
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { root as repository } from '../../scripts/build-defines.ts';
import { findProcessesOf } from '../../src/cli/demo/processes.ts';
import { eventually } from '../support/eventually.ts';
import { outcomeOf } from '../support/run-cli.ts';

let folder = '';
let install = '';
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-proxy-demo-test-')));
  for (const name of ['home', 'tmp']) mkdirSync(join(folder, name));
  // As installed: what the bundles do not carry must be found beside them, with no node_modules near.
  install = join(folder, 'plugin with spaces');
  for (const part of ['bin', 'dist', 'examples'])
    cpSync(join(repository, part), join(install, part), { recursive: true });
});
afterEach(() => {
  const left = findProcessesOf(folder);
  for (const pid of left) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  expect(left).toEqual([]);
});

function startDemo(): ChildProcess {
  const env = { PATH: process.env['PATH'], HOME: join(folder, 'home'), TMPDIR: join(folder, 'tmp') };
  return spawn(process.execPath, [join(install, 'bin', 'mcp-proxy'), 'demo'], { env, cwd: folder });
}

const leftFiles = () => [...readdirSync(join(folder, 'home')), ...readdirSync(join(folder, 'tmp'))];

describe('demo', () => {
  it('plays to its end and leaves no process and no file', async () => {
    const { code, stdout, stderr } = await outcomeOf(startDemo());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain('✗');
    for (const line of [
      /session A in shop: 4 tools after .*, the daemon started on the way/,
      /A and B wrote a note each, C read both: one notes server \(pid \d+\)/,
      /project-files: A and B share pid \d+, C has pid \d+ \(shared by project\)/,
      /all three have its tools .* after the config changed/,
      /notes server killed: B's next call answered after/,
      /daemon killed: calls of A, B and C answered within/,
      /servers, one copy for each session +9 +\d+ MiB/,
      /servers, shared +4 +\d+ MiB/,
      /\d+ processes ended, the folder is removed/,
    ]) {
      expect(stdout).toMatch(line);
    }
    expect(leftFiles()).toEqual([]);
  });

  it.each([
    ['before the sessions are open', /Three sessions open/],
    ['in the middle', /They use the same servers/],
    ['after the kills', /Programs are killed/],
  ])('ends cleanly with exit code 1 on Ctrl-C %s', async (_when, line) => {
    const child = startDemo();
    const ended = outcomeOf(child);
    let stdout = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString('utf8');
    });
    await eventually(() => line.test(stdout), { what: String(line), intervalMs: 1 });
    child.kill('SIGINT');
    const { code, stdout: all } = await ended;
    expect(code).toBe(1);
    expect(all).toContain('✗ interrupted');
    expect(all).toContain('the folder is removed');
    expect(leftFiles()).toEqual([]);
  });

  it('fails with a clear line and exit code 1 when a step fails', async () => {
    // A notes server that forgets: the third step is not so.
    rmSync(join(install, 'examples', 'servers', 'notes.mjs'));
    cpSync(
      join(repository, 'examples', 'servers', 'project-files.mjs'),
      join(install, 'examples', 'servers', 'notes.mjs'),
    );
    const { code, stdout } = await outcomeOf(startDemo());
    expect(code).toBe(1);
    expect(stdout).toMatch(/✗ .*notes__add_note/);
    expect(stdout).toContain('The demo failed after');
    expect(leftFiles()).toEqual([]);
  });

  it('says where to run it from when its servers are not beside it', async () => {
    rmSync(join(install, 'examples'), { recursive: true });
    const { code, stderr } = await outcomeOf(startDemo());
    expect(code).toBe(1);
    expect(stderr).toContain('/mcp-proxy demo');
    expect(leftFiles()).toEqual([]);
  });
});
