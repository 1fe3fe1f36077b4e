// Every key of the config follows a reload: open sessions see the change, and only copies that were started with
// something else start anew. A key that is not in the tables below fails the first test.
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serverSchema, settingsShape } from '../../src/config/schema.ts';
import type { StatusReport } from '../../src/link/control.ts';
import { DaemonRig, fixture, type ServerConfig } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { refOf } from '../support/gateway-calls.ts';
import { idleTimePasses } from '../support/idle-time.ts';
import { errorOf, type McpClient, resultOf, textOf } from '../support/mcp-client.ts';

type Settings = Record<string, unknown>;
type Context = {
  rig: DaemonRig;
  session: McpClient;
  reload: (server: ServerConfig, settings?: Settings) => Promise<void>;
};
type Row = {
  key: string;
  before?: () => ServerConfig;
  after: () => ServerConfig;
  /** Whether the running copy must end. */
  restarts: boolean;
  check: (context: Context) => Promise<void>;
};
type SettingRow = {
  key: string;
  server?: () => ServerConfig;
  before?: Settings;
  after: Settings;
  check: (context: Context) => Promise<void>;
};

let rig: DaemonRig;
const echo = (env: Record<string, string> = {}, extra: ServerConfig = {}) => fixture('echo.mjs', env, extra);
const web = (extra: ServerConfig = {}) => ({
  ...fixture('http-echo.mjs', { PORT: '${PORT}' }),
  url: 'http://127.0.0.1:${PORT}/mcp',
  ...extra,
});
const call = async (session: McpClient, tool: string, args = {}) => textOf(await session.call(`s__${tool}`, args));
const names = async (session: McpClient) => (await session.toolNames()).filter((name) => name.startsWith('s__'));
const failure = async (session: McpClient, tool: string, args = {}) => {
  const answer = await session.call(`s__${tool}`, args);
  expect(resultOf(answer)['isError'], JSON.stringify(answer)).toBe(true);
  return textOf(answer);
};
const copyOf = ({ servers }: StatusReport) => servers.find(({ name }) => name === 's');
const ends = () =>
  rig.statusUntil(
    (status) => copyOf(status)?.instances.every(({ state }) => state === 'stopped') ?? false,
    'it to end',
  );
const fakeNode = () => join(rig.home, 'another-node');
/** While this file is there, servers that heed it start. */
const startFile = () => join(rig.home, 'begin');
const late = (extra: ServerConfig = {}) => echo({ START_FILE: startFile() }, extra);

/** Of two calls at once one waits. */
async function callsWait({ session }: Context): Promise<void> {
  const other = await rig.open();
  await call(other, 'pid');
  const until = join(rig.home, 'waits');
  const both = [session, other].map((one) => call(one, 'slow', { until }));
  await rig.statusUntil((status) => copyOf(status)?.instances[0]?.queued === 1, 'a call to wait');
  writeFileSync(until, '');
  expect(await Promise.all(both)).toEqual(['done', 'done']);
}

async function startFails({ session }: Context): Promise<void> {
  rmSync(startFile());
  await rig.http('POST', '/stop', { body: { name: 's' } });
  expect(await failure(session, 'pid')).toContain('not ready after');
}

const servers: Row[] = [
  {
    key: 'command',
    after: () => ({ ...echo(), command: fakeNode() }),
    restarts: true,
    check: async ({ session }) => {
      await call(session, 'pid');
      expect(copyOf(await rig.status())?.instances[0]?.command).toBe(fakeNode());
    },
  },
  {
    key: 'args',
    after: () => ({ ...echo(), args: [...[echo()['args']].flat(), '--more'] }),
    restarts: true,
    check: async ({ session }) => expect(await call(session, 'argv')).toBe('["--more"]'),
  },
  {
    key: 'env',
    after: () => echo({ ADDED: 'yes' }),
    restarts: true,
    check: async ({ session }) => expect(await call(session, 'env', { names: ['ADDED'] })).toBe('{"ADDED":"yes"}'),
  },
  {
    key: 'inheritEnv',
    after: () => echo({}, { inheritEnv: ['OF_SESSION'] }),
    restarts: true,
    check: async ({ session }) =>
      expect(await call(session, 'env', { names: ['OF_SESSION'] })).toBe('{"OF_SESSION":"its own"}'),
  },
  {
    key: 'cwd',
    after: () => echo({}, { cwd: rig.home }),
    restarts: true,
    check: async ({ session }) => expect(await call(session, 'cwd')).toBe(rig.home),
  },
  {
    key: 'url',
    before: web,
    after: () => web({ url: 'http://127.0.0.1:${PORT}/nowhere' }),
    restarts: true,
    check: async ({ session }) => void (await failure(session, 'pid')),
  },
  {
    key: 'type',
    before: () => web({ type: 'http' }),
    after: () => web({ type: 'sse' }),
    restarts: true,
    check: async ({ session }) => void (await failure(session, 'pid')),
  },
  {
    key: 'headers',
    before: () => web({ headers: { 'X-Extra-Tools': '1' } }),
    after: () => web({ headers: { 'X-Extra-Tools': '3' } }),
    restarts: true,
    check: async ({ session }) => {
      const extras = async () => (await names(session)).filter((name) => name.includes('extra')).length === 3;
      await eventually(extras, { what: 'three tools' });
    },
  },
  {
    key: 'oauth',
    before: web,
    after: () => web({ oauth: { clientId: 'another' } }),
    restarts: true,
    check: async ({ session }) => expect(await call(session, 'pid')).toMatch(/^\d+$/),
  },
  {
    key: 'as',
    after: () => echo({}, { as: 'other-name' }),
    restarts: false,
    check: async ({ session }) => {
      await session.notification('notifications/tools/list_changed');
      expect(await session.toolNames()).toContain('other-name__pid');
      expect(await names(session)).toEqual([]);
    },
  },
  ...[{ enabled: false }, { disabled: true }].map(
    (off): Row => ({
      key: Object.keys(off).join(),
      after: () => echo({}, off),
      restarts: true,
      check: async ({ session }) => {
        await session.notification('notifications/tools/list_changed');
        expect(await names(session)).toEqual([]);
        expect(errorOf(await session.call('s__pid')).message).toContain('Unknown tool');
        await eventually(() => rig.servers().length === 1, { what: 'its copy to end' });
      },
    }),
  ),
  {
    key: 'sharing',
    after: () => echo({}, { sharing: 'session' }),
    restarts: true,
    check: async ({ session }) => {
      const other = await rig.open();
      expect(await call(session, 'pid')).not.toBe(await call(other, 'pid'));
      await eventually(() => rig.servers().length === 3, { what: 'the shared copy to end' });
    },
  },
  {
    key: 'projects',
    after: () => echo({}, { projects: [join(rig.home, 'elsewhere')] }),
    restarts: false,
    check: async ({ session }) => {
      await session.notification('notifications/tools/list_changed');
      expect(await names(session)).toEqual([]);
      const there = await rig.open({ project: rig.project('elsewhere') });
      expect(await names(there)).toContain('s__pid');
    },
  },
  ...[{ timeoutMs: 150 }, { timeout: 1_000 }].map(
    (limit): Row => ({
      key: Object.keys(limit).join(),
      after: () => echo({}, limit),
      restarts: false,
      check: async ({ session }) =>
        expect(await failure(session, 'slow', { forever: true })).toContain(
          `limit of ${Object.values(limit).join()} ms`,
        ),
    }),
  ),
  {
    key: 'startTimeoutMs',
    before: late,
    after: () => late({ startTimeoutMs: 50 }),
    restarts: false,
    check: startFails,
  },
  {
    key: 'idleStopMs',
    after: () => echo({}, { idleStopMs: 50 }),
    restarts: false,
    check: async () => void (await ends()),
  },
  {
    key: 'keepAlive',
    before: () => echo({}, { idleStopMs: 50, keepAlive: true }),
    after: () => echo({}, { idleStopMs: 50 }),
    restarts: false,
    check: async () => void (await ends()),
  },
  { key: 'maxConcurrent', after: () => echo({}, { maxConcurrent: 1 }), restarts: false, check: callsWait },
  { key: 'onAmbiguous', after: () => echo({}, { onAmbiguous: 'serialize' }), restarts: false, check: callsWait },
  {
    key: 'sampling',
    before: () => echo({ TRACE_FILE: join(rig.home, 'trace') }),
    after: () => echo({ TRACE_FILE: join(rig.home, 'trace') }, { sampling: true }),
    restarts: true,
    check: async ({ session }) => {
      await call(session, 'pid');
      const greetings = readFileSync(join(rig.home, 'trace'), 'utf8')
        .split('\n')
        .filter((line) => line.includes('"initialize"'));
      expect(greetings.map((line) => line.includes('"sampling"'))).toEqual([false, true]);
    },
  },
  {
    key: 'tools',
    after: () => echo({}, { tools: { allow: ['p*', 'echo'], deny: ['echo'] } }),
    restarts: false,
    check: async ({ session }) => {
      await session.notification('notifications/tools/list_changed');
      expect(await names(session)).toEqual(['s__pid']);
      expect(errorOf(await session.call('s__echo')).message).toContain('Unknown tool');
    },
  },
  {
    key: 'shield',
    after: () => echo({}, { shield: true }),
    restarts: false,
    check: async ({ session }) => {
      await session.notification('notifications/tools/list_changed');
      expect(await session.toolNames()).toContain('gateway_get_result');
      expect((await call(session, 'big', { bytes: 200_000 })).length).toBeLessThan(20_000);
    },
  },
  {
    key: 'alwaysLoad',
    after: () => echo({}, { alwaysLoad: true }),
    restarts: false,
    check: async ({ session }) => {
      await session.notification('notifications/tools/list_changed');
      expect(JSON.stringify(await session.request('tools/list'))).toContain('"anthropic/alwaysLoad":true');
    },
  },
];

const shielded = () => echo({}, { shield: true });
const shrinks = async (value: unknown, { session, reload }: Context, after: Settings) => {
  const ask = async () =>
    (await call(session, 'raw', { result: { content: [{ type: 'text', text: JSON.stringify(value) }] } })).length;
  const shrunk = await ask();
  await reload(shielded(), { shield: {} });
  expect(shrunk).toBeLessThan(await ask());
  await reload(shielded(), after);
  expect(await ask()).toBe(shrunk);
};
const rowOf = (
  section: string,
  key: string,
  value: unknown,
  check: SettingRow['check'],
  more: Partial<SettingRow> = {},
): SettingRow => ({
  key: `${section}.${key}`,
  after: { [section]: { [key]: value } },
  check,
  ...more,
});
const big = async (session: McpClient) => refOf(await session.call('s__big', { bytes: 100_000 }));
const readBack = (session: McpClient, ref: string) => session.call('gateway_get_result', { ref });
const isGone = async (session: McpClient, ref: string) => resultOf(await readBack(session, ref))['isError'] === true;

/** An open session keeps its mode: it was told at its beginning which tools there are. The next one has the new mode. */
async function modeOfNext({ session }: Context): Promise<void> {
  const next = await rig.open();
  expect(await next.toolNames()).toContain('gateway_search');
  expect(await names(next)).toEqual([]);
  expect(await names(session)).toContain('s__pid');
}

const settings: SettingRow[] = [
  rowOf(
    'daemon',
    'idleExitMs',
    200,
    async ({ session }) => {
      await session.close();
      await rig.nothingLeft();
    },
    { before: { daemon: { idleExitMs: 600_000 } } },
  ),
  rowOf('daemon', 'maxMessageBytes', 65_536, async ({ session }) => {
    await rig.http('POST', '/stop', { body: { name: 's' } });
    expect(await failure(session, 'big', { bytes: 100_000 })).toContain('maxMessageBytes');
  }),
  rowOf(
    'daemon',
    'startLimit',
    4,
    async ({ session }) => {
      rmSync(startFile());
      await rig.http('POST', '/stop-all');
      const starting = async () => {
        const all = (await rig.status()).servers.flatMap(({ instances }) => instances);
        return all.filter(({ state, pid }) => state === 'starting' && pid !== undefined).length === 2;
      };
      const both = ['s__pid', 'untouched__pid'].map((name) => session.call(name));
      await eventually(starting, { what: 'two starts at once', intervalMs: 5 });
      writeFileSync(startFile(), '');
      await Promise.all(both);
    },
    { before: { daemon: { startLimit: 1 } }, server: late },
  ),
  rowOf('daemon', 'startTimeoutMs', 50, startFails, { server: late }),
  rowOf(
    'daemon',
    'maxQueued',
    1,
    async ({ session }) => {
      const until = join(rig.home, 'refused');
      const calls = [1, 2, 3].map(() => session.call('s__slow', { until }));
      await Promise.race(calls);
      writeFileSync(until, '');
      const answers = await Promise.all(calls);
      expect(answers.map(textOf).filter((text) => text.includes('calls waiting already'))).toHaveLength(1);
    },
    { server: () => echo({}, { maxConcurrent: 1 }) },
  ),
  rowOf(
    'http',
    'port',
    0,
    async ({ reload }) => {
      const { daemon } = await rig.statusUntil((status) => status.daemon.port !== undefined, 'a port');
      const port = daemon.port ?? 0;
      expect((await rig.http('GET', '/health', { port })).status).toBe(401);
      await reload(echo(), { http: { port: 'off' } });
      expect((await rig.status()).daemon.port).toBeUndefined();
      await expect(rig.http('GET', '/health', { port })).rejects.toThrow('ECONNREFUSED');
    },
    { before: { http: { port: 'off' } } },
  ),
  rowOf('http', 'host', 'localhost', async ({ session }) => expect(await call(session, 'pid')).toMatch(/^\d+$/)),
  {
    key: 'http.auth',
    after: { http: { auth: 'none' } },
    check: async () => expect((await rig.status()).config.error?.message).toContain('http.auth'),
  },
  rowOf(
    'http',
    'keepDaemon',
    true,
    async ({ session, reload }) => {
      const [daemon] = rig.daemons();
      await session.close();
      await rig.statusUntil(({ sessions }) => sessions.length === 0, 'nobody to be there');
      // Twice the time after which it would have ended.
      await idleTimePasses();
      await idleTimePasses();
      expect(rig.daemons()).toEqual([daemon]);
      await reload(echo(), { http: { port: 0, keepDaemon: false } });
      await rig.nothingLeft();
    },
    { before: { http: { port: 0 } }, after: { http: { port: 0, keepDaemon: true } } },
  ),
  rowOf('tools', 'mode', 'gateway', modeOfNext),
  rowOf('tools', 'clients', { 'test-host': 'gateway' }, modeOfNext),
  rowOf('tools', 'topK', 2, async () => {
    const dynamic = await rig.open({ args: ['--mode', 'dynamic'] });
    await dynamic.call('retrieve_tools', { query: 'process of the server' });
    expect((await dynamic.toolNames()).filter((name) => name.includes('__'))).toHaveLength(2);
  }),
  rowOf('tools', 'toolsLimit', 3, async () => {
    const dynamic = await rig.open({ args: ['--mode', 'dynamic'] });
    for (const query of ['process of the server', 'log message', 'environment variables', 'resource']) {
      await dynamic.call('retrieve_tools', { query });
    }
    expect((await dynamic.toolNames()).filter((name) => name.includes('__'))).toHaveLength(3);
  }),
  ...(
    [
      ['arrayItems', 5, Array.from({ length: 45 }, (_, i) => ({ i, text: `row number ${i}` }))],
      ['stringChars', 100, { text: 'word '.repeat(300) }],
      ['heavyFieldBytes', 16, Array.from({ length: 40 }, (_, i) => ({ i, body: `${i} ${'x'.repeat(100)}` }))],
      ['maxResultBytes', 1_024, Array.from({ length: 45 }, (_, i) => ({ i, text: `row ${i} ${'y'.repeat(60)}` }))],
    ] as const
  ).map(([key, value, sent]) =>
    rowOf('shield', key, value, (context) => shrinks(sent, context, { shield: { [key]: value } }), {
      server: shielded,
    }),
  ),
  rowOf(
    'shield',
    'maxResults',
    1,
    async ({ session }) => {
      const first = await big(session);
      expect(await isGone(session, first)).toBe(false);
      const second = await big(session);
      expect([await isGone(session, first), await isGone(session, second)]).toEqual([true, false]);
    },
    { server: shielded },
  ),
  rowOf(
    'shield',
    'maxStoredBytes',
    150_000,
    async ({ session }) => {
      const first = await big(session);
      await big(session);
      expect(await isGone(session, first)).toBe(true);
    },
    { server: shielded },
  ),
  rowOf(
    'shield',
    'keepMs',
    1_000,
    async ({ session }) => {
      const ref = await big(session);
      await eventually(() => isGone(session, ref), { what: 'it to be forgotten' });
    },
    { server: shielded },
  ),
  {
    key: 'knownServers',
    server: () => echo({}, { sharing: 'auto' }),
    after: { knownServers: [{ names: ['echo'], sharing: 'session', reason: 'Ours.' }] },
    check: async ({ session }) => {
      const other = await rig.open();
      expect(await call(session, 'pid')).not.toBe(await call(other, 'pid'));
      expect(copyOf(await rig.status())?.sharingReason).toBe('Ours.');
      await eventually(() => rig.servers().length === 3, { what: 'the copy of before to end' });
    },
  },
];

describe('a reload', () => {
  beforeEach(() => {
    // An empty port: what the file says counts.
    rig = new DaemonRig({ MCPPROXY_PORT: '' });
    symlinkSync(process.execPath, fakeNode());
  });
  afterEach(() => rig.dispose());

  const write = (server: ServerConfig, more: Settings) => {
    const daemon = { idleExitMs: 300, ...Object(more['daemon']) };
    const http = { port: 'off', ...Object(more['http']) };
    const tools = { mode: 'all', ...Object(more['tools']) };
    rig.writeConfig({ s: server, untouched: late() }, { ...more, daemon, http, tools });
  };
  const reload = async (server: ServerConfig, more: Settings = {}) => {
    write(server, more);
    await rig.http('POST', '/reload');
  };
  const running = (name: string) =>
    rig.status().then(({ servers: all }) => all.find((server) => server.name === name)?.instances[0]?.pid);

  async function begin(server: ServerConfig, more: Settings): Promise<Context & { pids: (number | undefined)[] }> {
    writeFileSync(startFile(), '');
    write(server, more);
    const session = await rig.open({ env: { OF_SESSION: 'its own' } });
    await session.toolNames();
    await session.call('s__pid');
    await session.call('untouched__pid');
    return { rig, session, reload, pids: [await running('s'), await running('untouched')] };
  }

  it('is tested for every key that there is', () => {
    const ofServers = Object.keys(serverSchema.shape).sort();
    expect([...new Set(servers.map(({ key }) => key))].sort()).toEqual(ofServers);
    const ofSettings = Object.entries(settingsShape).flatMap(([section, schema]) => {
      const inner: unknown = schema.def.type === 'prefault' ? schema.def.innerType : undefined;
      const keys = inner && typeof inner === 'object' && 'shape' in inner ? Object.keys(Object(inner.shape)) : [];
      return keys.length > 0 ? keys.map((key) => `${section}.${key}`) : [section];
    });
    expect(settings.map(({ key }) => key).sort()).toEqual(ofSettings.sort());
  });

  it.each(servers)('follows mcpServers.*.$key (copies start anew: $restarts)', async (row) => {
    const { pids, ...context } = await begin((row.before ?? echo)(), {});
    await reload(row.after());
    await eventually(async () => row.restarts || (await running('s')) === pids[0], { what: 'the copy' });
    await row.check(context);
    expect(await running('untouched')).toBe(pids[1]);
    if (row.restarts) {
      await eventually(() => rig.servers().every(({ pid }) => pid !== pids[0]), { what: 'the old copy to end' });
    }
  });

  it.each(settings)('follows $key', async (row) => {
    const server = (row.server ?? echo)();
    const { pids, ...context } = await begin(server, row.before ?? {});
    await reload(server, row.after);
    // No setting is a reason to start anything anew.
    expect([await running('s'), await running('untouched')]).toEqual(pids);
    await row.check(context);
  });
});
