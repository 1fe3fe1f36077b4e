// Disks that are full or cannot be written. Sessions go on, and where something cannot be done, it is said what and why.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { auditCalls, Caller, copyPlugin, countRuns, daemonPid, errorData, removePlugin } from '../support/fault-rig.ts';
import { invoke, readBack, refOf } from '../support/gateway-calls.ts';
import { type McpClient, resultOf, textOf } from '../support/mcp-client.ts';

const mayMount = canMount();
let rig: DaemonRig;
let plugin: string;
beforeEach(() => {
  plugin = copyPlugin();
  rig = new DaemonRig({ XDG_CACHE_HOME: '' });
});
afterEach(async () => {
  await rig.dispose();
  removePlugin(plugin);
});

const countFile = () => join(rig.home, 'counted');
const counting = () => rig.writeConfig({ c: fixture('echo.mjs', { COUNT_FILE: countFile() }) });
const open = (name = 's') => Caller.open(rig, name, { plugin });
const works = async ({ client }: Caller, tag = 'works') =>
  expect(textOf(await client.call('c__count', { tag }))).toBe('counted');
/** After a kill the first call may have been on its way to the dead: it is told so, and the next one works. */
const recovers = (client: McpClient, tag: string) => {
  let n = 0;
  return eventually(
    async () => {
      n += 1;
      return textOf(await client.call('c__count', { tag: `${tag}-${n}` })) === 'counted';
    },
    { what: `${tag}: a good call` },
  );
};
/** A hook of this session's host, as Claude Code runs it. */
const hook = (event: string) =>
  spawnSync(process.execPath, [join(plugin, 'dist', 'hook.cjs')], {
    env: rig.environment,
    input: JSON.stringify({ hook_event_name: event, session_id: 's', cwd: rig.home, reason: 'other' }),
    encoding: 'utf8',
  });
const silent = { status: 0, stdout: '', stderr: '' };

describe('limits of the system', () => {
  it.skipIf(!mayMount)('a full disk: sessions go on, new ones come, and the log says nothing it cannot', async () => {
    const data = join(rig.root, 'lib', 'mcpproxy');
    mkdirSync(data, { recursive: true, mode: 0o700 });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=700', 'tmpfs', data]);
    try {
      counting();
      const caller = await open();
      await works(caller);
      fill(data);
      caller.start();
      const second = await open('second');
      await works(second, 'second');
      await caller.stop();
      expect(auditCalls([caller], countRuns(countFile()))).toEqual([]);
      expect(caller.outcomes.every(({ isGood }) => isGood)).toBe(true);
      // A new daemon starts on the full disk too.
      process.kill(await daemonPid(rig), 'SIGKILL');
      await recovers(second.client, 'second-again');
      const doctor = await rig.cli(['doctor', '--json']);
      expect(doctor.stdout).toContain('left.');
      await rig.closeSessions();
      await rig.nothingLeft();
    } finally {
      execFileSync('umount', ['-l', data]);
    }
  });

  it.skipIf(!mayMount)('no space in the run folder: every call is answered with what to do', async () => {
    const run = join(rig.root, 'run');
    mkdirSync(run, { recursive: true, mode: 0o700 });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,nr_inodes=4,mode=700', 'tmpfs', run]);
    try {
      counting();
      for (const name of ['a', 'b', 'c']) writeFileSync(join(run, name), '');
      const client = rig.session({ plugin });
      await client.initialize();
      const answer = await client.call('c__count', { tag: 'x' });
      expect(JSON.stringify(answer['error'])).toMatch(/ENOSPC|Free some space/);
      expect(errorData(answer)['mayHaveRun']).toBe(false);
      // Room again: the same session works without being opened anew.
      for (const name of ['a', 'b', 'c']) rmSync(join(run, name));
      execFileSync('mount', ['-o', 'remount,size=1m,nr_inodes=100', run]);
      await eventually(async () => textOf(await client.call('c__count', { tag: 'y' })) === 'counted', {
        what: 'the session to recover',
      });
      await rig.closeSessions();
      await eventually(() => rig.daemons().length === 0, { what: 'the daemon to end' });
    } finally {
      execFileSync('umount', ['-l', run]);
    }
  });
});

describe('a home that cannot be written', () => {
  it.skipIf(!mayMount)(
    'from the start: calls and doctor say so, hooks say nothing, and the session recovers',
    async () => {
      counting();
      const reopen = readOnly(rig.root);
      const client = rig.session({ plugin, args: ['--mode', 'all'] });
      try {
        await client.initialize();
        const answer = await client.call('c__count', { tag: 'x' });
        expect(JSON.stringify(answer['error'])).toMatch(/EROFS/);
        expect(errorData(answer)['mayHaveRun']).toBe(false);
        expect(hook('SessionStart')).toMatchObject(silent);
        expect(hook('SessionEnd')).toMatchObject(silent);
        const doctor = await rig.cli(['doctor', '--json']);
        expect(doctor.code).toBe(1);
        expect(doctor.stdout).toContain('cannot be written');
        const foreground = await rig.cli(['run']);
        expect(foreground.code).toBe(1);
        expect(foreground.stderr).toMatch(/EROFS/);
      } finally {
        reopen();
      }
      await eventually(async () => textOf(await client.call('c__count', { tag: 'y' })) === 'counted', {
        what: 'the session to recover',
      });
      expect(client.child.exitCode).toBeNull();
    },
  );

  it.skipIf(!mayMount)(
    'from some moment on: sessions go on, new ones come, a new daemon cannot and says why',
    async () => {
      counting();
      const caller = await open();
      await works(caller);
      const pid = await daemonPid(rig);
      const reopen = readOnly(rig.root);
      try {
        caller.start();
        const second = await open('second');
        await works(second, 'second');
        expect(hook('SessionStart')).toMatchObject(silent);
        // A copy of a server starts and ends without a disk, too.
        for (const { pid: server } of rig.servers()) process.kill(server, 'SIGKILL');
        await recovers(second.client, 'second-copy');
        await caller.stop();
        expect(auditCalls([caller], countRuns(countFile()))).toEqual([]);
        expect(rig.daemons()).toEqual([pid]);
        process.kill(pid, 'SIGKILL');
        const answer = await eventually(
          async () => {
            const one = await second.client.call('c__count', { tag: 'without' });
            return errorData(one)['mayHaveRun'] === false ? one : undefined;
          },
          { what: 'an answer after the loss' },
        );
        expect(JSON.stringify(answer['error'])).toMatch(/EROFS/);
        expect(rig.daemons()).toEqual([]);
      } finally {
        reopen();
      }
      await recovers(caller.client, 'again');
      expect(rig.daemons()).toHaveLength(1);
    },
  );
});

it.skipIf(!mayMount)(
  'a full disk under the caches: a large result that finds no place there is kept in memory',
  async () => {
    const cache = join(rig.home, 'cache');
    mkdirSync(cache, { mode: 0o700 });
    const unmount = smallDisk(cache, 'size=1m,mode=700');
    try {
      counting();
      const env = { XDG_CACHE_HOME: cache };
      const client = await rig.open({ plugin, env, args: ['--mode', 'gateway'] });
      resultOf(await invoke(client, 'c__echo', { text: 'first' }));
      fill(cache);
      // Over the size from which results are kept on disk.
      const text = JSON.stringify(Array.from({ length: 20_000 }, (_, n) => ({ n, text: 'some words of a row' })));
      const answer = await invoke(client, 'c__echo', { text });
      expect(resultOf(answer)['isError']).not.toBe(true);
      expect(await readBack(client, refOf(answer), { block: 0, raw: true, limit: 50_000 })).toBe(text);
      resultOf(await invoke(client, 'c__echo', { text: 'after' }));
      await rig.closeSessions();
      await eventually(() => rig.daemons().length === 0, { what: 'the daemon to end' });
    } finally {
      unmount();
    }
  },
);

/** Root of a machine where mounts are allowed; elsewhere these tests are skipped. */
function canMount(): boolean {
  if (process.getuid?.() !== 0) {
    console.log('skipped: a small disk can be mounted by root only');
    return false;
  }
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    console.log('skipped: this system allows no mounts');
    return false;
  }
}

function fill(folder: string): void {
  for (let i = 0; readdirSync(folder).length < 10_000; i += 1) {
    const { bavail, bsize } = statfsSync(folder);
    try {
      writeFileSync(join(folder, `fill-${i}`), Buffer.alloc(Math.max(1, bavail * bsize)));
    } catch {
      return; // full
    }
  }
}

function smallDisk(folder: string, options: string): () => void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
  return () => void execFileSync('umount', ['-l', folder]);
}

/** For whoever opens a file from now on. */
function readOnly(folder: string): () => void {
  execFileSync('mount', ['--bind', folder, folder]);
  execFileSync('mount', ['-o', 'remount,ro,bind', folder]);
  return () => void execFileSync('umount', ['-l', folder]);
}
