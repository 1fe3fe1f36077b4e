import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findDaemonFiles, findDaemonNode } from '../../../src/daemon-client/daemon-program.ts';
import { daemonEnvironment } from '../../../src/daemon-client/launch.ts';
import { locate } from '../../../src/link/locations.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-proxy-program-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (...path: string[]) => {
  mkdirSync(join(folder, ...path, '..'), { recursive: true });
  writeFileSync(join(folder, ...path), '');
  return join(folder, ...path);
};
const own = (version: string, isElectron = false) => ({ execPath: '/own/node', version, isElectron });

it('runs the daemon on the wrapper’s own node when that is new enough', async () => {
  expect(await findDaemonNode({ own: own('20.0.0'), env: {}, pidPath: '/none' })).toBe('/own/node');
});

it('prefers the node of the last daemon, then PATH, and asks each for its version', async () => {
  const [recorded, onPath] = [file('recorded', 'node'), file('new', 'node')];
  file('old', 'node');
  const pidPath = file('x.pid');
  const env = { PATH: [join(folder, 'old'), join(folder, 'none'), join(folder, 'new')].join(':') };
  const versions: Record<string, string> = {
    [recorded]: 'v22.1.0',
    [onPath]: 'v20.19.0',
    [join(folder, 'old', 'node')]: 'v18.1.0',
  };
  const askVersion = (path: string) => Promise.resolve(versions[path]);
  for (const old of [own('18.20.8'), own('22.0.0', true)]) {
    expect(await findDaemonNode({ own: old, env, pidPath, askVersion })).toBe(onPath);
  }
  const endpoint = { pid: 1, startTime: '1', socket: 's', nonce: 'n', execPath: recorded };
  writeFileSync(pidPath, JSON.stringify(endpoint));
  expect(await findDaemonNode({ own: own('18.20.8'), env, pidPath, askVersion })).toBe(recorded);
  await expect(findDaemonNode({ own: own('18.20.8'), env: {}, pidPath: '/none' })).rejects.toMatchObject({
    code: 'NODE_TOO_OLD',
    hint: 'Install Node 20 or newer and open a new session.',
  });
});

const installed = (version: string, protocol = 1) => {
  const path = file('app', version, 'dist', 'daemon.cjs');
  writeFileSync(join(folder, 'app', version, 'build.json'), JSON.stringify({ version, fingerprint: 'f', protocol }));
  return path;
};

it('starts the newest build of its protocol, else the one beside it, else any whole copy, else says what is missing', () => {
  const appDir = join(folder, 'app');
  const bundle = file('plugin', 'bin', 'run-mcp-proxy');
  const build = { version: '0.10.0', fingerprint: 'mine' };
  const find = () => findDaemonFiles(bundle, appDir, build);
  expect(find).toThrow(/program is gone/);
  const older = installed('0.9.0');
  expect(find()).toEqual([older]);
  const beside = file('plugin', 'dist', 'daemon.cjs');
  const same = installed('0.10.0');
  // Half a copy, a temporary folder, and a version that speaks another protocol.
  file('app', '0.12.0', 'dist', 'daemon.cjs');
  file('app', '9.9.9.123.tmp', 'dist', 'x');
  installed('2.0.0', 2);
  expect(find()).toEqual([beside, same, older]);
  const newer = installed('0.11.0');
  expect(find()).toEqual([newer, beside, same, older]);
});

it('gives the daemon an allow-listed environment with absolute paths', () => {
  const env = {
    PATH: '/bin',
    HOME: '/home/x',
    ANTHROPIC_API_KEY: 'k',
    CLAUDE_PROJECT_DIR: '/p',
    NODE_OPTIONS: '--inspect',
    GITHUB_TOKEN: 't',
    MCPPROXY_PORT: '0',
    MCPPROXY_CONFIG_PATH: '~/c.json',
  };
  expect(daemonEnvironment({ env, locations: locate(env) })).toEqual({
    PATH: '/bin',
    HOME: '/home/x',
    MCPPROXY_PORT: '0',
    MCPPROXY_CONFIG_PATH: '/home/x/c.json',
    AITKIT_ROOT: '/home/x/.aitkit',
    AITKIT_DAEMON: '1',
  });
});
