// Which processes are copies of which server. Breaks when a stranger is taken for one, when one is counted twice, or when
// a copy goes unseen because its launcher rewrote its command line.
import { describe, expect, it } from 'vitest';
import { launchPattern } from '../../../../src/migrate/plan/launch-match.ts';
import { createCopyFinder, findCopyTrees } from '../../../../src/migrate/plan/running-copies.ts';

type Entry = { command: string; args?: string[] };
const run = (...argvs: string[][]) => ({
  processes: argvs.map((argv, i) => ({ pid: 100 + i, ppid: 1, argv })),
  pssBytes: () => 1,
  variableNames: () => [],
});
const pids = (table: ReturnType<typeof run>, entry: Entry, rivals: Entry[] = []) =>
  findCopyTrees(table, entry, rivals.map(launchPattern)).map(([root]) => root?.pid);

describe('a copy', () => {
  it('is counted for the entry that describes it most exactly', () => {
    const table = run(['node', '/x/echo.mjs', 'b'], ['node', '/x/echo.mjs', 'other']);
    const [exact, open] = [
      { command: 'node', args: ['/x/echo.mjs', 'b'] },
      { command: 'node', args: ['/x/echo.mjs', '${NO_SUCH}'] },
    ];
    expect(pids(table, exact, [exact, open])).toEqual([100]);
    expect(pids(table, open, [exact, open])).toEqual([101]);
    const find = createCopyFinder(table, [exact, open]);
    expect([find(exact)?.copies, find(open)?.copies]).toEqual([1, 1]);
  });

  it('has a plausible value where its entry has a reference', () => {
    const entry = { command: 'uvx', args: ['serena', '--project', '${PROJECT_ROOT}', '--port=${PORT}', '${EXTRA}'] };
    const table = run(
      ['uvx', 'serena', '--project', '/home/me/my shop', '--port=4711', 'x'],
      ['uvx', 'serena', '--project', 'shop', '--port=4711', 'x'],
      ['uvx', 'serena', '--project', '/home/me/shop', '--port=none', 'x'],
      ['uvx', 'serena', '--project', '/home/me/shop', '--port=4711', '--other'],
      ['uvx', 'serena', '--project', '/home/me/shop', '--port=4711', ''],
    );
    expect(pids(table, entry)).toEqual([100]);
    const several = { command: 'node', args: ['/s.mjs', 'a=${A},b={env:B}!'] };
    expect(pids(run(['node', '/s.mjs', 'a=1,b=2!'], ['node', '/s.mjs', 'a=1,c=2!']), several)).toEqual([100]);
  });

  it('is nothing of an entry that fixes no more than a launcher', () => {
    const table = run(['node', 'a'], ['node'], ['docker', 'run', '-i', 'image'], ['npx', '-y', 'pkg']);
    for (const entry of [
      { command: 'node' },
      { command: 'node', args: ['${SCRIPT}'] },
      { command: 'docker', args: ['run', '-i', '${IMAGE}'] },
      { command: 'npx', args: ['-y', '${PACKAGE}'] },
      { command: '${PROGRAM}', args: [] },
    ])
      expect(pids(table, entry)).toEqual([]);
  });

  it('is found by its own name, whichever interpreter runs it, and not where that is an argument of another', () => {
    const table = run(
      ['/usr/bin/python3', '/opt/bin/mcp-server-git'],
      ['mcp-server-git'],
      ['vim', 'mcp-server-git', 'notes'],
    );
    expect(pids(table, { command: 'mcp-server-git' })).toEqual([100, 101]);
  });

  it('is found where npm wrote one word over the whole command line', () => {
    const entry = { command: 'npx', args: ['-y', '--prefix', '/opt', '@x/server-github', '--dir', '${DIR}'] };
    expect(pids(run(['npm exec @x/server-github --dir /home', '', '']), entry)).toEqual([100]);
    expect(pids(run(['npm exec @x/server-gitlab --dir /home', '', '']), entry)).toEqual([]);
  });
});
