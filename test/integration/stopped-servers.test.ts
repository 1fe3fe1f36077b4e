// A server that ends while calls run, wait or are about to be sent: each call is told what happened to it, and what was
// never sent goes to the next copy.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { errorData } from '../support/fault-rig.ts';
import { type McpClient, textOf } from '../support/mcp-client.ts';

let rig: DaemonRig;
beforeEach(() => {
  rig = new DaemonRig();
});
afterEach(() => rig.dispose());

/** A server may have half a minute for its last calls. */
const longMs = 60_000;

/** Never answered. Sent when the server is there: its own progress shows that the call is with it. */
function callSlow(session: McpClient): Promise<Record<string, unknown>> {
  const params = { name: 'c__slow', arguments: { steps: 1, forever: true }, _meta: { progressToken: 'p' } };
  return session.request('tools/call', params, 30_000);
}

async function waitFor(server: string, state: string): Promise<void> {
  await rig.statusUntil(
    ({ servers }) => servers.some((one) => one.name === server && one.instances.some((copy) => copy.state === state)),
    `${server} ${state}`,
  );
}

/** Of copies that start. */
async function startingPids(server: string): Promise<(number | undefined)[]> {
  const found = (await rig.status()).servers.find(({ name }) => name === server);
  return found?.instances.flatMap(({ state, pid }) => (state === 'starting' && pid !== undefined ? [pid] : [])) ?? [];
}

describe('calls that were not sent', () => {
  it.each([
    ['more calls than it takes at once', { maxConcurrent: 1 }],
    ['one call at a time', { onAmbiguous: 'serialize' }],
  ])('go to the next copy when the server is killed: %s', async (_what, more) => {
    rig.writeConfig({ c: fixture('echo.mjs', {}, more) });
    const session = await rig.open();
    const pid = Number(textOf(await session.call('c__pid')));
    const running = session.call('c__slow', { forever: true });
    const waiting = [session.call('c__pid'), session.call('c__pid')];
    await rig.statusUntil(({ servers }) => servers[0]?.instances[0]?.queued === 2, 'two calls to wait');
    process.kill(pid, 'SIGKILL');
    expect(errorData(await running)).toMatchObject({ code: 'SERVER_CRASHED', signal: 'SIGKILL', mayHaveRun: true });
    const pids = (await Promise.all(waiting)).map(textOf);
    expect(pids[0]).toMatch(/^\d+$/);
    expect(pids).toEqual([pids[0], pids[0]]);
    expect(Number(pids[0])).not.toBe(pid);
  });

  it('go on with the new start when a person restarts a server that starts', async () => {
    const startFile = join(rig.home, 'begin');
    rig.writeConfig({ c: fixture('slow-start.mjs', { START_FILE: startFile }) });
    const session = await rig.open();
    const waiting = session.call('c__echo', { text: 'waited' });
    await waitFor('c', 'starting');
    const [first] = await startingPids('c');
    const restarting = rig.cli(['restart', 'c']);
    await eventually(async () => (await startingPids('c')).some((pid) => pid !== first), { what: 'the new start' });
    writeFileSync(startFile, '');
    const { code, stdout } = await restarting;
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('ready') });
    expect(textOf(await waiting)).toBe('waited');
    expect(rig.log().filter(({ event }) => event === 'server.ready')).toHaveLength(1);
  });

  it('go on with the new entry when it is edited while its server starts', async () => {
    rig.writeConfig({ c: fixture('slow-start.mjs', { START_FILE: join(rig.home, 'never') }) });
    const session = await rig.open();
    const waiting = session.call('c__echo', { text: 'waited' });
    await waitFor('c', 'starting');
    rig.writeConfig({ c: fixture('slow-start.mjs', { START_FILE: rig.home }) });
    expect(textOf(await waiting)).toBe('waited');
  });

  it('are said not to have run when a person stops a server that starts', async () => {
    rig.writeConfig({ c: fixture('slow-start.mjs', { START_FILE: join(rig.home, 'never') }) });
    const session = await rig.open();
    const waiting = session.call('c__echo', { text: 'waited' });
    await waitFor('c', 'starting');
    await rig.cli(['stop', 'c']);
    const answer = await waiting;
    expect(errorData(answer)).toEqual({ code: 'SERVER_STOPPED', mayHaveRun: false, retry: 'safe' });
    expect(textOf(answer)).toContain('a person stopped it');
    expect(textOf(answer)).toContain('The call did not run.');
  });

  it('are said not to have run when the entry is removed while its server starts', async () => {
    rig.writeConfig({ c: fixture('slow-start.mjs', { START_FILE: join(rig.home, 'never') }) });
    const session = await rig.open();
    const waiting = session.call('c__echo', { text: 'waited' });
    await waitFor('c', 'starting');
    rig.writeConfig({ other: fixture('echo.mjs') });
    const answer = await waiting;
    expect(errorData(answer)).toMatchObject({ mayHaveRun: false, retry: 'after-fix' });
    expect(textOf(answer)).toContain('removed');
  });
});

describe('a call that runs is told why its server was ended:', () => {
  const ends: Record<string, [end: () => unknown, why: RegExp]> = {
    'a restart': [() => rig.cli(['restart', 'c']), /a person restarted it/],
    'a stop': [() => rig.cli(['stop', 'c']), /a person stopped it/],
    'the end of the daemon': [
      () => rig.daemons().map((pid) => process.kill(pid, 'SIGTERM')),
      /daemon ended \(SIGTERM\)/,
    ],
  };
  it.each(Object.entries(ends))('%s', async (_name, [end, why]) => {
    rig.writeConfig({ c: fixture('echo.mjs') });
    const session = await rig.open();
    await session.call('c__pid');
    const running = callSlow(session);
    await session.notification('notifications/progress');
    await end();
    const answer = await running;
    expect(errorData(answer)).toEqual({ code: 'SERVER_STOPPED', mayHaveRun: true, retry: 'check-first' });
    expect(textOf(answer)).toMatch(why);
    expect(textOf(answer)).not.toMatch(/exited|crash/);
  });

  it(
    'another entry or none, once the half minute for its last calls is over',
    async () => {
      rig.writeConfig({ c: fixture('echo.mjs'), d: fixture('echo.mjs') });
      const session = await rig.open();
      await Promise.all([session.call('c__pid'), session.call('d__pid')]);
      const running = ['c', 'd'].map((name) =>
        session.request('tools/call', { name: `${name}__slow`, arguments: { forever: true } }, longMs),
      );
      await rig.statusUntil(({ servers }) => servers.every((one) => one.instances[0]?.inFlight === 1), 'both calls');
      rig.writeConfig({ c: fixture('echo.mjs', { NEW: '1' }) });
      const [edited, removed] = await Promise.all(running);
      for (const answer of [edited, removed]) {
        expect(errorData(answer ?? {})).toEqual({ code: 'SERVER_STOPPED', mayHaveRun: true, retry: 'check-first' });
      }
      expect(textOf(edited ?? {})).toMatch(/configuration changed/);
      expect(textOf(removed ?? {})).toMatch(/removed from the configuration/);
      expect(textOf(removed ?? {})).not.toMatch(/starts it again/);
    },
    longMs,
  );
});

it.runIf(process.platform === 'linux')(
  'a server whose process is stopped is shown at once, and ended after a while although it is called again and again',
  async () => {
    rig.writeConfig({ c: fixture('echo.mjs') });
    const session = await rig.open();
    const pid = Number(textOf(await session.call('c__pid')));
    process.kill(pid, 'SIGSTOP');
    const running = session.call('c__echo', { text: 'late' }, 90_000);
    const { servers } = await rig.statusUntil((status) => status.servers[0]?.lastError !== undefined, 'a note of it');
    expect(servers[0]).toMatchObject({ state: 'ready', lastError: { code: 'SERVER_HUNG' } });
    expect(servers[0]?.lastError?.hint).toContain(`kill -CONT ${pid}`);
    let isOver = false;
    const ended = running.finally(() => {
      isOver = true;
    });
    const params = { name: 'c__echo', arguments: {} };
    await eventually(
      () => {
        session.send({ jsonrpc: '2.0', id: 'given-up', method: 'tools/call', params });
        session.notify('notifications/cancelled', { requestId: 'given-up' });
        return isOver;
      },
      { what: 'the stopped server to be ended', timeoutMs: 90_000, intervalMs: 1_000 },
    );
    const answer = await ended;
    expect(errorData(answer)).toMatchObject({ code: 'SERVER_STOPPED', mayHaveRun: true });
    expect(textOf(answer)).toContain('its process was stopped by a signal');
    expect(Number(textOf(await session.call('c__pid')))).not.toBe(pid);
  },
);
