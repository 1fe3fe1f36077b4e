// On a Node that is too old for the daemon, what starts in every session still speaks and says what to do.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';
import { fetchNode } from '../support/fetched-package.ts';
import { buildFakePlugin, Rig } from '../support/wrapper-rig.ts';

let node18: string;
let plugin: string;
beforeAll(async () => {
  node18 = await fetchNode('18.20.8');
  plugin = await buildFakePlugin();
});
afterAll(() => rmSync(plugin, { recursive: true, force: true }));

it('starts the daemon on a newer node of PATH', async () => {
  const rig = new Rig(plugin);
  try {
    const wrapper = rig.start({ node: node18, env: { PATH: dirname(process.execPath) } });
    await wrapper.initialize();
    wrapper.call(1, 'echo');
    expect(await wrapper.answer(1)).toHaveProperty('result');
  } finally {
    await rig.dispose();
  }
});

it('lives on without one, answers the handshake and says what to install', async () => {
  const rig = new Rig(plugin);
  try {
    const wrapper = rig.start({ node: node18, env: { PATH: '/nowhere' } });
    expect(await wrapper.initialize()).toMatchObject({ result: { serverInfo: { name: 'mcp-proxy' } } });
    wrapper.request(1, 'tools/list');
    expect(await wrapper.answer(1)).toMatchObject({ result: { tools: [] } });
    wrapper.call(2, 'echo');
    expect(await wrapper.answer(2)).toMatchObject({
      error: {
        message: expect.stringMatching(/Node 18.* is too old.*Install Node 20 or newer/),
        data: { code: 'NODE_TOO_OLD' },
      },
    });
    expect(wrapper.child.exitCode).toBeNull();
  } finally {
    await rig.dispose();
  }
});

it('the shipped hook and the command do not fail to parse: the one exits 0, the other names the version', async () => {
  const home = mkdtempSync(join(tmpdir(), 'mcp-proxy-node18-'));
  const run = async (...args: string[]) => {
    const child = promisify(execFile)(node18, args, { cwd: root, env: { HOME: home, PATH: '/nowhere' } });
    child.child.stdin?.end('{}');
    try {
      return { code: 0, ...(await child) };
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return { code: Object(error).code, stdout: Object(error).stdout, stderr: Object(error).stderr };
    }
  };
  try {
    expect(await run('dist/hook.cjs')).toMatchObject({ code: 0 });
    const command = await run('bin/mcp-proxy', 'status');
    expect(command.code).not.toBe(0);
    expect(`${command.stdout}${command.stderr}`).toMatch(/Node.js 20 or newer; this is v18/);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
