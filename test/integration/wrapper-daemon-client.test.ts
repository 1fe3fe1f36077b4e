import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createControlClient } from '../../src/daemon-client/control-client.ts';
import { dial, type Link } from '../../src/daemon-client/dial.ts';
import { startOrReuse, tryStarterLock } from '../../src/daemon-client/launch.ts';
import type { LinkFailure } from '../../src/daemon-client/socket-file.ts';
import type { Hello, HelloReply } from '../../src/link/hello.ts';
import { type Locations, locate } from '../../src/link/locations.ts';
import { installStable } from '../../src/wrapper/install-stable.ts';
import { eventually } from '../support/eventually.ts';
import { buildFakePlugin, Rig } from '../support/wrapper-rig.ts';

let plugin: string;
let home: string;
let locations: Locations;
const closers: (() => void)[] = [];
beforeAll(async () => {
  plugin = await buildFakePlugin();
});
afterAll(() => rmSync(plugin, { recursive: true, force: true }));
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcp-proxy-client-'));
  locations = locate({ HOME: home });
  mkdirSync(locations.runDir, { recursive: true, mode: 0o700 });
});
afterEach(() => {
  for (const close of closers.splice(0)) close();
  rmSync(home, { recursive: true, force: true });
});

const hello: Hello = {
  protocol: 1,
  build: { version: '0.1.0', fingerprint: 'f' },
  wrapperId: 'wrapper-id',
  wrapper: { pid: 1, startTime: '1' },
  host: { pid: 1, startTime: '1' },
  projectDir: '/p',
  settings: {},
  env: {},
};

function dialOnce(helloTimeoutMs = 2_000): Promise<HelloReply | LinkFailure> {
  return new Promise((resolve) => {
    const nothing = () => {};
    const link: Link = dial(
      { socketPath: locations.socketPath, hello, helloTimeoutMs, maxLineBytes: 1_000_000 },
      {
        onHello: resolve,
        onFailure: resolve,
        onLine: nothing,
        batch: (deliver) => deliver(),
        onOversize: nothing,
        onWritable: nothing,
        onClose: nothing,
      },
    );
    closers.push(() => link.close());
  });
}

function listen(answer: string | undefined): Promise<Server> {
  const server = createServer((socket) => {
    closers.push(() => socket.destroy());
    socket.on('error', () => {});
    if (answer === '') socket.end();
    else if (answer !== undefined) socket.on('data', () => socket.write(answer));
  });
  closers.push(() => server.close());
  return new Promise((resolve) => server.listen(locations.socketPath, () => resolve(server)));
}

describe('a dial', () => {
  it('calls a missing and a dead socket absent', async () => {
    expect(await dialOnce()).toMatchObject({ kind: 'absent' });
    const dead = 'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))';
    spawnSync(process.execPath, ['-e', dead, locations.socketPath]);
    expect(existsSync(locations.socketPath)).toBe(true);
    expect(await dialOnce()).toMatchObject({ kind: 'absent' });
    expect(existsSync(locations.socketPath)).toBe(true);
  });

  it.each([
    ['says nothing', undefined],
    ['closes at once', ''],
    ['answers something else', 'HTTP/1.1 400 Bad Request\n'],
    ['answers another id', '{"jsonrpc":"2.0","id":1,"result":{}}\n'],
  ])('calls a listener busy that %s', async (_what, answer) => {
    await listen(answer);
    expect(await dialOnce(200)).toMatchObject({ kind: 'busy', error: { code: 'DAEMON_BUSY' } });
  });

  it('reports a refusal with its code and hint', async () => {
    const refusal = { code: -32000, message: 'No.', data: { code: 'DAEMON_UNFIT', hint: 'Do this.' } };
    await listen(`${JSON.stringify({ jsonrpc: '2.0', id: 'hello', error: refusal })}\n`);
    expect(await dialOnce()).toMatchObject({
      kind: 'refused',
      error: { code: 'DAEMON_UNFIT', message: 'No.', hint: 'Do this.' },
    });
  });

  it.runIf(process.getuid?.() === 0)('sends nothing to a socket of another user', async () => {
    const heard: string[] = [];
    const server = await listen(undefined);
    server.on('connection', (socket) => socket.on('data', (chunk) => heard.push(String(chunk))));
    spawnSync('chown', ['12345', locations.socketPath]);
    expect(await dialOnce()).toMatchObject({ kind: 'refused', error: { code: 'DAEMON_REFUSED' } });
    expect(heard).toEqual([]);
  });
});

describe('the starter lock', () => {
  it('has one holder at a time and an unguessable name', async () => {
    const first = await tryStarterLock(locations.lockKeyPath);
    if (process.platform !== 'linux') return expect(first.kind).toBe('unsupported');
    expect(first.kind).toBe('held');
    expect((await tryStarterLock(locations.lockKeyPath)).kind).toBe('taken');
    if (first.kind === 'held') await first.release();
    const again = await tryStarterLock(locations.lockKeyPath);
    expect(again.kind).toBe('held');
    if (again.kind === 'held') await again.release();
    expect(readFileSync(locations.lockKeyPath, 'utf8')).toMatch(/^[0-9a-f]{32}\n$/);
    expect(statSync(locations.lockKeyPath).mode & 0o777).toBe(0o600);
  });
});

describe('start or reuse', () => {
  const launch = (rig: Rig, extra = {}) =>
    startOrReuse({
      locations: locate(rig.environment),
      env: { ...rig.environment, ...extra },
      bundlePath: join(rig.plugin, 'bin', 'run-mcp-proxy'),
    });

  it('starts once, then finds what listens', async () => {
    const rig = new Rig(plugin);
    mkdirSync(join(rig.root, 'run'), { recursive: true, mode: 0o700 });
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => launch(rig)));
    expect(outcomes.map((outcome) => outcome.kind).sort()).toEqual([...Array(9).fill('listening'), 'started']);
    expect(rig.spawns()).toHaveLength(1);
    await rig.dispose();
  });

  it('reports an early death with its stderr', async () => {
    const rig = new Rig(plugin);
    mkdirSync(join(rig.root, 'run'), { recursive: true, mode: 0o700 });
    const outcome = await launch(rig, { MCPPROXY_FAKE: '{"dieWith":"boom"}' });
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'DAEMON_START_FAILED' } });
    expect(JSON.stringify(outcome)).not.toContain('stack');
    await rig.dispose();
  });
});

describe('the control client', () => {
  it('says that nothing runs, and starts nothing', async () => {
    await expect(createControlClient(locations).status()).rejects.toMatchObject({ code: 'NOT_RUNNING' });
    expect(readdirSync(locations.runDir)).toEqual([]);
  });

  it('counts one that ends before it answers as not running', async () => {
    // Destroyed with the request unread, as the kernel does for a process that is gone.
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(locations.socketPath, resolve));
    closers.push(() => server.close());
    await expect(createControlClient(locations).health()).rejects.toMatchObject({ code: 'NOT_RUNNING' });
  });

  it('sends verbs, reads answers, failures and events', async () => {
    const heard: string[] = [];
    const server = createHttpServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      heard.push(`${request.method} ${request.url} ${body}`);
      if (request.url === '/health') response.end('{"status":"ok","pid":7}');
      else if (request.url === '/events') response.end('event: change\ndata: {"a":1}\n\ndata: 2\n\n');
      else if (request.url?.startsWith('/tools')) response.end('{"tools":[{"name":"t"}]}');
      else if (request.url === '/status') response.end('{"something":"else"}');
      else response.writeHead(404).end('{"error":{"code":"SERVER_UNKNOWN","message":"No x.","hint":"Add it."}}');
    });
    closers.push(() => server.close());
    await new Promise<void>((resolve) => server.listen(locations.socketPath, resolve));
    const client = createControlClient(locations);
    expect(await client.health()).toMatchObject({ status: 'ok', pid: 7 });
    expect(await client.tools({ server: 'a b' })).toEqual([{ name: 't' }]);
    await expect(client.status()).rejects.toMatchObject({ code: 'DAEMON_UNFIT' });
    await expect(client.send('start', { body: { name: 'x' } })).rejects.toMatchObject({
      code: 'SERVER_UNKNOWN',
      message: 'No x.',
      hint: 'Add it.',
    });
    const events: unknown[] = [];
    await client.events((event) => events.push(event), new AbortController().signal);
    expect(events).toEqual([
      { name: 'change', data: { a: 1 } },
      { name: 'message', data: 2 },
    ]);
    expect(heard).toEqual([
      'GET /health ',
      'GET /tools?server=a+b ',
      'GET /status ',
      'POST /start {"name":"x"}',
      'GET /events ',
    ]);
  });
});

describe('the stable copy', () => {
  const bundle = () => {
    writeFileSync(join(plugin, 'bin', 'mcp-proxy'), 'console.log("cli", process.argv.slice(2).join())');
    return join(plugin, 'bin', 'run-mcp-proxy');
  };
  const install = (version: string, fingerprint = 'f') =>
    installStable({ bundlePath: bundle(), locations, build: { version, fingerprint } });

  it('is made whole, once, and its launchers run', async () => {
    const results = await Promise.all([install('1.0.0'), install('1.0.0')]);
    expect(results).toEqual([true, true]);
    expect(readdirSync(locations.appDir)).toEqual(['1.0.0']);
    const run = spawnSync(join(locations.binDir, 'mcp-proxy'), ['a b', "c'd"], {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin' },
    });
    expect(run.stdout).toBe("cli a b,c'd\n");
    const other = spawnSync(join(locations.binDir, 'run-mcp-proxy'), ['--version'], { encoding: 'utf8' });
    expect(other.stdout).toBe('0.1.0+test\n');
  });

  it('replaces other contents of the same version and never points a launcher back', async () => {
    await install('1.2.0', 'old');
    await install('1.2.0', 'new');
    expect(readFileSync(join(locations.appDir, '1.2.0', 'build.json'), 'utf8')).toContain('new');
    await install('1.1.0');
    expect(readFileSync(join(locations.binDir, 'mcp-proxy'), 'utf8')).toContain('/1.2.0/bin/');
    await install('1.10.0');
    expect(readFileSync(join(locations.binDir, 'mcp-proxy'), 'utf8')).toContain('/1.10.0/bin/');
  });

  it('keeps three versions and those that a daemon runs', async () => {
    const endpoint = { pid: 1, startTime: '1', socket: 's', nonce: 'n', build: { version: '1.0.0', fingerprint: 'f' } };
    writeFileSync(locations.pidPath, JSON.stringify(endpoint));
    for (const version of ['1.0.0', '1.1.0', '1.2.0', '1.3.0', '1.4.0']) await install(version);
    expect(readdirSync(locations.appDir).sort()).toEqual(['1.0.0', '1.2.0', '1.3.0', '1.4.0']);
  });

  it('is made by a wrapper after its first hello, and starts the daemon when the plugin is gone', async () => {
    bundle();
    const doomed = mkdtempSync(join(tmpdir(), 'mcp-proxy-doomed-'));
    cpSync(plugin, doomed, { recursive: true });
    const rig = new Rig(doomed);
    const wrapper = rig.start();
    await wrapper.initialize();
    const launcher = join(rig.root, 'bin', 'run-mcp-proxy');
    await eventually(() => existsSync(launcher), { what: 'the launcher' });
    rmSync(doomed, { recursive: true });
    wrapper.call(1, 'crash');
    await wrapper.answer(1);
    wrapper.call(2, 'echo');
    expect(await wrapper.answer(2)).toHaveProperty('result');
    expect(rig.starts()).toHaveLength(2);
    await rig.dispose();
  });
});
