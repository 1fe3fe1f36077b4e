// What a session keeps when its server forgets it or wants a page to be opened first, through wrapper and daemon.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { errorOf, resultOf, textOf } from '../support/mcp-client.ts';
import { type Fixture, runFixture } from '../support/run-fixture.ts';

let rig: DaemonRig;
let server: Fixture | undefined;
beforeEach(() => {
  rig = new DaemonRig();
});
afterEach(async () => {
  await rig.dispose();
  await server?.stop();
  server = undefined;
});

type Seen = { method: string; headers: Record<string, string> };
/** Introductions that the server was sent. */
async function introductions(origin: string): Promise<number> {
  const all: Seen[] = JSON.parse(await (await fetch(`${origin}/test/requests`)).text());
  const isFirst = ({ method, headers }: Seen) =>
    method === 'POST' && !headers['mcp-session-id'] && headers['mcp-method'] === undefined;
  return all.filter(isFirst).length;
}

it('a list whose connection broke is asked for once more', async () => {
  server = await runFixture('http-echo.mjs', { HTTP_BREAKS_LIST: '1' });
  rig.writeConfig({ remote: { type: 'http', url: `${server.origin}/mcp` } });
  const client = await rig.open({ args: ['--mode', 'all'] });
  expect(await client.toolNames()).toContain('remote__echo');
});

describe('a remote server that has forgotten the session', () => {
  it('is introduced once more, and hears of log level and subscriptions again', async () => {
    server = await runFixture('http-echo.mjs');
    const { origin } = server;
    rig.writeConfig({ remote: { type: 'http', url: `${origin}/mcp` } });
    const client = await rig.open({ args: ['--server', 'remote'] });
    resultOf(await client.request('logging/setLevel', { level: 'warning' }));
    resultOf(await client.request('resources/subscribe', { uri: 'test://clock' }));
    expect(textOf(await client.call('log', { level: 'error' }))).toBe('warning');
    const before = await introductions(origin);
    await fetch(`${origin}/test/forget`, { method: 'POST' });
    expect(textOf(await client.call('echo', { text: 'still there' }))).toBe('still there');
    expect(await introductions(origin)).toBe(before + 1);
    // What is replayed follows the introduction and need not have arrived when the call is answered.
    await eventually(async () => textOf(await client.call('subscriptions')) === '["test://clock"]', {
      what: 'the subscription to be there again',
    });
    await eventually(async () => textOf(await client.call('log', { level: 'error' })) === 'warning', {
      what: 'the log level to be there again',
    });
    await client.call('touch');
    expect(await client.notification('notifications/resources/updated')).toMatchObject({
      params: { uri: 'test://clock' },
    });
    expect(await introductions(origin)).toBe(before + 1);
  });

  it('is not introduced for ever: a call that is refused again fails, and says that it did not run', async () => {
    server = await runFixture('http-echo.mjs', { HTTP_FORGETS: '1' });
    const { origin } = server;
    rig.writeConfig({ remote: { type: 'http', url: `${origin}/mcp` } });
    const client = await rig.open({ args: ['--server', 'remote'] });
    await client.toolNames();
    const before = await introductions(origin);
    const answer = resultOf(await client.call('echo', { text: 'never' }));
    expect(answer['isError']).toBe(true);
    expect(JSON.stringify(answer)).toContain('"mayHaveRun":false');
    expect(await introductions(origin)).toBe(before + 1);
  });
});

describe('a remote server that wants a login', () => {
  it('is named in status with the address, and its tools come to open sessions when somebody logged in', async () => {
    server = await runFixture('http-echo.mjs', { HTTP_OAUTH: '1' });
    rig.writeConfig({ remote: { type: 'http', url: `${server.origin}/mcp` } });
    const [one, other] = [await rig.open(), await rig.open()];
    expect(await one.toolNames()).toEqual([]);
    expect(await other.toolNames()).toEqual([]);
    const { servers } = await rig.status();
    expect(servers[0]?.lastError).toMatchObject({ code: 'SERVER_NEEDS_LOGIN' });
    const address = /https?:\S+/.exec(servers[0]?.lastError?.hint ?? '')?.[0] ?? '';
    // A browser: the login page sends it straight back to this machine.
    expect(await (await fetch(address)).text()).toContain('You are logged in');
    for (const client of [one, other]) {
      await client.notification('notifications/tools/list_changed');
      expect(await client.toolNames()).toContain('remote__echo');
    }
    expect(textOf(await other.call('remote__echo', { text: 'by the same login' }))).toBe('by the same login');
    expect((await rig.status()).servers[0]?.lastError).toBeUndefined();
  });
});

describe('a server that wants a page to be opened first', () => {
  it('says so to the session that called, and tells it and no other when that is done', async () => {
    rig.writeConfig({ echo: fixture('echo.mjs') });
    const [one, other] = [await rig.open({ capabilities: { elicitation: { url: {} } } }), await rig.open()];
    const page = {
      mode: 'url',
      elicitationId: 'page-7',
      url: 'https://login.example/start?a=1&b=%20',
      message: 'Log in first.',
      'x-unknown': { kept: [1] },
    };
    const error = { code: -32042, message: 'A login is needed.', data: { elicitations: [page], more: null } };
    expect(errorOf(await one.call('echo__raw', { error }))).toEqual(error);
    const params = { elicitationId: 'page-7' };
    const message = { jsonrpc: '2.0', method: 'notifications/elicitation/complete', params };
    expect(textOf(await other.call('echo__send', { message }))).toBe('sent');
    expect(await one.notification('notifications/elicitation/complete')).toMatchObject({ params });
    // Whatever was sent to the other one came before the answer to this.
    await other.request('ping');
    expect(other.notifications('notifications/elicitation/complete')).toEqual([]);
  });
});
