// What doctor finds in a home that has the trouble, that --fix ends it, and that a healthy home is called so.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRecord } from '../../../../src/base/guards.ts';
import { processStartTime } from '../../../../src/base/process-identity.ts';
import { eventually } from '../../../support/eventually.ts';
import { type CliRig, createCliRig } from '../cli-rig.ts';

let rig: CliRig;
let children: ChildProcess[] = [];
beforeEach(() => {
  rig = createCliRig();
  mkdirSync(dirname(rig.configPath), { recursive: true, mode: 0o700 });
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
  rig.remove();
});

const writeConfig = (value: unknown) => writeFileSync(rig.configPath, JSON.stringify(value), { mode: 0o600 });
const healthy = { mcpServers: {}, http: { port: 'off' } };

type Found = { check: string; severity: string; what: string; fix?: string; canRepair?: boolean };

async function findings(...words: string[]): Promise<{ code: number; found: Found[] }> {
  const { code, stdout } = await rig.run('doctor', '--json', ...words);
  const report: unknown = JSON.parse(stdout);
  if (!isRecord(report) || !Array.isArray(report['findings'])) throw new Error(stdout);
  return { code, found: report['findings'].filter(isRecord).map((one) => one as unknown as Found) };
}

/** A process of this home that lives until it is ended. */
async function start(args: string[], env: Record<string, string> = {}): Promise<number> {
  const options = { env: { HOME: rig.home, PATH: process.env['PATH'] ?? '', ...env }, stdio: 'pipe' as const };
  const child = spawn(
    process.execPath,
    ['-e', 'process.stdout.write("up"); setInterval(() => {}, 1e6)', ...args],
    options,
  );
  children.push(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child.pid ?? 0;
}

describe('doctor', () => {
  it('says that a healthy home is in order, and writes nothing', async () => {
    writeConfig(healthy);
    const { code, stdout } = await rig.run('doctor');
    expect(stdout).toContain('ok       The configuration');
    expect(stdout).toContain('0 errors, 0 warnings, 0 notes.');
    expect(code).toBe(0);
    expect(existsSync(join(rig.home, '.aitkit', 'run'))).toBe(false);
  });

  it('reports every problem of the config, each with its place', async () => {
    writeConfig({ mcpServers: { broken: { command: 7 }, fine: { command: 'node' } }, htpp: {}, http: { port: 'off' } });
    const { code, found } = await findings();
    expect(code).toBe(1);
    expect(found.filter(({ check }) => check === 'config')).toMatchObject([
      { severity: 'error', what: expect.stringContaining('broken') },
      { severity: 'warning', what: expect.stringContaining('htpp'), fix: expect.stringContaining('http') },
    ]);
  });

  it('closes what others may enter or read', async () => {
    writeConfig(healthy);
    const [folder, token] = [dirname(rig.configPath), join(dirname(rig.configPath), 'token')];
    writeFileSync(token, 'secret');
    chmodSync(token, 0o644);
    chmodSync(folder, 0o755);
    const { code, found } = await findings();
    expect(code).toBe(1);
    expect(found).toMatchObject([
      { check: 'permissions', fix: `chmod 700 '${folder}'`, canRepair: true },
      { check: 'permissions', fix: `chmod 600 '${token}'`, canRepair: true },
    ]);
    expect(await findings('--fix', '--yes')).toEqual({ code: 0, found: [] });
    expect([statSync(folder).mode & 0o777, statSync(token).mode & 0o777]).toEqual([0o700, 0o600]);
  });

  it('asks before it changes anything, and without a person it does not', async () => {
    writeConfig(healthy);
    chmodSync(dirname(rig.configPath), 0o755);
    const { code, stderr } = await rig.run('doctor', '--fix');
    expect(code).toBe(2);
    expect(stderr).toContain('doctor --fix --yes');
    expect(statSync(dirname(rig.configPath)).mode & 0o777).toBe(0o755);
  });

  it('removes records of dead hosts and keeps those of living ones', async () => {
    writeConfig(healthy);
    const records = join(rig.home, '.aitkit', 'run', 'mcp-servers');
    mkdirSync(records, { recursive: true, mode: 0o700 });
    writeFileSync(join(records, '4194303'), '{}');
    const alive = { pid: process.pid, startTime: processStartTime(process.pid) };
    writeFileSync(join(records, String(process.pid)), JSON.stringify(alive));
    const { found } = await findings();
    expect(found).toMatchObject([{ check: 'records', severity: 'note', what: expect.stringContaining('4194303') }]);
    await findings('--fix', '--yes');
    expect(existsSync(join(records, '4194303'))).toBe(false);
    expect(existsSync(join(records, String(process.pid)))).toBe(true);
  });

  it("names files among the records that are none, and leaves them: they may be another program's", async () => {
    writeConfig(healthy);
    const records = join(rig.home, '.aitkit', 'run', 'mcp-servers');
    mkdirSync(records, { recursive: true, mode: 0o700 });
    writeFileSync(join(records, String(process.pid)), 'garbage');
    writeFileSync(join(records, 'abc'), 'junk');
    writeFileSync(join(records, '77.77.1a2b3c.tmp'), 'being written');
    const { code, found } = await findings('--fix', '--yes');
    expect([code, found]).toMatchObject([
      0,
      [{ check: 'records', severity: 'note', what: expect.stringMatching(/^2 files among/), canRepair: false }],
    ]);
    expect(found[0]?.what).toMatch(new RegExp(`${process.pid}.*abc`));
    expect(existsSync(join(records, 'abc'))).toBe(true);
  });

  it('removes a pid file that cannot be read, and moves a folder out of its way', async () => {
    writeConfig(healthy);
    const pidFile = join(rig.home, '.aitkit', 'run', 'mcp-proxy-mcp-user.pid');
    mkdirSync(dirname(pidFile), { mode: 0o700 });
    writeFileSync(pidFile, 'junk');
    const damaged = await findings();
    expect(damaged.found).toMatchObject([
      { check: 'endpoint', severity: 'note', what: expect.stringContaining('cannot be read'), canRepair: true },
    ]);
    expect(await findings('--fix', '--yes')).toEqual({ code: 0, found: [] });
    mkdirSync(pidFile);
    const { code, found } = await findings();
    expect([code, found]).toMatchObject([
      1,
      [{ check: 'endpoint', severity: 'error', what: expect.stringContaining('is a folder'), canRepair: true }],
    ]);
    expect(await findings('--fix', '--yes')).toEqual({ code: 0, found: [] });
    expect(existsSync(`${pidFile}.old`)).toBe(true);
  });

  it('closes folders and launchers through which others could change what runs', async () => {
    writeConfig(healthy);
    const [root, bin] = [join(rig.home, '.aitkit'), join(rig.home, '.aitkit', 'bin')];
    const version = join(dirname(rig.configPath), 'app', '1.2.3');
    for (const folder of [bin, join(version, 'dist')]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    const launcher = join(bin, 'mcp-proxy');
    writeFileSync(launcher, '#!/bin/sh\n');
    const open = [root, join(root, 'lib'), dirname(version), version, join(version, 'dist'), launcher];
    for (const path of open) chmodSync(path, 0o777);
    const { code, found } = await findings();
    expect(code).toBe(1);
    expect(found).toMatchObject(
      open.map((path) => ({ check: 'permissions', severity: 'error', fix: `chmod 755 '${path}'`, canRepair: true })),
    );
    expect(await findings('--fix', '--yes')).toEqual({ code: 0, found: [] });
    expect(open.map((path) => statSync(path).mode & 0o777)).toEqual(open.map(() => 0o755));
  });

  it('closes a config that others may read, only if secrets are written in it', async () => {
    const server = (env: object) => ({ ...healthy, mcpServers: { notes: { command: process.execPath, env } } });
    const harmless = { TOKEN_FILE: '/run/token', MAX_TOKENS: '4096', AUTHOR: 'jane', HOST: 'db-1.example.com' };
    writeConfig(server({ API_TOKEN: '${API_TOKEN}', ...harmless }));
    chmodSync(rig.configPath, 0o644);
    expect(await findings()).toEqual({ code: 0, found: [] });
    writeConfig(server({ DATABASE: 'postgres://me:s3cret@db/shop' }));
    expect((await findings()).found).toMatchObject([{ severity: 'warning' }]);
    writeConfig(server({ API_TOKEN: 'a1b2c3d4' }));
    const { code, found } = await findings();
    expect([code, found]).toMatchObject([
      1,
      [{ check: 'permissions', severity: 'warning', what: expect.stringMatching(/644.*notes/), canRepair: true }],
    ]);
    expect(await findings('--fix', '--yes')).toEqual({ code: 0, found: [] });
    expect(statSync(rig.configPath).mode & 0o777).toBe(0o600);
  });

  it('finds the processes of a daemon that is gone, says what they cost and ends exactly those', async () => {
    writeConfig(healthy);
    const orphan = await start([], { AITKIT_INSTANCE: 'memory-1-0123456789abcdef' });
    const stranger = await start([], { HOME: '/nonexistent', AITKIT_INSTANCE: 'memory-2-0123456789abcdef' });
    const { code, found } = await findings();
    expect(code).toBe(1);
    expect(found).toMatchObject([
      {
        check: 'leftovers',
        what: expect.stringMatching(
          new RegExp(`^1 copy of memory outlived the daemon: process ${orphan} node \\(\\d+ MiB, for \\d+ s\\)\\.$`),
        ),
        canRepair: true,
      },
    ]);
    expect((await findings('--fix', '--yes')).code).toBe(0);
    await eventually(() => children[0]?.signalCode !== null, { what: 'the orphan to end' });
    expect(children[1]?.exitCode).toBeNull();
    expect(stranger).toBeGreaterThan(1);
  });

  it('finds the copies that sessions started for themselves, and ends none of them', async () => {
    const args = ['-e', 'process.stdout.write("up"); setInterval(() => {}, 1e6)', 'own-copy'];
    writeConfig({ ...healthy, mcpServers: { memory: { command: process.execPath, args } } });
    await start(['own-copy']);
    const { code, found } = await findings();
    expect(found).toMatchObject([
      {
        check: 'leftovers',
        severity: 'note',
        what: expect.stringMatching(/1 copy of memory run.*by process \d+.*MiB/),
      },
    ]);
    expect(found[0]?.canRepair).toBe(false);
    expect(code).toBe(0);
  });

  it('names a program that no server can be started with', async () => {
    writeConfig({ ...healthy, mcpServers: { a: { command: 'no-such-program-here' }, b: { command: 'node' } } });
    const { code, found } = await findings();
    expect(found).toMatchObject([
      { check: 'programs', severity: 'error', what: expect.stringContaining(': a cannot') },
    ]);
    expect(code).toBe(1);
  });

  it('names who holds the port', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    writeConfig({ mcpServers: {}, http: { port } });
    const { found } = await findings();
    server.close();
    const holder = new RegExp(`^Port ${port} cannot be used: process ${process.pid} \\(node.*\\) holds it\\.$`);
    expect(found).toMatchObject([{ check: 'port', severity: 'warning', what: expect.stringMatching(holder) }]);
  });

  it('names entries that start a second copy, a missing plugin and switched-off hooks', async () => {
    writeConfig({ ...healthy, mcpServers: { memory: { command: 'node', args: ['memory.js'] } } });
    mkdirSync(join(rig.home, '.claude'));
    const state = { mcpServers: { memory: { command: 'node', args: ['memory.js'] } } };
    writeFileSync(join(rig.home, '.claude.json'), JSON.stringify(state));
    writeFileSync(join(rig.home, '.claude', 'settings.json'), '{"disableAllHooks": true}');
    const { found } = await findings();
    expect(found).toMatchObject([
      { check: 'claude', what: expect.stringContaining('not enabled'), fix: expect.stringContaining('plugin install') },
      { check: 'claude', what: expect.stringContaining('disableAllHooks') },
      {
        check: 'duplicates',
        what: expect.stringContaining('~/.claude.json:1'),
        fix: expect.stringContaining('migrate'),
      },
    ]);
  });

  it('names a launcher that leads nowhere', async () => {
    writeConfig(healthy);
    const bin = join(rig.home, '.aitkit', 'bin');
    mkdirSync(bin, { mode: 0o700 });
    writeFileSync(join(bin, 'run-mcp-proxy'), `#!/bin/sh\nexec "$node" '/gone/bin/run-mcp-proxy' "$@"\n`);
    const { found } = await findings();
    expect(found).toMatchObject([{ check: 'claude', severity: 'error', what: expect.stringContaining('/gone/bin') }]);
  });
});
