// The recipe of docs/http.md: the real client without the plugin, on the daemon by HTTP, with the token in a variable.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';
import { clientVersions } from '../support/claude/client-binary.ts';
import { runClient } from '../support/claude/run-client.ts';
import { endWorld, makeWorld, type World } from '../support/claude/world.ts';
import { fixture, type HttpDaemon, startHttpDaemon } from '../support/http-daemon.ts';

describe.each(clientVersions)('Claude Code %s over HTTP', (version) => {
  let world: World;
  let daemon: HttpDaemon;
  beforeAll(async () => {
    world = await makeWorld(version, ['alpha']);
    const servers = { echo: { command: process.execPath, args: [fixture('echo.mjs')], sharing: 'shared' } };
    daemon = await startHttpDaemon({ servers });
  });
  afterAll(async () => {
    await daemon?.stop();
    if (world) await endWorld(world);
  });

  it('calls a shared server', async () => {
    const page = readFileSync(join(root, 'docs/http.md'), 'utf8');
    const config = /^```json\n(.*?)^```/ms.exec(page)?.[1] ?? '';
    expect(config).toContain('127.0.0.1:12476');
    const file = join(world.home, 'shared.json');
    writeFileSync(file, config.replace('12476', String(daemon.port)));
    const tool = 'mcp__shared__echo__echo';
    const prompt = world.api.script('alpha', [{ calls: [{ tool, input: { text: 'by HTTP' } }] }, { text: 'done' }]);
    const { code, stderr } = await runClient(
      world,
      ['-p', prompt, '--mcp-config', file, '--allowedTools', 'mcp__shared'],
      { cwd: world.project('alpha'), env: { MCP_PROXY_TOKEN: daemon.token, MCP_CONNECTION_NONBLOCKING: '0' } },
    );
    expect(code, stderr).toBe(0);
    expect(JSON.stringify(world.api.results('alpha'))).toContain('by HTTP');
  });
});
