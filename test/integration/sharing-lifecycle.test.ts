// Copies start when they are needed, a few at a time, and end when nobody uses them; what a server does that is not fit
// for sharing gives each session a copy of its own from then on.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { type McpClient, resultOf, textOf } from '../support/mcp-client.ts';
import { at } from '../support/mcp-http-client.ts';
import { runFixture } from '../support/run-fixture.ts';

const all = { tools: { mode: 'all' } };
/** A daemon that is still there when the next session comes, however slow the machine is. */
const patient = { ...all, daemon: { idleExitMs: 5_000 } };
let rig: DaemonRig;
beforeEach(() => {
  rig = new DaemonRig();
});
afterEach(() => rig.dispose());

const pid = async (session: McpClient, server: string) => textOf(await session.call(`${server}__pid`));
const serverNamed = async (name: string) => (await rig.status()).servers.find((server) => server.name === name);
const httpEcho = (env: Record<string, string> = {}, extra = {}) => ({
  ...fixture('http-echo.mjs', { PORT: '${PORT}', ...env }, extra),
  url: 'http://127.0.0.1:${PORT}/mcp',
});

describe('starts', () => {
  /** Names of servers in the order in which they became ready. */
  const readied = () => rig.log().flatMap(({ event, server }) => (event === 'server.ready' ? [String(server)] : []));
  const names = ['a', 'b', 'c', 'd', 'e'];
  const startFile = (name: string) => join(rig.home, `begin-${name}`);
  const slow = () =>
    Object.fromEntries(names.map((name) => [name, fixture('echo.mjs', { START_FILE: startFile(name) })]));
  const starting = async () =>
    (await rig.status()).servers
      .filter(({ instances }) => instances[0]?.pid !== undefined && instances[0].state === 'starting')
      .map(({ name }) => name);
  /** Lets the starts go on as they come, one after the other, each seen alone. */
  const startInTurn = async (order: readonly string[]) => {
    for (const name of order) {
      const before = readied().length;
      const [first, ...others] = await eventually(
        async () => {
          const found = await starting();
          return found.length > 0 ? found : undefined;
        },
        { what: `the start of ${name}`, intervalMs: 5 },
      );
      expect([first, ...others]).toEqual([name]);
      writeFileSync(startFile(name), '');
      await eventually(() => readied().length === before + 1, { what: `${name} to be ready` });
    }
  };
  const stopAll = async () => {
    await rig.http('POST', '/stop-all');
    for (const name of names) rmSync(startFile(name), { force: true });
  };

  it('happen as many at a time as the limit says, first come first served; a reload moves the limit', async () => {
    const daemon = { startLimit: 1, idleExitMs: 300 };
    rig.writeConfig({}, { ...all, daemon });
    const session = await rig.open();
    rig.writeConfig(slow(), { ...all, daemon });
    const order = ['d', 'b', 'e'];
    const reloaded = rig.http('POST', '/reload');
    // Started by the reload itself in the order of the file, one after the other.
    await startInTurn(names);
    await reloaded;
    expect(readied()).toEqual(names);
    await stopAll();
    const answers = order.map((name) => session.call(`${name}__pid`));
    await startInTurn(order);
    await Promise.all(answers);
    expect(readied().slice(5)).toEqual(order);

    await stopAll();
    rig.writeConfig(slow(), { ...all, daemon: { ...daemon, startLimit: 5 } });
    await rig.http('POST', '/reload');
    const together = names.map((name) => session.call(`${name}__pid`));
    await eventually(async () => (await starting()).length === 5, { what: 'five starts at once', intervalMs: 5 });
    for (const name of names) writeFileSync(startFile(name), '');
    await Promise.all(together);
  });

  it('that a client abandoned complete for the next one', async () => {
    rig.writeConfig({ slow: fixture('echo.mjs', { START_FILE: startFile('slow') }) }, patient);
    const impatient = await rig.open();
    impatient.send({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'slow__pid', arguments: {} } });
    const { servers } = await rig.statusUntil(
      ({ servers: [server] }) => server?.instances[0]?.state === 'starting' && server.instances[0].pid !== undefined,
      'the start to begin',
    );
    const begun = servers[0]?.instances[0]?.pid;
    impatient.notify('notifications/cancelled', { requestId: 7, reason: 'no patience' });
    await impatient.close();
    expect((await serverNamed('slow'))?.state).toBe('starting');
    const next = await rig.open();
    const found = pid(next, 'slow');
    writeFileSync(startFile('slow'), '');
    expect(await found).toBe(String(begun));
    expect(rig.log().filter(({ event }) => event === 'server.ready')).toHaveLength(1);
  });

  it('over HTTP too, where the MCP session that came too late for its session is closed again', async () => {
    const web = await runFixture('http-echo.mjs', { START_FILE: startFile('web') });
    try {
      rig.writeConfig({ web: { type: 'http', url: `${web.origin}/mcp` } }, patient);
      const requests = async (): Promise<unknown[]> =>
        JSON.parse(await (await fetch(`${web.origin}/test/requests`)).text());
      const deleted = async () => (await requests()).filter((one) => at(one, 'method') === 'DELETE').length;
      const impatient = await rig.open({ name: 'claude-code' });
      impatient.send({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'web__pid', arguments: {} } });
      await eventually(async () => (await requests()).length > 0, { what: 'the start to begin' });
      impatient.notify('notifications/cancelled', { requestId: 7, reason: 'no patience' });
      await impatient.close();
      // Otherwise nothing would have been abandoned.
      expect((await serverNamed('web'))?.state).toBe('starting');
      const next = await rig.open();
      writeFileSync(startFile('web'), '');
      // What the abandoned start has found out is known to the next session.
      expect(await next.toolNames()).toContain('web__pid');
      expect(await pid(next, 'web')).toBe(String(web.child.pid));
      await eventually(async () => (await deleted()) === 1, { what: 'the late one to be closed' });
    } finally {
      await web.stop();
    }
  });
});

describe('ends', () => {
  it('an idle copy ends while sessions stay and comes back on demand; keepAlive and a running call hold it', async () => {
    const brief = { idleStopMs: 200 };
    rig.writeConfig(
      {
        brief: fixture('echo.mjs', {}, brief),
        kept: fixture('echo.mjs', {}, { ...brief, keepAlive: true }),
        busy: fixture('echo.mjs', {}, brief),
        mine: fixture('echo.mjs', {}, { ...brief, keepAlive: true, sharing: 'project' }),
      },
      all,
    );
    const session = await rig.open();
    const other = await rig.open({ project: rig.project('other') });
    const kept = await pid(session, 'kept');
    const mine = [await pid(session, 'mine'), await pid(other, 'mine')];
    const until = join(rig.home, 'seen');
    const slow = session.call('busy__slow', { until });
    await rig.statusUntil(
      ({ servers }) => servers.some(({ name, instances }) => name === 'busy' && instances[0]?.inFlight === 1),
      'the call to run',
    );
    // Idle later than the other, and gone before it.
    const before = await pid(session, 'brief');
    await rig.statusUntil(
      ({ servers }) => servers.find(({ name }) => name === 'brief')?.state === 'stopped',
      'the idle copy to end',
    );
    expect((await serverNamed('busy'))?.state).toBe('ready');
    writeFileSync(until, '');
    expect(textOf(await slow)).toBe('done');
    expect(await pid(session, 'kept')).toBe(kept);
    expect(await pid(session, 'mine')).toBe(mine[0]);
    const again = await pid(session, 'brief');
    expect(again).not.toBe(before);

    // The last session of a project takes even what it wanted to keep; the other project's copy stays.
    await other.close();
    await eventually(() => !rig.servers().some((server) => String(server.pid) === mine[1]), {
      what: 'the copy of the project without sessions to end',
    });
    expect(await pid(session, 'mine')).toBe(mine[0]);
  });
});

describe('roots', () => {
  it('are the project of a project’s copy, whoever asks, and of the session where the host has none', async () => {
    rig.writeConfig(
      {
        mine: fixture('echo.mjs', {}, { sharing: 'project' }),
        own: fixture('echo.mjs', {}, { sharing: 'session' }),
        everyones: fixture('echo.mjs'),
      },
      all,
    );
    const project = rig.project('a b');
    const session = await rig.open({ project });
    const ask = async (server: string) => textOf(await session.call(`${server}__ask_back`, { kind: 'roots' }));
    const uri = `file://${rig.home}/a%20b`;
    expect(JSON.parse(await ask('mine'))).toEqual({ result: { roots: [{ uri, name: 'a b' }] } });
    expect(JSON.parse(await ask('own'))).toEqual({ result: { roots: [{ uri, name: 'a b' }] } });
    expect(await ask('everyones')).toContain('error');
    expect(textOf(await session.call('mine__cwd'))).toBe(project);
    expect(textOf(await session.call('own__cwd'))).toBe(project);
    expect(textOf(await session.call('everyones__cwd'))).toBe(join(rig.locations.workDir, 'everyones'));
  });
});

describe('demotion', () => {
  const known = [{ names: ['echo'], sharing: 'shared', reason: 'Our own server.' }];
  const auto = (extra = {}) => fixture('echo.mjs', {}, { sharing: 'auto', ...extra });

  /** Both have a call under way when the server asks something that could be either's. */
  async function askAmbiguously(sessions: readonly McpClient[]): Promise<string> {
    const [asks, other] = sessions;
    if (!asks || !other) throw new Error('two sessions');
    const until = join(rig.home, 'asked');
    const slow = other.call('odd__slow', { until });
    await rig.statusUntil(
      ({ servers }) => servers.some(({ instances }) => instances.some(({ inFlight }) => inFlight > 0)),
      'a call under way',
    );
    const answer = textOf(await asks.call('odd__ask_back', { kind: 'elicitation', related: false }));
    writeFileSync(until, '');
    await slow;
    return answer;
  }

  it('after a question that could be anybody’s: a copy each, the evidence in status, kept over a restart, overruled', async () => {
    rig.writeConfig({ odd: auto() }, { ...all, knownServers: known });
    const sessions = await Promise.all([rig.open(), rig.open()]);
    const first = await Promise.all(sessions.map((session) => pid(session, 'odd')));
    expect(new Set(first).size).toBe(1);
    expect(await askAmbiguously(sessions)).toContain('Refused');
    const after = await Promise.all(sessions.map((session) => pid(session, 'odd')));
    expect(new Set([...after, ...first]).size).toBe(3);
    // The copy that was shared ends when its last call has ended.
    await eventually(() => rig.servers().length === 2, { what: 'the shared copy to end' });
    const server = await serverNamed('odd');
    expect(server?.sharing).toBe('session');
    expect(server?.sharingReason).toContain('seen not to keep sessions apart');
    expect(server?.hazards[0]?.what).toContain('elicitation/create while several sessions');
    expect((await rig.cli(['status'])).stdout).toContain('elicitation/create');
    expect((await rig.cli(['explain', 'odd'])).stdout).toContain('To share it all the same');

    await rig.closeSessions();
    await rig.nothingLeft();
    const later = await Promise.all([rig.open(), rig.open()]);
    expect(new Set(await Promise.all(later.map((session) => pid(session, 'odd')))).size).toBe(2);

    rig.writeConfig({ odd: auto({ sharing: 'shared' }) }, { ...all, knownServers: known });
    await rig.http('POST', '/reload');
    expect(new Set(await Promise.all(later.map((session) => pid(session, 'odd')))).size).toBe(1);
    const overruled = await serverNamed('odd');
    expect(overruled).toMatchObject({ sharing: 'shared', sharingReason: 'The configuration says "shared".' });
    expect(overruled?.hazards).toHaveLength(1);
  });

  it('after a notification that could be anybody’s', async () => {
    rig.writeConfig({ odd: auto() }, { ...all, knownServers: known });
    const sessions = await Promise.all([rig.open(), rig.open()]);
    for (const session of sessions) await pid(session, 'odd');
    const until = join(rig.home, 'sent');
    const slow = sessions[1]?.call('odd__slow', { until });
    await rig.statusUntil(({ servers: [server] }) => (server?.instances[0]?.inFlight ?? 0) > 0, 'a call under way');
    const message = { jsonrpc: '2.0', method: 'notifications/custom', params: { private: 'to whom?' } };
    await sessions[0]?.call('odd__send', { message, related: false });
    writeFileSync(until, '');
    await slow;
    for (const session of sessions) expect(session.notifications('notifications/custom')).toEqual([]);
    expect(await serverNamed('odd')).toMatchObject({
      sharing: 'session',
      hazards: [{ what: 'notifications/custom could belong to several sessions' }],
    });
  });

  it('of a server that refuses a second session in its own words: that session gets a copy at once', async () => {
    rig.writeConfig(
      { odd: httpEcho({ HTTP_SINGLE: '1' }, { sharing: 'auto' }) },
      { ...all, knownServers: [{ names: ['http-echo'], sharing: 'shared', reason: 'Ours.' }] },
    );
    const sessions = await Promise.all([rig.open(), rig.open(), rig.open()]);
    const first = await pid(sessions[0] ?? (await rig.open()), 'odd');
    const others = await Promise.all(sessions.slice(1).map((session) => session.call('odd__pid')));
    for (const answer of others) expect(resultOf(answer)['isError'], textOf(answer)).not.toBe(true);
    expect(new Set([first, ...others.map(textOf)]).size).toBe(3);
    expect(await serverNamed('odd')).toMatchObject({
      sharing: 'session',
      hazards: [{ what: expect.stringContaining('refused a second session: ') }],
    });
    expect((await serverNamed('odd'))?.hazards[0]?.what).toContain('Already connected to a transport');
  });

  it('of a server that a person shares is recorded only', async () => {
    rig.writeConfig({ odd: auto({ sharing: 'shared' }) }, all);
    const sessions = await Promise.all([rig.open(), rig.open()]);
    for (const session of sessions) await pid(session, 'odd');
    expect(await askAmbiguously(sessions)).toContain('Refused');
    expect(new Set(await Promise.all(sessions.map((session) => pid(session, 'odd')))).size).toBe(1);
    expect(await serverNamed('odd')).toMatchObject({ sharing: 'shared', hazards: [{}] });
  });
});

it('explain and status say whose copy it is and why, for shared, project, session and unknown servers', async () => {
  rig.writeConfig(
    {
      serena: { command: 'uvx', args: ['--from', 'serena-agent', 'serena', 'start-mcp-server'] },
      unknown: fixture('echo.mjs', {}, { sharing: 'auto' }),
      shared: fixture('echo.mjs'),
      off: fixture('echo.mjs', {}, { enabled: false }),
    },
    all,
  );
  const [shop, till] = [rig.project('shop'), rig.project('till')];
  const sessions = await Promise.all([shop, shop, till].map((project) => rig.open({ project })));
  const pids = await Promise.all(sessions.map((session) => pid(session, 'unknown')));
  expect(pids[0]).toBe(pids[1]);
  expect(pids[2]).not.toBe(pids[0]);
  await Promise.all(sessions.map((session) => pid(session, 'shared')));
  const explain = async (name: string, project: string) =>
    JSON.parse((await rig.cli(['explain', name, '--project', project, '--json'])).stdout);
  const [ofShop, ofTill] = [await explain('unknown', shop), await explain('unknown', till)];
  expect(ofShop).toMatchObject({ sharing: 'project', projectRoot: shop, isVisible: true, cwd: shop });
  expect(ofShop.sharingReason).toContain('not known to be safe');
  expect(ofShop.instanceKey).not.toBe(ofTill.instanceKey);
  expect((await explain('shared', shop)).instanceKey).toBe((await explain('shared', till)).instanceKey);
  expect((await explain('serena', shop)).sharingReason).toContain('one active project');
  expect(await explain('off', shop)).toMatchObject({ isVisible: false });
  const status = await rig.status();
  const found = status.servers.find(({ name }) => name === 'unknown');
  expect(
    found?.instances.map(({ key, projectRoot, sessions: users }) => [key, projectRoot, users.length]).sort(),
  ).toEqual(
    [
      [ofShop.instanceKey, shop, 2],
      [ofTill.instanceKey, till, 1],
    ].sort(),
  );
  const rootOf = (id: string) => status.sessions.find((session) => session.id === id)?.projectRoot;
  for (const { projectRoot, sessions: users } of found?.instances ?? []) {
    expect(new Set(users.map(rootOf))).toEqual(new Set([projectRoot]));
  }
  expect(existsSync(rig.locations.logPath) && readFileSync(rig.locations.logPath, 'utf8')).toContain('server.ready');
});
