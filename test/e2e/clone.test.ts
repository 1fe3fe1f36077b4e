// A clone as Windows makes it, without links and with git turning line ends: the same bytes, and what is installed runs.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';
import { copyTree, pluginVersion } from '../support/claude/marketplace.ts';
import { eventually } from '../support/eventually.ts';
import { type CliHome, openCliHome, outcomeOf } from '../support/run-cli.ts';
import { Wrapper } from '../support/wrapper-rig.ts';

describe('a clone without links and with CRLF for text', () => {
  const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-proxy-clone-')));
  const clone = join(scratch, 'clone');
  const git = (cwd: string, ...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.invalid', ...args], { cwd });

  beforeAll(() => {
    const tree = copyTree(join(scratch, 'tree'));
    git(tree, 'init', '-q', '-b', 'main');
    git(tree, 'add', '-A', '-f');
    git(tree, 'commit', '-qm', 'all');
    git(scratch, 'clone', '-q', '-c', 'core.symlinks=false', '-c', 'core.autocrlf=true', tree, clone);
    symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
  });
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  /** What `build` says on stderr, line by line. */
  function build(...args: string[]): string[] {
    const run = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/build.ts', ...args], { cwd: clone });
    const lines = run.stderr.toString().split('\n').filter(Boolean);
    expect(run.status, lines.join('\n')).toBe(lines.length > 0 ? 1 : 0);
    return lines;
  }

  it('has the bytes that were committed, so its build is the same', () => {
    expect(readFileSync(join(clone, 'README.md')).equals(readFileSync(join(root, 'README.md')))).toBe(true);
    expect(build('--check')).toEqual([]);
  });

  it('installs what initializes, lists tools and answers commands', async () => {
    const installed = join(scratch, 'installed');
    cpSync(join(clone, 'plugin'), installed, { recursive: true });
    const home = openCliHome();
    try {
      const version = await outcomeOf(spawn(join(installed, 'bin', 'mcp-proxy'), ['--version'], { env: home.env }));
      expect(version).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining(pluginVersion()) });
      expect(await toolsBehind(join(installed, 'bin', 'run-mcp-proxy'), home)).toContain('notes__add_note');
    } finally {
      await home.close();
    }
  });

  it('tells a changed byte, a lost mode, a link and a stray file, and builds them away', () => {
    const [changed, link, stray] = ['plugin/README.md', 'plugin/hooks', 'plugin/stray.txt'] as const;
    writeFileSync(join(clone, changed), 'changed\n');
    writeFileSync(join(clone, stray), '');
    chmodSync(join(clone, 'plugin', 'bin', 'mcp-proxy'), 0o644);
    rmSync(join(clone, link), { recursive: true });
    symlinkSync('../hooks', join(clone, link));
    const said = (path: string) => expect.stringMatching(new RegExp(`^${path} is `));
    expect(build('--check').sort()).toEqual([changed, 'plugin/bin/mcp-proxy', link, stray].map(said));
    // A file system without modes is not a stale build.
    git(clone, 'config', 'core.filemode', 'false');
    expect(build('--check').sort()).toEqual([changed, link, stray].map(said));
    git(clone, 'config', 'core.filemode', 'true');
    expect(build()).toEqual([]);
    expect(git(clone, 'status', '--porcelain', '--untracked-files=no').toString()).toBe('');
    expect(build('--check')).toEqual([]);
  });
});

/** Through the program itself, as `#!` and the mode make it one. */
async function toolsBehind(program: string, { env, project }: CliHome): Promise<unknown[]> {
  const wrapper = new Wrapper(spawn(program, ['mcp-user'], { env, cwd: project }));
  try {
    await wrapper.initialize();
    let asked = 0;
    return await eventually(
      async () => {
        asked += 1;
        wrapper.request(asked, 'tools/list');
        const names = JSON.stringify((await wrapper.answer(asked))['result']).match(/(?<="name":")[^"]+/g);
        return names?.includes('notes__add_note') ? names : undefined;
      },
      { timeoutMs: 20_000, what: 'the tools of the example server' },
    );
  } finally {
    wrapper.child.stdin?.end();
    await wrapper.exited;
  }
}
