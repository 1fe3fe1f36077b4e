// Whose a copy is that runs outside of the daemon. Breaks when one that nobody reads is called a session's, when a
// session's is to be ended, or when a server that was never moved is overlooked.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { leftoverFindings } from '../../../../src/cli/doctor/leftovers.ts';
import type { ProcessFacts } from '../../../../src/cli/doctor/process-facts.ts';
import { parseConfig } from '../../../../src/config/load.ts';
import { collectSources } from '../../../../src/migrate/programs/collect-sources.ts';
import { createFixture, type Fixture } from '../../migrate/world-fixture.ts';

let home: Fixture;
beforeEach(() => {
  home = createFixture();
});
afterEach(() => home.remove());

/** pid, parent, command line; far above any real pid. */
type Line = [number, number, ...string[]];
const base = 90_000_000;
const init: Line = [1, 0, '/sbin/init'];

function factsOf(lines: readonly Line[], markers: Record<number, string> = {}): ProcessFacts {
  const at = (pid: number) => (pid <= 1 ? pid : base + pid);
  const processes = lines.map(([pid, ppid, ...argv]) => ({ pid: at(pid), ppid: at(ppid), argv }));
  return {
    table: { processes, pssBytes: () => 8 * 1024 * 1024, variableNames: () => [] },
    byPid: new Map(processes.map((running) => [running.pid, running])),
    daemons: new Set(),
    markerOf: (pid) => markers[pid - base],
    isOurs: () => true,
    isBelowDaemon: () => false,
  };
}

function find(mcpServers: object, lines: Line[], markers: Record<number, string> = {}) {
  const text = JSON.stringify({ mcpServers });
  return leftoverFindings({
    config: parseConfig({ file: 'config', text, env: home.world.env }),
    sources: collectSources(home.world, []),
    processes: factsOf([init, ...lines], markers),
  });
}

const notes = { command: 'node', args: ['/srv/notes.mjs'] };
const copy = ['node', '/srv/notes.mjs'];

describe('copies outside of the daemon', () => {
  it('are nothing where none run, and where a server was not moved its sessions have their own', () => {
    home.write('.claude.json', { mcpServers: { notes } });
    expect(
      find({ other: { command: 'other' } }, [
        [10, 1, 'claude'],
        [11, 10, ...copy],
      ]),
    ).toEqual([]);
  });

  it('whose session is gone are found below their shells, which end with them', () => {
    const found = find({ notes }, [
      [10, 1, 'sh', '-c', 'node /srv/notes.mjs; true'],
      [11, 10, ...copy],
    ]);
    expect(found).toMatchObject([
      {
        severity: 'warning',
        what: `1 copy of notes outlived the session that started it: process ${base + 10} sh with ${base + 11} (16 MiB).`,
        fix: { say: expect.stringContaining(`kill ${base + 10} ${base + 11}`), apply: expect.any(Function) },
      },
    ]);
  });

  it('below a shell that runs something else too end without it', () => {
    const found = find({ notes }, [
      [10, 1, '/bin/bash', '-c', 'tail -f x | node /srv/notes.mjs'],
      [11, 10, ...copy],
      [12, 10, 'tail', '-f', 'x'],
    ]);
    expect(found).toMatchObject([{ severity: 'warning', fix: { say: expect.stringMatching(`kill ${base + 11}$`) } }]);
  });

  it('of a person at a shell, or of a session, are not lost', () => {
    const atShell = find({ notes }, [
      [10, 1, '-bash'],
      [11, 10, ...copy],
    ]);
    expect(atShell).toMatchObject([{ severity: 'note', what: expect.stringContaining(`by process ${base + 10} `) }]);
    const ofSession = find({ notes }, [
      [10, 1, 'claude'],
      [11, 10, 'sh', '-c', 'exec node'],
      [12, 11, ...copy],
    ]);
    expect(ofSession).toMatchObject([{ severity: 'note', what: expect.stringContaining(`by process ${base + 10} `) }]);
    expect(atShell[0]?.fix?.apply ?? ofSession[0]?.fix?.apply).toBeUndefined();
  });

  it('that outlived a session are found for a server that a client declares for itself, once', () => {
    home.write('.claude.json', { mcpServers: { notes, twin: notes } });
    expect(find({}, [[11, 1, ...copy]])).toMatchObject([
      {
        severity: 'warning',
        what: expect.stringMatching(/^1 copy of notes outlived/),
        fix: { apply: expect.any(Function) },
      },
    ]);
  });

  it('that outlived the daemon are named by server, each with its processes and its cost', () => {
    const lines: Line[] = [
      [10, 1, 'npm'],
      [11, 10, ...copy],
      [12, 1, 'git-server'],
      [13, 1, 'npm'],
    ];
    const marker = (server: string, number: number) => `${server}-${number}-0a1b2c3d4e5f-0123456789abcdef`;
    const found = find({}, lines, {
      ...{ 10: marker('my-notes', 1), 11: marker('my-notes', 1) },
      ...{ 12: marker('git', 2), 13: marker('my-notes', 3) },
    });
    expect(found.map(({ what }) => what)).toEqual([
      `2 copies of my-notes outlived the daemon: process ${base + 10} npm with ${base + 11} (16 MiB); process ${base + 13} npm (8 MiB).`,
      `1 copy of git outlived the daemon: process ${base + 12} git-server (8 MiB).`,
    ]);
  });
});
