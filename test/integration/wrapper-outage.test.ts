import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { commonFacePath } from '../../src/link/faces.ts';
import { eventually } from '../support/eventually.ts';
import { buildFakePlugin, type Message, Rig, type Wrapper } from '../support/wrapper-rig.ts';

let plugin: string;
let rig: Rig;
beforeAll(async () => {
  plugin = await buildFakePlugin();
});
afterAll(() => rmSync(plugin, { recursive: true, force: true }));
beforeEach(() => {
  rig = new Rig(plugin);
});
afterEach(() => rig.dispose());

const text = (answer: Message): unknown => JSON.parse(JSON.stringify(answer)).result?.content?.[0]?.text;
const error = (answer: Message): { code: number; message: string; data?: Record<string, unknown> } =>
  JSON.parse(JSON.stringify(answer)).error;

/** A wrapper with a daemon whose next one does not begin before the test lets it. */
async function readyOnce(): Promise<Wrapper> {
  rig.letBegin();
  const wrapper = await ready({ fake: rig.held });
  rig.hold();
  return wrapper;
}

async function ready(options: Parameters<Rig['start']>[0] = {}): Promise<Wrapper> {
  const wrapper = rig.start(options);
  await wrapper.initialize();
  // On a slow machine the handshake is answered before the daemon is there.
  await eventually(() => rig.heard('aitkit/env').length > 0, { what: 'a connection' });
  return wrapper;
}

function daemonPid(): number {
  const pid = rig.starts().at(-1)?.pid;
  // kill(0) would end the test run itself.
  if (pid === undefined) throw new Error('no daemon was started');
  return pid;
}
const killDaemon = () => process.kill(daemonPid(), 'SIGKILL');
/** Kills it and waits until the wrapper knows. */
async function loseDaemon(wrapper: Wrapper): Promise<void> {
  wrapper.call('witness', 'hang');
  await eventually(() => calls('hang').length === 1, { what: 'the call to arrive' });
  killDaemon();
  await wrapper.answer('witness');
}
const calls = (tool: string) =>
  rig.heard('tools/call').filter((m) => JSON.parse(JSON.stringify(m)).params.name === tool);

describe('a daemon that is killed', () => {
  it('answers each call in flight exactly once, sends none of them again, and goes on with the next daemon', async () => {
    const wrapper = await ready();
    const ids = [1, 2, 'three', 4.5];
    for (const id of ids) wrapper.call(id, 'hang', { id });
    wrapper.call('killer', 'crash');
    for (const id of [...ids, 'killer']) {
      const { code, message, data } = error(await wrapper.answer(id));
      expect({ code, data }).toEqual({
        code: -32001,
        data: { code: 'DAEMON_GONE', mayHaveRun: true, retry: 'check-first' },
      });
      expect(message).toContain('The mcp-proxy daemon ended while this tools/call was running');
    }
    wrapper.call('next', 'echo', { after: true });
    expect(text(await wrapper.answer('next'))).toBe('{"after":true}');
    for (const id of [...ids, 'killer']) expect(wrapper.answers(id)).toHaveLength(1);
    expect(calls('hang')).toHaveLength(4);
    expect(rig.starts()).toHaveLength(2);
  });

  it('asks reads again, which the host sees answered once and without an error', async () => {
    const wrapper = await readyOnce();
    wrapper.call(0, 'stop-reading', { until: 'never' });
    await eventually(() => calls('stop-reading').length === 1, { what: 'a daemon that does not read' });
    wrapper.request(1, 'tools/list');
    wrapper.request(2, 'ping');
    killDaemon();
    rig.letBegin();
    expect(await wrapper.answer(1)).toMatchObject({ result: { tools: [{ name: 'echo' }] } });
    expect(await wrapper.answer(2)).toMatchObject({ result: {} });
    expect(wrapper.answers(1)).toHaveLength(1);
    expect(error(await wrapper.answer(0)).code).toBe(-32001);
  });

  it('tells the next daemon what the session was: initialize, log level, subscriptions, lists', async () => {
    const wrapper = await ready();
    wrapper.request(1, 'tools/list');
    wrapper.request(2, 'logging/setLevel', { level: 'debug' });
    wrapper.request(3, 'resources/subscribe', { uri: 'a://1' });
    wrapper.request(4, 'resources/subscribe', { uri: 'a://2' });
    wrapper.request(5, 'resources/unsubscribe', { uri: 'a://1' });
    for (const id of [1, 2, 3, 4, 5]) await wrapper.answer(id);
    const [first] = rig.starts();
    killDaemon();
    await eventually(() => rig.heard('resources/subscribe').length === 3, { what: 'the replay' });
    wrapper.call(6, 'echo');
    await wrapper.answer(6);

    const second = rig.log().filter((e) => e.event === 'line' && e.nonce !== first?.nonce);
    const lines: Message[] = second.map((entry) => JSON.parse(entry.line ?? ''));
    expect(lines.map((m) => m['method'])).toEqual([
      'aitkit/hello',
      'aitkit/env',
      'initialize',
      'notifications/initialized',
      'logging/setLevel',
      'resources/subscribe',
      'tools/call',
    ]);
    expect(lines[0]?.['params']).toMatchObject({ served: { tools: 'etag-live' } });
    expect(lines[0]?.['params']).toMatchObject({
      wrapperId: JSON.parse(JSON.stringify(rig.heard('aitkit/hello')[0])).params.wrapperId,
    });
    expect(lines[2]).toMatchObject({
      id: 'aitkit-replay-1',
      params: { protocolVersion: '2025-06-18', clientInfo: { name: 't' } },
    });
    expect(lines[5]?.['params']).toEqual({ uri: 'a://2' });
    // Nothing of the replay reaches the host.
    expect(wrapper.messages.map((m) => m['id'])).toEqual(['init', 1, 2, 3, 4, 5, 6]);
  });

  it('sends what was held, in order and once, and drops an answer that belongs to a dead daemon', async () => {
    const wrapper = await readyOnce();
    wrapper.call('asker', 'ask');
    const question = await eventually(() => wrapper.messages.find((m) => m['method'] === 'elicitation/create'), {
      what: 'the question',
    });
    killDaemon();
    expect(error(await wrapper.answer('asker')).code).toBe(-32001);
    const isCancelled = ({ method }: Message) => method === 'notifications/cancelled';
    const cancelled = await eventually(() => wrapper.messages.find(isCancelled), { what: 'the end of the question' });
    expect(cancelled).toMatchObject({ params: { requestId: question['id'] } });
    wrapper.send({ jsonrpc: '2.0', id: question['id'], result: { action: 'accept' } });
    for (let i = 1; i <= 20; i += 1) wrapper.call(i, 'echo', { i });
    wrapper.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } });
    rig.letBegin();
    await wrapper.answer(20);
    wrapper.send({ jsonrpc: '2.0', id: question['id'], result: { action: 'accept' } });
    wrapper.request('after', 'ping');
    await wrapper.answer('after');
    const expected = Array.from({ length: 20 }, (_, i) => i + 1).filter((i) => i !== 7);
    expect(calls('echo').map((m) => m['id'])).toEqual(expected);
    expect(wrapper.answers(7)).toEqual([]);
    expect(rig.heard().some((m) => m['id'] === question['id'])).toBe(false);
  });

  it('refuses the newest when too many wait', async () => {
    const wrapper = await readyOnce();
    await loseDaemon(wrapper);
    wrapper.call('first', 'echo');
    for (let i = 1; i <= 1_000; i += 1) wrapper.call(i, 'echo', { i });
    expect(error(await wrapper.answer(1_000)).message).toMatch(/^It was not sent: 1000 messages .* already wait/);
    expect(error(await wrapper.answer(1_000)).data).toMatchObject({ mayHaveRun: false });
    rig.letBegin();
    await wrapper.answer(999);
    expect(wrapper.answers(999)[0]).toHaveProperty('result');
  });

  it('answers pings itself meanwhile', async () => {
    const wrapper = await readyOnce();
    await loseDaemon(wrapper);
    wrapper.request(1, 'ping');
    expect(await wrapper.answer(1)).toMatchObject({ result: {} });
    expect(rig.starts()).toHaveLength(1);
  });
});

describe('a daemon that drains', () => {
  it('is told that nothing more comes, and the next one gets what was held', async () => {
    const wrapper = await ready();
    wrapper.call(1, 'drain', { reason: 'upgrade', restart: true });
    expect(text(await wrapper.answer(1))).toBe('drained');
    wrapper.call(2, 'echo');
    await wrapper.answer(2);
    expect(rig.heard('aitkit/drained')).toHaveLength(1);
    await eventually(() => rig.starts().length === 2, { what: 'the second daemon' });
  });

  it('is not started again after a stop until a request needs it', async () => {
    const control = new Rig(plugin);
    const wrapper = await ready();
    const other = control.start();
    await other.initialize();
    wrapper.call(1, 'drain', { reason: 'stop', restart: false });
    await wrapper.answer(1);
    wrapper.send({ jsonrpc: '2.0', method: 'notifications/roots/list_changed' });
    wrapper.request('p', 'ping');
    await wrapper.answer('p');
    // Drained later and told to come back: when its daemon is there, ours would be too.
    for (const round of [2, 3]) {
      other.call(round, 'drain', { reason: 'stop', restart: true });
      await other.answer(round);
      await eventually(() => control.starts().length === round, { what: 'the other daemon' });
    }
    await control.dispose();
    expect(rig.spawns()).toHaveLength(1);
    wrapper.call(2, 'echo');
    await wrapper.answer(2);
    expect(rig.starts()).toHaveLength(2);
  });
});

describe('without a daemon', () => {
  const face = {
    initialize: { capabilities: { tools: {} }, serverInfo: { name: 'from-face', version: '9' } },
    lists: { tools: { etag: 'etag-face', result: { tools: [{ name: 'known', inputSchema: { type: 'object' } }] } } },
  };
  const writeFace = () => {
    const facesDir = join(rig.root, 'lib', 'mcpproxy', 'faces');
    mkdirSync(facesDir, { recursive: true, mode: 0o700 });
    writeFileSync(commonFacePath(facesDir, {}), JSON.stringify(face));
  };

  it('answers initialize and lists from the face while the daemon is slow, and tells it so', async () => {
    writeFace();
    const wrapper = rig.start({ fake: rig.held });
    wrapper.request(0, 'initialize', { protocolVersion: '2025-03-26' });
    wrapper.request(1, 'tools/list');
    wrapper.request(2, 'prompts/list');
    expect(await wrapper.answer(0)).toMatchObject({
      result: { protocolVersion: '2025-03-26', serverInfo: { name: 'from-face' } },
    });
    expect(await wrapper.answer(1)).toMatchObject({ result: { tools: [{ name: 'known' }] } });
    expect(await wrapper.answer(2)).toMatchObject({ result: { prompts: [] } });
    expect(rig.starts()).toEqual([]);
    rig.letBegin();
    wrapper.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    wrapper.call(3, 'echo');
    await wrapper.answer(3);
    const methods = rig.heard().map((m) => m['method']);
    expect(methods).toEqual(['aitkit/hello', 'aitkit/env', 'initialize', 'notifications/initialized', 'tools/call']);
    expect(rig.heard()[0]?.['params']).toMatchObject({ served: { tools: 'etag-face', prompts: 'none' } });
    expect(wrapper.answers(0)).toHaveLength(1);
  });

  it('asks the host to list again when the daemon came too late to be told', async () => {
    writeFace();
    await ready();
    process.kill(daemonPid(), 'SIGSTOP');
    const second = rig.start();
    second.request(0, 'initialize', { protocolVersion: '1999-01-01' });
    expect(await second.answer(0)).toMatchObject({ result: { protocolVersion: '2025-11-25' } });
    second.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    second.request(1, 'tools/list');
    expect(await second.answer(1)).toMatchObject({ result: { tools: [{ name: 'known' }] } });
    process.kill(daemonPid(), 'SIGCONT');
    await eventually(() => second.messages.some((m) => m['method'] === 'notifications/tools/list_changed'), {
      what: 'list_changed',
    });
    expect(rig.starts()).toHaveLength(1);
  });

  it('says at once why when the daemon refuses, and still answers the handshake', async () => {
    const wrapper = rig.start({ fake: { refuse: 'MCPPROXY_PORT is 1 here, but 2 there.' } });
    await wrapper.initialize();
    wrapper.request(1, 'tools/list');
    expect(await wrapper.answer(1)).toMatchObject({ result: { tools: [] } });
    wrapper.call(2, 'echo');
    const { message, data } = error(await wrapper.answer(2));
    expect(message).toBe('It was not sent. MCPPROXY_PORT is 1 here, but 2 there. Unset it.');
    expect(data).toEqual({ code: 'SETTINGS_DIFFER', mayHaveRun: false, retry: 'after-fix' });
  });

  it('shows what a dying daemon wrote, without its secrets', async () => {
    const wrapper = rig.start({ fake: { dieWith: 'config broken, token=abcdef123456' } });
    await wrapper.initialize();
    wrapper.call(1, 'echo');
    const { message } = error(await wrapper.answer(1));
    expect(message).toContain('ended with exit code 3 before it was ready. It wrote: config broken, token=[redacted]');
  });

  it('serves on when the run folder cannot be used, and recovers when it can', async () => {
    mkdirSync(join(rig.root, 'run'), { recursive: true });
    chmodSync(join(rig.root, 'run'), 0o775);
    const wrapper = rig.start();
    expect(await wrapper.initialize()).toMatchObject({ result: { serverInfo: { name: 'mcp-proxy' } } });
    wrapper.call(1, 'echo');
    const { message, data } = error(await wrapper.answer(1));
    expect(message).toContain('has mode 775');
    expect(message).toContain('chmod 700');
    expect(data).toMatchObject({ code: 'DIRECTORY_UNSAFE' });
    rmSync(join(rig.root, 'run'), { recursive: true });
    await eventually(() => rig.heard('initialize').length === 1, { what: 'the recovery' });
  });

  it.each([
    ['AITKIT_ROOT', '/proc/nope', 'cannot be written (ENOENT)'],
    ['AITKIT_ROOT', './inside', 'AITKIT_ROOT="~/inside"'],
    ['MCPPROXY_DATA_DIR', 'inside', 'MCPPROXY_DATA_DIR is "inside", which is another folder in each project.'],
    ['MCPPROXY_CONFIG_PATH', 'inside.json', 'MCPPROXY_CONFIG_PATH is "inside.json"'],
  ])('serves on and says why when %s is %s', async (variable, value, why) => {
    const wrapper = rig.start({ env: { [variable]: value } });
    expect(await wrapper.initialize()).toMatchObject({ result: { serverInfo: { name: 'mcp-proxy' } } });
    wrapper.request(1, 'tools/list');
    expect(await wrapper.answer(1)).toMatchObject({ result: { tools: [] } });
    wrapper.call(2, 'echo');
    expect(error(await wrapper.answer(2)).message).toContain(why);
  });

  it('sends nothing to something that is no socket of ours', async () => {
    mkdirSync(join(rig.root, 'run'), { recursive: true, mode: 0o700 });
    const path = join(rig.root, 'run', 'mcp-proxy-mcp-user.v1.sock');
    writeFileSync(path, '');
    const wrapper = rig.start();
    await wrapper.initialize();
    wrapper.call(1, 'echo');
    expect(error(await wrapper.answer(1)).message).toContain('is not a socket');
    expect(readFileSync(path, 'utf8')).toBe('');
  });
});

describe('start or reuse', () => {
  it('starts one daemon for a hundred wrappers at once', async () => {
    const wrappers = Array.from({ length: 100 }, () => rig.start());
    await Promise.all(wrappers.map((wrapper) => wrapper.initialize()));
    await Promise.all(
      wrappers.map((wrapper) => {
        wrapper.call(1, 'echo');
        return wrapper.answer(1);
      }),
    );
    expect(rig.spawns()).toHaveLength(1);
    expect(rig.heard('aitkit/hello')).toHaveLength(100);
  });

  it('starts a daemon of its own with --alone, on the normal config', async () => {
    const [first, second] = [await ready({ args: ['--alone'] }), await ready({ env: { MCPPROXY_TRANSPORT: 'stdio' } })];
    for (const wrapper of [first, second]) {
      wrapper.call(1, 'echo');
      await wrapper.answer(1);
    }
    const argv = rig.starts().map((start) => start.argv ?? []);
    expect(argv).toHaveLength(2);
    for (const line of argv) expect(line.join(' ')).toMatch(/^--name alone-\d+-[0-9a-f]+ --alone$/);
    const [hello] = rig.heard('aitkit/hello');
    const configPath = join(rig.root, 'lib', 'mcpproxy', 'mcp_proxy_config.json');
    expect(hello?.['params']).toMatchObject({ settings: { configPath } });
  });
});
