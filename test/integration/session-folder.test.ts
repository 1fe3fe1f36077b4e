// A session that was opened in a folder of a repository: through us its servers get that folder and no more, as they would
// from its host. Breaks when a copy starts at the repository's root or names it as a root.
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { root as repository } from '../../scripts/build-defines.ts';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { fixture as httpFixture, startHttpDaemon } from '../support/http-daemon.ts';
import { type McpClient, resultOf, textOf } from '../support/mcp-client.ts';
import { at, LegacyHttpClient, ModernHttpClient } from '../support/mcp-http-client.ts';

const filesystem = join(repository, 'node_modules', '.bin', 'mcp-server-filesystem');
let rig: DaemonRig;
let shop: string;
let web: string;
beforeEach(() => {
  rig = new DaemonRig();
  shop = rig.project('shop');
  web = join(shop, 'packages', 'web');
  mkdirSync(web, { recursive: true });
  writeFileSync(join(shop, 'secret.txt'), 'of the repository');
  writeFileSync(join(web, 'own.txt'), 'of the package');
});
afterEach(() => rig.dispose());

/** What the same program says when a host starts it in `cwd`. */
async function allowedDirectly(args: string[], cwd: string): Promise<string> {
  const client = new Client({ name: 'direct', version: '1' });
  const env = { PATH: process.env['PATH'] ?? '', HOME: rig.home };
  await client.connect(new StdioClientTransport({ command: filesystem, args, cwd, env, stderr: 'ignore' }));
  try {
    return JSON.stringify(
      at(await client.callTool({ name: 'list_allowed_directories', arguments: {} }), 'content', 0, 'text'),
    );
  } finally {
    await client.close();
  }
}

describe('the real filesystem server', () => {
  const entries: [string, Record<string, unknown>][] = [
    ['. by project', { args: ['.'] }],
    ['. by session', { args: ['.'], sharing: 'session' }],
    ['an option with a relative path', { args: ['./'], sharing: 'project' }],
    ['the session’s folder by name', { args: ['${SESSION_FOLDER}'] }],
    ['a relative cwd', { args: ['.'], cwd: '.' }],
  ];
  it.each(entries)('given %s, reaches what a direct start reaches', async (_, entry) => {
    rig.writeConfig({ files: { command: filesystem, ...entry } });
    const session = await rig.open({ project: web });
    const read = (path: string) => session.call('files__read_text_file', { path });

    const allowed = JSON.stringify(textOf(await session.call('files__list_allowed_directories')));
    expect(allowed).toBe(await allowedDirectly(['.'], web));
    expect(textOf(await read(join(web, 'own.txt')))).toBe('of the package');
    expect(textOf(await read('own.txt'))).toBe('of the package');
    for (const path of [join(shop, 'secret.txt'), '../../secret.txt']) {
      const answer = await read(path);
      expect(resultOf(answer)['isError'], path).toBe(true);
      expect(textOf(answer)).not.toContain('of the repository');
    }
  });

  it('denies a session in a package what one at the root may read, whoever came first', async () => {
    rig.writeConfig({ files: { command: filesystem, args: ['.'] } });
    const inRoot = await rig.open({ project: shop });
    expect(textOf(await inRoot.call('files__read_text_file', { path: 'secret.txt' }))).toBe('of the repository');
    const inPackage = await rig.open({ project: web });
    const answer = await inPackage.call('files__read_text_file', { path: join(shop, 'secret.txt') });
    expect(resultOf(answer)['isError']).toBe(true);
    const [server] = (await rig.status()).servers;
    expect(server?.instances.map(({ projectRoot }) => projectRoot).sort()).toEqual([shop, web]);
  });
});

describe('a copy', () => {
  const kinds = ['project', 'session'] as const;
  const ask = async (session: McpClient, tool: string, args = {}) => textOf(await session.call(tool, args));
  const rootsOf = async (session: McpClient, server: string): Promise<unknown> =>
    JSON.parse(await ask(session, `${server}__ask_back`, { kind: 'roots' }));
  const onlyWeb = () => ({ result: { roots: [{ uri: pathToFileURL(web).href, name: 'web' }] } });
  const overHttp = (sharing: string) => ({
    ...fixture('http-echo.mjs', { PORT: '${PORT}' }, { sharing }),
    url: 'http://127.0.0.1:${PORT}/mcp',
  });

  it.each(kinds)('by %s starts in the session’s folder and has it as its only root', async (sharing) => {
    rig.writeConfig({ echo: fixture('echo.mjs', {}, { sharing }), net: overHttp(sharing) });
    const session = await rig.open({ project: web });
    for (const server of ['echo', 'net']) {
      expect(await ask(session, `${server}__cwd`), server).toBe(web);
      expect(await rootsOf(session, server), server).toEqual(onlyWeb());
    }
  });

  it.each(kinds)('by %s is the same for a session that came by a link', async (sharing) => {
    symlinkSync(web, join(rig.home, 'link'));
    rig.writeConfig({ echo: fixture('echo.mjs', {}, { sharing }) });
    const plain = await rig.open({ project: web });
    const linked = await rig.open({
      project: join(rig.home, 'link'),
      env: { CLAUDE_PROJECT_DIR: join(rig.home, 'link') },
    });
    expect(await ask(linked, 'echo__cwd')).toBe(web);
    expect((await ask(linked, 'echo__pid')) === (await ask(plain, 'echo__pid'))).toBe(sharing === 'project');
  });

  it.each([
    '.',
    './',
    'packages/web/../../.',
  ])('counts a relative CLAUDE_PROJECT_DIR %s from there too', async (named) => {
    rig.writeConfig({ echo: fixture('echo.mjs', {}, { sharing: 'project' }) });
    const session = await rig.open({ project: web, env: { CLAUDE_PROJECT_DIR: named } });
    expect(await ask(session, 'echo__cwd')).toBe(web);
  });

  it('finds a program and a folder by paths relative to the session’s folder', async () => {
    mkdirSync(join(web, 'tools'));
    for (const name of ['echo.mjs', 'echo-core.mjs', 'lines.mjs', 'waits.mjs'])
      copyFileSync(join(repository, 'test/fixtures/upstreams', name), join(web, 'tools', name));
    rig.writeConfig({
      near: { command: process.execPath, args: ['./tools/echo.mjs'] },
      below: { ...fixture('echo.mjs'), sharing: 'project', cwd: 'tools' },
    });
    const session = await rig.open({ project: web });
    expect(await ask(session, 'near__cwd')).toBe(web);
    expect(await ask(session, 'below__cwd')).toBe(join(web, 'tools'));
  });

  it('names the repository only to an entry that asks for it', async () => {
    const echo = fixture('echo.mjs', {}, { sharing: 'auto' });
    const args = [String(at(echo, 'args', 0)), '${PROJECT_ROOT}', '${SESSION_FOLDER}'];
    rig.writeConfig({ named: { ...echo, args } });
    const session = await rig.open({ project: web });
    expect(JSON.parse(await ask(session, 'named__argv'))).toEqual([shop, web]);
    expect(await ask(session, 'named__cwd')).toBe(web);
    expect(await rootsOf(session, 'named')).toEqual(onlyWeb());
  });

  it('by project is in use as long as a session of its folder is, and no longer', async () => {
    // Kept for its sessions, else ended at once.
    const extra = { sharing: 'project', keepAlive: true, idleStopMs: 300 };
    rig.writeConfig({ echo: fixture('echo.mjs', {}, extra) });
    const inRoot = await rig.open({ project: shop });
    const inPackage = await rig.open({ project: web });
    const pids = [await ask(inRoot, 'echo__pid'), await ask(inPackage, 'echo__pid')];
    await inPackage.close();
    await eventually(() => rig.servers().every(({ pid }) => String(pid) !== pids[1]), {
      what: 'the copy of the package to end',
    });
    expect(rig.servers().map(({ pid }) => String(pid))).toEqual([pids[0]]);
    expect(await ask(inRoot, 'echo__pid')).toBe(pids[0]);
  });

  /** A program of that name, which the table knows, with a fixture in it. */
  const serena = (file: string, more: Record<string, unknown> = {}) => {
    mkdirSync(join(rig.home, file));
    const command = join(rig.home, file, 'serena');
    const script = join(repository, 'test/fixtures/upstreams', file);
    writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`, { mode: 0o755 });
    return { command, args: ['--project', '${PROJECT_ROOT}'], ...more };
  };

  it('of a server that works on the whole project is one for all folders in it, and tells none of another', async () => {
    const net = { env: { PORT: '${PORT}' }, url: 'http://127.0.0.1:${PORT}/mcp' };
    rig.writeConfig({ whole: serena('echo.mjs'), net: serena('http-echo.mjs', net) });
    const api = join(shop, 'packages', 'api');
    mkdirSync(api);
    const [inWeb, inApi] = [await rig.open({ project: web }), await rig.open({ project: api })];
    for (const server of ['whole', 'net']) {
      expect(await ask(inWeb, `${server}__cwd`), server).toBe(shop);
      expect(await ask(inApi, `${server}__pid`), server).toBe(await ask(inWeb, `${server}__pid`));
    }
    expect(await rootsOf(inWeb, 'whole')).toEqual({ result: { roots: [] } });
    expect(await rootsOf(inWeb, 'net')).toEqual(onlyWeb());
    expect(await rootsOf(inApi, 'net')).toEqual({ result: { roots: [{ uri: pathToFileURL(api).href, name: 'api' }] } });
    const said = (await rig.cli(['explain', 'whole', '--project', web])).stdout.replace(/\s+/g, ' ');
    expect(said).toContain('It starts in');
    expect(said).toContain('It works on the whole project');
    // Its sessions are those of the project: one that goes leaves it to the other.
    const pid = await ask(inApi, 'whole__pid');
    await inWeb.close();
    await eventually(async () => (await rig.status()).sessions.length === 1, { what: 'one session to be left' });
    expect(await ask(inApi, 'whole__pid')).toBe(pid);
  });

  it('starts where a person chose by a word', async () => {
    const at = (cwd: string) => ({ ...fixture('echo.mjs'), sharing: 'auto', cwd });
    rig.writeConfig({ own: at('session'), root: at('project') });
    const session = await rig.open({ project: web });
    expect(await ask(session, 'own__cwd')).toBe(web);
    expect(await ask(session, 'root__cwd')).toBe(shop);
    const inRoot = await rig.open({ project: shop });
    expect(await ask(inRoot, 'root__pid')).toBe(await ask(session, 'root__pid'));
    expect(await ask(inRoot, 'own__pid')).not.toBe(await ask(session, 'own__pid'));
  });

  const unnamed: Record<string, string> = {};
  it.each([
    unnamed,
    { CLAUDE_PROJECT_DIR: 'gone' },
  ])('shared by everyone serves a session whose folder is gone (%o)', async (env) => {
    const gone = join(rig.home, 'gone');
    mkdirSync(gone);
    rig.writeConfig({ echo: fixture('echo.mjs'), own: fixture('echo.mjs', {}, { sharing: 'project' }) });
    const leave = ['/bin/sh', '-c', `rmdir '${gone}' && exec "$@"`, 'sh'];
    const session = await rig.open({ project: gone, within: leave, env });
    expect(await ask(session, 'echo__cwd')).not.toBe('/');
    expect(JSON.stringify(await session.call('own__cwd'))).toContain('project');
  });

  it('of `call` and `start` is that of the folder in which they are typed', async () => {
    rig.writeConfig({ echo: fixture('echo.mjs', {}, { sharing: 'project' }) });
    const session = await rig.open({ project: web });
    const pid = await ask(session, 'echo__pid');
    expect((await rig.cli(['call', 'echo', 'pid', '--project', web])).stdout).toContain(pid);
    expect((await rig.cli(['call', 'echo', 'cwd', '--project', dirname(web)])).stdout).toContain(dirname(web));
    expect((await rig.cli(['explain', 'echo', '--project', web])).stdout).toContain('packages/web');
  });
});

it('over HTTP the folder that a program names is its own, in both protocol families', async () => {
  const daemon = await startHttpDaemon({
    servers: { echo: { command: process.execPath, args: [httpFixture('echo.mjs')], sharing: 'project' } },
  });
  const address = (headers: Record<string, string>) => ({ url: daemon.url('/mcp/echo'), token: daemon.token, headers });
  const named = address({ 'mcp-project-path': encodeURIComponent(web) });
  const call = { name: 'cwd', arguments: {} };
  const textIn = (answer: unknown) => at(answer, 'result', 'content', 0, 'text');
  try {
    const older = new LegacyHttpClient(named);
    await older.open();
    expect(textIn(await older.request(1, 'tools/call', call))).toBe(web);
    await older.end();
    const modern = new ModernHttpClient(named);
    expect(textIn(await modern.request(1, 'tools/call', { params: call }))).toBe(web);
    const joint = { ...address({}), url: daemon.url('/mcp') };
    const byRoots = new LegacyHttpClient(joint, (method) =>
      method === 'roots/list' ? { roots: [{ uri: pathToFileURL(web).href }] } : undefined,
    );
    await byRoots.open({ roots: {} });
    await byRoots.request(1, 'tools/list');
    expect(textIn(await byRoots.request(2, 'tools/call', { ...call, name: 'echo__cwd' }))).toBe(web);
    await byRoots.end();
  } finally {
    await daemon.stop();
  }
});
