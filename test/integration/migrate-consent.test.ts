// What a repository brings, from its approval to a change of it, with real servers and sessions: nothing new ever runs
// before the person approved exactly that.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { textOf } from '../support/mcp-client.ts';

let rig: DaemonRig;
let project: string;
beforeEach(() => {
  rig = new DaemonRig();
  project = rig.project('project');
  mkdirSync(join(rig.home, '.claude'));
  writeFileSync(join(rig.home, '.claude', 'settings.json'), '{"enabledPlugins":{"mcp-proxy@aitkit":true}}');
  rig.writeConfig({});
});
afterEach(() => rig.dispose());

/** An echo server that is told its version and leaves a file when it starts. */
function declare(version: string): string {
  const marker = join(rig.home, `started-${version}`);
  const { command, args, env } = fixture('echo.mjs', { TRACE_FILE: marker });
  writeFileSync(
    join(project, '.mcp.json'),
    JSON.stringify({
      mcpServers: { tickets: { command, args: [...(Array.isArray(args) ? args : []), version], env } },
    }),
  );
  return marker;
}

const cli = async (...words: string[]) => {
  const { code, stdout, stderr } = await rig.cli(words);
  expect(code, stdout + stderr).toBe(0);
  return stdout;
};

/** What a session of the project reaches under that name. */
async function runs(): Promise<string> {
  const session = await rig.open({ project });
  const text = textOf(await session.call('tickets__argv', {}));
  await session.close();
  return text;
}

const findings = () => {
  const path = rig.locations.findingsPath;
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};

test('a definition runs after its approval, and a change of it only after another', async () => {
  const first = declare('one');
  await cli('migrate', 'apply', '--yes');
  expect(existsSync(first)).toBe(false);
  const approval = /--accept (tickets@\w+)/.exec(await cli('migrate', 'plan'))?.[1] ?? '';
  await cli('migrate', 'apply', '--yes', '--accept', approval);
  expect(await runs()).toBe('["one"]');

  const second = declare('two');
  expect(await runs()).toBe('["one"]');
  const open = await rig.open({ project });
  await eventually(() => findings().includes('changed its server tickets since you approved it'), {
    what: 'the person to be told at the next start of a session',
  });
  await open.close();
  // It is silenced here, so no session starts a copy of its own.
  expect(findings()).not.toContain('starts a second copy');
  // The approval was for the content of then.
  expect(await rig.cli(['migrate', 'apply', '--yes', '--accept', approval])).toMatchObject({ code: 2 });
  expect(existsSync(second)).toBe(false);
  expect(await runs()).toBe('["one"]');

  const shown = await cli('accept');
  expect(shown).toMatch(/tickets", changed/);
  expect(shown).toMatch(/-\s+"one"[\s\S]*\+\s+"two"/);
  expect(existsSync(second)).toBe(false);
  const hash = /hash (\w{16})/.exec(shown)?.[1] ?? '';
  await cli('accept', 'tickets', '--hash', hash);
  await eventually(async () => (await runs()) === '["two"]', { what: 'the accepted definition to run' });
  await cli('migrate', 'undo');
  await cli('migrate', 'undo');
  expect(existsSync(join(project, '.claude'))).toBe(false);
});
