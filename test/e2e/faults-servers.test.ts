// Servers that misbehave in every way that was seen. Each is bounded and reported, and the others feel nothing of it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRunning } from '../../src/base/process-identity.ts';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import {
  auditCalls,
  Caller,
  copyPlugin,
  countRuns,
  daemonPid,
  errorData,
  percentile,
  removePlugin,
} from '../support/fault-rig.ts';
import { type McpClient, textOf } from '../support/mcp-client.ts';

let rig: DaemonRig;
let plugin: string;
beforeEach(() => {
  plugin = copyPlugin();
  rig = new DaemonRig();
});
afterEach(async () => {
  await rig.dispose();
  removePlugin(plugin);
});

const countFile = () => join(rig.home, 'counted');
const good = () => fixture('echo.mjs', { COUNT_FILE: countFile() });
const open = (): Promise<McpClient> => rig.open({ plugin, args: ['--mode', 'all'] });
const pidOf = async (client: McpClient, server = 'c') => Number(textOf(await client.call(`${server}__pid`)));

describe('a copy of a server', () => {
  it('that is killed with calls in flight: each is answered once, and the next call has a new copy', async () => {
    rig.writeConfig({ c: good() });
    const callers = await Promise.all(['a', 'b', 'c'].map((name) => Caller.open(rig, name, { plugin })));
    for (const caller of callers) caller.start();
    const [first] = callers;
    if (!first) throw new Error('no caller');
    for (let kill = 0; kill < 10; kill += 1) {
      const seen = countRuns(countFile()).size;
      await eventually(() => countRuns(countFile()).size > seen + 50, { what: 'calls after a kill' });
      for (const { pid } of rig.servers()) process.kill(pid, 'SIGKILL');
    }
    await Promise.all(callers.map((caller) => caller.stop()));
    expect(auditCalls(callers, countRuns(countFile()))).toEqual([]);
    // SIGKILL comes from outside: ten of them are no crash loop.
    // The last kill may not be known yet: then the first call is the one that finds out.
    await eventually(async () => textOf(await first.client.call('c__count', { tag: 'after' })) === 'counted', {
      what: 'a call after the kills',
    });
  });

  it('that is stopped: its calls end at their limit, others go on, and a restart by hand ends it', async () => {
    rig.writeConfig({ c: { ...good(), timeout: 1_500 }, other: fixture('echo.mjs') });
    const client = await open();
    const pid = await pidOf(client);
    await pidOf(client, 'other');
    process.kill(pid, 'SIGSTOP');
    const hanging = client.call('c__count', { tag: 'stopped' });
    expect(textOf(await client.call('other__echo', { text: 'alive' }))).toContain('alive');
    expect(JSON.stringify(await hanging)).toMatch(/1\.5 s|1500 ms|2 s/);
    expect((await rig.cli(['restart', 'c'])).code).toBe(0);
    expect(isRunning({ pid })).toBe(false);
    expect(await pidOf(client)).not.toBe(pid);
  });

  it('that dies before it is ready: a terminal state after five, with its last words, left by a restart', async () => {
    rig.writeConfig({ c: fixture('exits.mjs', { EXIT_CODE: '7', EXIT_MESSAGE: 'no licence found' }) });
    const client = rig.session({ plugin, args: ['--server', 'c'] });
    await client.initialize();
    let answer = await client.call('anything');
    for (let n = 0; n < 10 && errorData(answer)['code'] !== 'SERVER_FAILED'; n += 1)
      answer = await client.call('anything');
    const message = textOf(answer);
    expect(message).toContain('died 5 times');
    expect(message).toContain('exited with code 7');
    expect(message).toContain('no licence found');
    expect(message).toContain('mcp-proxy restart c');
    const started = rig.log().filter(({ event }) => event === 'server.start-failed').length;
    await client.call('anything');
    expect(rig.log().filter(({ event }) => event === 'server.start-failed')).toHaveLength(started);
    expect((await rig.status()).servers[0]).toMatchObject({ state: 'failed', lastError: { code: 'SERVER_FAILED' } });
    // A change of its entry is the other way out.
    rig.writeConfig({ c: good() });
    await eventually(async () => textOf(await client.call('count', { tag: 'x' })) === 'counted', {
      what: 'the repaired server',
    });
  });
});

/** What each does to the session that calls it; the second server must feel nothing. */
const bad: Record<string, { server: Record<string, unknown>; expected: RegExp; call?: string }> = {
  'ignores SIGTERM': { server: fixture('stubborn.mjs', {}, { startTimeoutMs: 1_500 }), expected: /not ready after/ },
  'writes half a frame and dies': {
    server: fixture('half-frame.mjs'),
    expected: /answered with what is no valid message/,
  },
  'closes its output and lives on': {
    server: fixture('half-frame.mjs', { HALF_MODE: 'close' }),
    expected: /answered with what is no valid message/,
  },
  'writes half a frame and hangs': {
    server: fixture('half-frame.mjs', { HALF_MODE: 'hang' }, { startTimeoutMs: 1_500 }),
    expected: /not ready after/,
  },
  'never answers': { server: fixture('silent.mjs', {}, { startTimeoutMs: 1_500 }), expected: /not ready after/ },
  'prints what is no JSON': { server: fixture('garbage.mjs'), expected: /hello/ },
  'double-forks': { server: fixture('double-fork.mjs'), expected: /hello/ },
  'answers twice': { server: fixture('answers-wrong.mjs', { WRONG: 'twice' }), expected: /hello/ },
  'answers unknown ids': { server: fixture('answers-wrong.mjs', { WRONG: 'unknown' }), expected: /hello/ },
};

describe('a server that', () => {
  it.each(Object.entries(bad))('%s is bounded and reported, and leaves nothing', async (_name, {
    server,
    expected,
  }) => {
    rig.writeConfig({ bad: server, c: good() });
    const client = rig.session({ plugin, args: ['--mode', 'all'] });
    await client.initialize();
    const answer = rig.open({ plugin, args: ['--server', 'bad'] }).then((one) => one.call('echo', { text: 'hello' }));
    expect(textOf(await client.call('c__count', { tag: 'beside' }))).toBe('counted');
    expect(JSON.stringify(await answer)).toMatch(expected);
    expect(client.garbage).toEqual([]);
    const pid = await daemonPid(rig);
    await rig.closeSessions();
    await eventually(() => !isRunning({ pid }), { what: 'the daemon to end' });
    await rig.nothingLeft();
  });

  it('floods stderr at 50 MB/s costs the others little, and its log stays bounded', async () => {
    rig.writeConfig({ flood: fixture('flood.mjs'), c: good() });
    const client = await open();
    const measure = async () => {
      const times: number[] = [];
      for (let n = 0; n < 600; n += 1) {
        const begin = performance.now();
        await client.call('c__echo', { text: 'x' });
        times.push(performance.now() - begin);
      }
      return percentile(times, 0.99);
    };
    await measure();
    const quiet = await measure();
    expect(textOf(await client.call('flood__echo', { text: 'hi' }))).toContain('hi');
    const loud = await measure();
    console.log(`p99 of the other server: quiet ${quiet.toFixed(2)} ms, beside a flood ${loud.toFixed(2)} ms`);
    // Wide, because two cores do all of it; a daemon that reads the flood unbounded is at hundreds of milliseconds.
    expect(loud).toBeLessThan(Math.max(50, quiet * 20));
    const log = readFileSync(join(rig.locations.serverLogsDir, 'flood.log')).length;
    expect(log).toBeLessThan(3 * 1024 * 1024);
  });
});
