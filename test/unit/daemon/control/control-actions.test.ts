// The control verbs against running parts, with servers that are functions. Breaks when a verb takes a server that is not
// there or is switched off, leaves a session behind, or answers otherwise than its caller reads.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createControlActions } from '../../../../src/daemon/control/control-actions.ts';
import type { RouteContext } from '../../../../src/daemon/control/http-server.ts';
import { type ControlActions, createRoutes } from '../../../../src/daemon/control/routes.ts';
import type { Switchboard } from '../../../../src/daemon/switchboard.ts';
import { ownBuild } from '../../../../src/link/build.ts';
import { type ControlVerb, controlRoutes } from '../../../../src/link/control.ts';
import { openSession, SwitchboardRig } from '../../../support/switchboard-rig.ts';

let rig: SwitchboardRig;
let switchboard: Switchboard;
let actions: ControlActions;
let did: unknown[];
let isDraining: boolean;
beforeEach(() => {
  rig = new SwitchboardRig();
  const entry = (more = {}) => ({ command: 'x', sharing: 'shared', ...more });
  rig.config({ mcpServers: { echo: entry(), broken: entry(), off: entry({ enabled: false }) } });
  rig.servers.set('echo', { tools: ['say', 'shout'], call: (tool, args) => ({ result: { content: [], tool, args } }) });
  switchboard = rig.switchboard();
  [did, isDraining] = [[], false];
  const { supervisor, catalog, hazards, login } = switchboard.servers;
  const endpoint = {
    ...{ pid: process.pid, startTime: '1', build: ownBuild, protocol: 1 },
    ...{ socket: '/s', nonce: 'n', execPath: '/n' },
  };
  const { holder, roster, router, baseline } = switchboard;
  actions = createControlActions({
    ...{ locations: rig.locations, holder, roster, router, baseline, endpoint, since: 1_000 },
    ...{ supervisor, catalog, hazards, login },
    now: () => 5_000,
    redact: (text) => text,
    envValues: () => ({}),
    port: () => ({ port: undefined, problem: 'held' }),
    subscribe: () => void did.push('subscribe'),
    isDraining: () => isDraining,
    reload: () => ({ reloaded: false, error: undefined }),
    refreshConfig: () => void did.push('refresh'),
    upgrade: () => undefined,
    drain: (how) => void did.push(how),
  });
});
afterEach(() => rig.close());

/** As it comes over HTTP. */
function ask(verb: ControlVerb, body: Record<string, unknown> = {}, query = ''): Promise<unknown> {
  const route = createRoutes(actions).find(({ path }) => path === controlRoutes[verb].path);
  const context: Pick<RouteContext, 'body' | 'query' | 'isLocal'> = {
    ...{ body, query: new URLSearchParams(query), isLocal: true },
  };
  // No verb but `events` touches request or response.
  return Promise.resolve().then(() => route?.handle(Object.assign(Object.create(null), context)));
}

describe('a server that is asked for', () => {
  it('is refused if there is none of that name, with the names that there are', async () => {
    await expect(ask('start', { name: 'ech' })).rejects.toMatchObject({
      code: 'SERVER_UNKNOWN',
      hint: 'Configured: echo, broken, off.',
    });
    await expect(ask('tools', {}, 'server=ech')).rejects.toMatchObject({ code: 'SERVER_UNKNOWN' });
  });

  it.each(['start', 'restart', 'stop', 'call', 'explain'] as const)('must be named for %s', async (verb) => {
    await expect(ask(verb, { name: 7, tool: 'say' })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  });

  it('is not started, restarted or called while it is switched off', async () => {
    for (const verb of ['start', 'restart'] as const)
      await expect(ask(verb, { name: 'off' })).rejects.toMatchObject({ code: 'SERVER_DISABLED' });
    await expect(ask('call', { server: 'off', tool: 'say' })).rejects.toMatchObject({ code: 'SERVER_DISABLED' });
    expect(rig.opened).toEqual([]);
  });

  it('is looked for in the config as the file has it now', async () => {
    await ask('stop', { name: 'echo' });
    expect(did).toEqual(['refresh']);
  });

  it('is found by the name that sessions see only where it is the only one of that name', () => {
    rig.config({
      mcpServers: {
        'one@a': { command: 'x', as: 'one', projects: ['/a'] },
        'one@b': { command: 'x', as: 'one', projects: ['/b'] },
        'two@a': { command: 'x', as: 'two', projects: ['/a'] },
      },
    });
    switchboard.holder.reload();
    expect(actions.findServer('one')).toBeUndefined();
    expect(actions.findServer('one@b')?.name).toBe('one@b');
    expect(actions.findServer('two')?.name).toBe('two@a');
  });
});

describe('start', () => {
  it('answers with the copies when the server has told its tools', async () => {
    expect(await ask('start', { name: 'echo' })).toEqual({
      started: 'echo',
      instances: [{ state: 'ready', pid: undefined }],
    });
    expect(actions.health()).toMatchObject({ status: 'ok', uptimeMs: 4_000, servers: 2, tools: 2, sessions: 0 });
  });

  it('says of each server whether it started, when all are asked', async () => {
    expect(await ask('startAll')).toEqual({
      servers: [
        { name: 'echo', started: true },
        { name: 'broken', started: false, error: expect.stringContaining('broken') },
      ],
    });
  });
});

describe('restart', () => {
  it('starts a server that has no copy', async () => {
    expect(await ask('restart', { name: 'echo' })).toMatchObject({ started: 'echo' });
  });

  it('ends the copy, connects again whoever was connected, and knows the new tools', async () => {
    await ask('start', { name: 'echo' });
    const echo = switchboard.servers.supervisor.ofServer('echo')[0];
    await echo?.acquire('scope-1');
    let give = () => {};
    const isAsked = new Promise<void>((resolve) => {
      const beforeList = () =>
        new Promise<void>((given) => {
          give = given;
          resolve();
        });
      rig.servers.set('echo', { tools: ['whisper'], beforeList });
    });
    let isDone = false;
    const restarted = ask('restart', { name: 'echo' }).finally(() => {
      isDone = true;
    });
    await isAsked;
    await new Promise((resolve) => setImmediate(resolve));
    expect(isDone).toBe(false);
    give();
    expect(await restarted).toEqual({
      restarted: 'echo',
      instances: [{ state: 'ready', pid: undefined }],
    });
    expect(rig.opened).toEqual(['echo', 'echo']);
    expect(actions.tools(undefined, undefined).map(({ tool }) => tool)).toEqual(['whisper']);
  });
});

describe('call', () => {
  it('gives the result as the server wrote it', async () => {
    expect(await ask('call', { server: 'echo', tool: 'say', arguments: { a: 1 } })).toEqual({
      ...{ content: [], tool: 'say', args: { a: 1 } },
    });
    expect(await ask('call', { server: 'echo', tool: 'say' })).toMatchObject({ args: {} });
  });

  it('needs a tool, and fails with what the server answered instead', async () => {
    await expect(ask('call', { server: 'echo' })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    rig.servers.set('echo', { tools: ['say'], call: () => ({ error: { code: -32000, message: 'not today' } }) });
    await expect(ask('call', { server: 'echo', tool: 'say' })).rejects.toMatchObject({
      code: 'CALL_REFUSED',
      message: expect.stringContaining('not today'),
    });
  });

  it('lets no server choose a code of ours, and tells a name that its list does not have', async () => {
    const error = { code: -32602, message: 'no', data: { code: 'BAD_ARGUMENT' } };
    rig.servers.set('echo', { tools: ['say'], call: () => ({ error }) });
    await expect(ask('call', { server: 'echo', tool: 'say' })).rejects.toMatchObject({ code: 'CALL_REFUSED' });
    await expect(ask('call', { server: 'echo', tool: 'sing' })).rejects.toMatchObject({ code: 'TOOL_UNKNOWN' });
  });
});

it('shows the tools of one server, or of all, with their own names', async () => {
  rig.servers.set('broken', { tools: ['fix'] });
  await ask('startAll');
  expect(actions.tools(undefined, undefined).map(({ server, tool }) => `${server} ${tool}`)).toEqual([
    ...['echo say', 'echo shout', 'broken fix'],
  ]);
  expect(await ask('tools', {}, 'server=broken')).toEqual([{ name: 'broken__fix', server: 'broken', tool: 'fix' }]);
});

it('reports the daemon, its sessions, and servers whose entry cannot be used', async () => {
  rig.config({ mcpServers: { echo: { command: 'x' }, wrong: { command: 7 } } });
  switchboard.holder.reload();
  switchboard.open(openSession().session);
  const report = await actions.status();
  expect(report.daemon).toMatchObject({ nonce: 'n', portProblem: 'held', uptimeMs: 4_000, isDraining: false });
  expect(report.daemon.port).toBeUndefined();
  expect(report.sessions).toHaveLength(1);
  expect(report.servers.map(({ name, state }) => `${name} ${state}`)).toEqual(['echo stopped', 'wrong invalid']);
  expect(report.problems).toHaveLength(1);
});

it('ends the daemon as it is asked to', async () => {
  expect(await ask('drain', { restart: true, force: 'yes' })).toEqual({ draining: true });
  expect(did).toEqual([{ restart: true, force: false }]);
  isDraining = true;
  expect(actions.health().status).toBe('draining');
});
