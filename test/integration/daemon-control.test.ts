// Every route of the control API, over the socket and over TCP, and what guards the latter.
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { controlRoutes } from '../../src/link/control.ts';
import { type Answer, DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { type McpClient, textOf } from '../support/mcp-client.ts';

type Json = Record<string, unknown>;
const routes = Object.entries(controlRoutes);
const json = (answer: Answer): Json => JSON.parse(JSON.stringify(answer.body));

let rig: DaemonRig;
let session: McpClient;
async function begin(env: Record<string, string>): Promise<void> {
  rig = new DaemonRig(env);
  rig.writeConfig({ echo: fixture('echo.mjs'), off: fixture('echo.mjs', {}, { enabled: false }) });
  session = await rig.open();
}
afterEach(() => rig.dispose());

describe('over the socket', () => {
  beforeEach(() => begin({}));
  const post = (path: string, body?: unknown) => rig.http('POST', path, { body });

  it('GET /health, /ping and /status', async () => {
    await session.call('echo__echo', {});
    expect(json(await rig.http('GET', '/health'))).toMatchObject({
      status: 'ok',
      sessions: 1,
      servers: 1,
      pid: rig.daemons()[0],
    });
    expect(json(await rig.http('GET', '/ping'))).toEqual({ pong: true });
    const status = await rig.status();
    expect(status.sessions).toMatchObject([{ isActive: true, calls: 1, client: 'test-host', mode: 'all' }]);
    expect(status.servers).toMatchObject([
      {
        name: 'echo',
        state: 'ready',
        sharing: 'shared',
        tools: 20,
        instances: [{ calls: 1, processes: 1, state: 'ready' }],
      },
      { name: 'off', state: 'disabled', instances: [] },
    ]);
    expect(status.servers[0]?.instances[0]?.pid).toBe(rig.servers()[0]?.pid);
    expect(status.daemon.memory?.pssBytes).toBeGreaterThan(1_000_000);
    expect(status.savings).toMatchObject({ processes: 3, processesWithout: 1 });
  });

  it('GET /tools', async () => {
    await session.toolNames();
    const tools: unknown = (await rig.http('GET', '/tools')).body;
    expect(tools).toContainEqual({
      name: 'echo__raw',
      server: 'echo',
      tool: 'raw',
      title: 'Raw',
      description: 'Returns `result` as it is, or fails with `error`.',
    });
  });

  it('GET /tools of one server: its own and no other, none of one that cannot start', async () => {
    rig.writeConfig({
      echo: fixture('echo.mjs'),
      twin: fixture('echo.mjs'),
      broken: { ...fixture('exits.mjs'), as: 'shown' },
    });
    await session.toolNames();
    const of = async (server: string) => (await rig.http('GET', `/tools?server=${server}`)).body as Json[];
    const twin = await of('twin');
    expect(new Set(twin.map(({ server }) => server))).toEqual(new Set(['twin']));
    expect(new Set(twin.map(({ tool }) => tool)).size).toBe(twin.length);
    expect(await of('shown')).toEqual([]);
    expect(await of('nobody')).toMatchObject({ error: { code: 'SERVER_UNKNOWN' } });
    const { code, stdout, stderr } = await rig.cli(['call', 'broken', 'x']);
    expect(code).toBe(1);
    expect(stdout + stderr).not.toContain('Its tools');
    // As everywhere: what a hint names can be typed.
    expect(stdout + stderr).not.toMatch(/[`\s]mcp-proxy logs/);
  });

  it('POST /start, /ensure, /stop, /restart, /start-all, /stop-all', async () => {
    expect(rig.servers()).toEqual([]);
    expect(json(await post('/start', { name: 'echo' }))).toMatchObject({
      started: 'echo',
      instances: [{ state: 'ready' }],
    });
    const [first] = rig.servers();
    expect(json(await post('/ensure', { name: 'echo' }))).toMatchObject({ instances: [{ pid: first?.pid }] });
    expect(json(await post('/restart', { name: 'echo' }))).toMatchObject({ restarted: 'echo' });
    expect(rig.servers()).toHaveLength(1);
    expect(rig.servers()[0]?.pid).not.toBe(first?.pid);
    expect(json(await post('/stop', { name: 'echo' }))).toEqual({ stopped: 'echo' });
    expect(rig.servers()).toEqual([]);
    expect(json(await post('/start-all'))).toEqual({ servers: [{ name: 'echo', started: true }] });
    expect(rig.servers()).toHaveLength(1);
    expect((await post('/stop-all')).status).toBe(200);
    expect(rig.servers()).toEqual([]);
    expect(textOf(await session.call('echo__echo', { text: 'starts again on demand' }))).toBe('starts again on demand');
  });

  it('POST /call and /explain', async () => {
    const answer = json(await post('/call', { server: 'echo', tool: 'echo', arguments: { text: 'by hand' } }));
    expect(answer).toMatchObject({
      content: [{ type: 'text', text: 'by hand' }],
      structuredContent: { text: 'by hand' },
    });
    expect(json(await post('/explain', { name: 'echo', projectDir: rig.project('project') }))).toMatchObject({
      server: 'echo',
      isVisible: true,
      sharing: 'shared',
      projectRoot: rig.project('project'),
      missing: [],
    });
  });

  it('tells a tool that is not there from a call that its server refused', async () => {
    const unknown = await post('/call', { server: 'echo', tool: 'nope' });
    expect({ status: unknown.status, error: json(unknown)['error'] }).toMatchObject({
      ...{ status: 404, error: { code: 'TOOL_UNKNOWN', message: expect.stringContaining('nope') } },
    });
    const refused = await post('/call', { server: 'echo', tool: 'fail', arguments: { code: -32603 } });
    expect({ status: refused.status, error: json(refused)['error'] }).toMatchObject({
      ...{ status: 502, error: { code: 'CALL_REFUSED' } },
    });
  });

  it('POST /reload', async () => {
    expect(json(await post('/reload'))).toMatchObject({ reloaded: true, added: [], changed: [], removed: [] });
    rig.writeConfigText('{');
    expect(json(await post('/reload'))).toMatchObject({ reloaded: false, error: { code: 'CONFIG_INVALID' } });
  });

  it('POST /drain ends the daemon, and a session goes on with the next', async () => {
    const [daemon] = rig.daemons();
    expect(json(await post('/drain', { restart: true }))).toEqual({ draining: true });
    await eventually(() => !rig.daemons().includes(daemon ?? 0), { what: 'the daemon to end' });
    expect(textOf(await session.call('echo__echo', { text: 'next' }))).toBe('next');
  });

  it('GET /events streams what happens', async () => {
    const first = await rig.http('GET', '/events');
    expect(first.status).toBe(200);
    expect(first.headers['content-type']).toBe('text/event-stream');
  });

  it.each([
    ['an unknown path', 'GET', '/nope', undefined, 404],
    ['an unknown method', 'DELETE', '/status', undefined, 405],
    ['an unknown server', 'POST', '/start', { name: 'nope' }, 404],
    ['no server', 'POST', '/start', {}, 400],
    ['a disabled server', 'POST', '/start', { name: 'off' }, 503],
    ['an unknown tool', 'POST', '/call', { server: 'echo', tool: 'nope' }, 404],
    ['no tool', 'POST', '/call', { server: 'echo' }, 400],
    ['a body that is a list', 'POST', '/start', [], 400],
    ['a command instead of a name', 'POST', '/start', { command: 'touch', args: ['/tmp/x'] }, 400],
  ])('answers %s with an error that can be read', async (_what, method, path, body, status) => {
    const answer = await rig.http(method, path, { body });
    expect(answer.status).toBe(status);
    expect(json(answer)['error']).toMatchObject({
      code: expect.stringMatching(/^[A-Z_]+$/),
      message: expect.stringMatching(/.{10}/),
    });
  });

  it('refuses broken JSON and a body without end', async () => {
    expect((await rig.http('POST', '/start', { raw: '{"name":' })).status).toBe(400);
    const huge = JSON.stringify({ name: 'x'.repeat(9 * 1024 * 1024) });
    const refused = await rig.http('POST', '/start', { raw: huge }).then(
      ({ status }) => status,
      () => 400,
    );
    expect(refused).toBe(400);
    expect((await rig.status()).sessions).toHaveLength(1);
  });
});

describe('over TCP', () => {
  let port: number;
  let token: string;
  beforeEach(async () => {
    await begin({ MCPPROXY_PORT: '0' });
    const { daemon } = await rig.statusUntil((status) => status.daemon.port !== undefined, 'a port');
    port = daemon.port ?? 0;
    token = readFileSync(rig.locations.tokenPath, 'utf8').trim();
  });
  const bearer = () => ({ authorization: `Bearer ${token}` });
  const ask = (method: string, path: string, headers: Record<string, string>) =>
    rig.http(method, path, { port, headers });

  it('serves every route to the token, and to nobody else', async () => {
    for (const [verb, { method, path }] of [...routes, ['none', { method: 'GET', path: '/nope' }] as const]) {
      const status = async (headers: Record<string, string>) => (await ask(method, path, headers)).status;
      const where = `${verb} ${method} ${path}`;
      for (const host of [
        'evil.example',
        `evil.example:${port}`,
        '127.0.0.1',
        `127.0.0.1:${port + 1}`,
        `127.0.0.1.evil.example:${port}`,
      ]) {
        expect(await status({ ...bearer(), host }), `${where} as ${host}`).toBe(403);
      }
      for (const origin of ['http://evil.example', 'null', `https://localhost:${port}`, 'http://localhost']) {
        expect(await status({ ...bearer(), origin }), `${where} from ${origin}`).toBe(403);
      }
      expect(await status({}), `${where} without a token`).toBe(401);
      for (const authorization of [
        'Bearer',
        'Bearer x',
        `Bearer ${token}x`,
        `Bearer ${token.slice(1)}`,
        `Basic ${token}`,
        token,
      ]) {
        expect(await status({ authorization }), `${where} with ${authorization.slice(0, 8)}…`).toBe(401);
      }
      expect(await status({ 'x-token': token }), where).toBe(401);
      expect((await ask(method, `${path}?token=${token}`, {})).status, `${where} with the token in the URL`).toBe(401);
    }
    expect(rig.daemons()).toHaveLength(1);
    expect(rig.servers()).toEqual([]);
    for (const [verb, { method, path }] of routes.filter(([name]) => name !== 'drain')) {
      const answer = await ask(method, path, {
        ...bearer(),
        host: `localhost:${port}`,
        origin: `http://127.0.0.1:${port}`,
      });
      expect([200, 400], verb).toContain(answer.status);
    }
    expect((await ask('POST', '/drain', bearer())).status).toBe(200);
  });

  it('gives a web page nothing: no simple POST, no preflight, no CORS', async () => {
    for (const [, { method, path }] of routes) {
      const preflight = await ask('OPTIONS', path, { ...bearer(), 'access-control-request-method': method });
      expect(Object.keys(preflight.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      expect(preflight.status).toBe(405);
      if (method !== 'POST') continue;
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
        const headers = { ...bearer(), 'content-type': type };
        const posted = await rig.http('POST', path, { port, headers, raw: '{"name":"echo"}' });
        expect(posted.status, `${path} as ${type}`).toBe(400);
      }
    }
    expect(rig.servers()).toEqual([]);
    expect(rig.daemons()).toHaveLength(1);
  });

  it('listens on loopback only, and its token is private', async () => {
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((one) => one && !one.internal && one.family === 'IPv4');
    const hex = port.toString(16).toUpperCase().padStart(4, '0');
    const listening = ['tcp', 'tcp6']
      .flatMap((table) => readFileSync(`/proc/net/${table}`, 'latin1').split('\n'))
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[1]?.endsWith(`:${hex}`) && fields[3] === '0A');
    expect(
      listening.map((fields) => fields[1]),
      String(outside?.address),
    ).toEqual([`0100007F:${hex}`]);
    expect(statSync(rig.locations.tokenPath).mode & 0o777).toBe(0o600);
    expect(Buffer.from(token, 'base64url').length).toBeGreaterThanOrEqual(16);
    await session.call('echo__echo', {});
    const server = rig.servers()[0]?.pid ?? 0;
    const shown = [
      JSON.stringify(await rig.status()),
      readFileSync(rig.locations.logPath, 'utf8'),
      ...[server, ...rig.daemons()].flatMap((pid) =>
        ['environ', 'cmdline'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'latin1')),
      ),
    ];
    for (const text of shown) expect(text).not.toContain(token);
  });
});

describe('with its port held by a stranger', () => {
  it('works over the socket, names the holder in status, and replaces the token the stranger may have been sent', async () => {
    const stranger = createServer();
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    try {
      const address = stranger.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      rig = new DaemonRig({ MCPPROXY_PORT: String(port) });
      rig.writeConfig({ echo: fixture('echo.mjs') });
      const old = 'o'.repeat(43);
      mkdirSync(rig.locations.dataDir, { recursive: true, mode: 0o700 });
      writeFileSync(rig.locations.tokenPath, `${old}\n`, { mode: 0o600 });
      const client = await rig.open();
      expect(textOf(await client.call('echo__echo', { text: 'over the socket' }))).toBe('over the socket');
      const { daemon } = await rig.statusUntil((status) => status.daemon.portProblem !== undefined, 'the problem');
      expect(daemon.port).toBeUndefined();
      expect(daemon.portProblem).toContain(`port ${port} is held by process ${process.pid}`);
      const token = readFileSync(rig.locations.tokenPath, 'utf8').trim();
      expect(token).not.toBe(old);
      expect(token.length).toBeGreaterThanOrEqual(43);
      const shown = await rig.cli(['status']);
      expect(shown.stdout).toContain(`process ${process.pid}`);
    } finally {
      await new Promise((resolve) => stranger.close(resolve));
    }
  });
});
