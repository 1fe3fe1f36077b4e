// A name that a session was shown goes on meaning the same, whatever comes to stand under it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { invoke, search } from '../support/gateway-calls.ts';
import { resultOf, textOf } from '../support/mcp-client.ts';

const changed = 'notifications/tools/list_changed';
let rig: DaemonRig;
afterEach(() => rig.dispose());

/** A server that lists what `list` wrote last, and answers a call with the name it was called by and its own. */
function server(name: string, tools: readonly string[], more: Record<string, unknown> = {}): Record<string, unknown> {
  const folder = join(rig.root, `lists-${name}`);
  mkdirSync(folder, { recursive: true });
  const list = tools.map((tool) => ({ name: tool, inputSchema: { type: 'object' } }));
  writeFileSync(join(folder, 'tools.json'), JSON.stringify(list));
  return { ...fixture('listing.mjs', { LISTS_DIR: folder, STRUCTURED: JSON.stringify({ by: name }) }), ...more };
}

const runBy = (answer: Parameters<typeof resultOf>[0]): unknown => resultOf(answer)['structuredContent'];

async function toSecond(sees: () => Promise<boolean>): Promise<void> {
  rig.writeConfig({ second: server('second', ['run'], { as: 'db' }) });
  await eventually(sees, { what: 'the new config' });
}

it('runs nothing of a server that took the place of another, until the session has listed again', async () => {
  rig = new DaemonRig();
  rig.writeConfig({ first: server('first', ['run'], { as: 'db' }) });
  const client = await rig.open();
  expect(await client.toolNames()).toEqual(['db__run']);
  expect(runBy(await client.call('db__run'))).toEqual({ by: 'first' });
  const other = await rig.open();
  await toSecond(async () => {
    await other.toolNames();
    const { structuredContent } = resultOf(await other.call('db__run'));
    return JSON.stringify(structuredContent) === '{"by":"second"}';
  });
  const refused = await client.call('db__run');
  expect(resultOf(refused)['isError']).toBe(true);
  expect(textOf(refused)).toContain('another thing');
  // The list reads the same; it is told nevertheless.
  await client.notification(changed);
  expect(await client.toolNames()).toEqual(['db__run']);
  expect(runBy(await client.call('db__run'))).toEqual({ by: 'second' });
});

it('invokes nothing of it by an id that was found before', async () => {
  rig = new DaemonRig();
  rig.writeConfig({ first: server('first', ['run'], { as: 'db' }) });
  const client = await rig.open({ args: ['--mode', 'gateway'] });
  await client.toolNames();
  await eventually(async () => (await search(client, 'run')).length === 1, { what: 'the tool to be found' });
  expect(runBy(await invoke(client, 'db__run'))).toEqual({ by: 'first' });
  const other = await rig.open();
  await toSecond(async () => {
    await other.toolNames();
    return JSON.stringify(runBy(await other.call('db__run'))) === '{"by":"second"}';
  });
  const refused = await invoke(client, 'db__run');
  expect(resultOf(refused)['isError']).toBe(true);
  expect((await search(client, 'run')).map(({ id }) => id)).toEqual(['db__run']);
  expect(runBy(await invoke(client, 'db__run'))).toEqual({ by: 'second' });
});

it('keeps its names over a daemon that is killed, and over tools that come before it', async () => {
  rig = new DaemonRig();
  rig.writeConfig({ db: server('db', ['查询']) });
  const client = await rig.open();
  const [name = ''] = await client.toolNames();
  expect(JSON.parse(textOf(await client.call(name)))).toMatchObject({ name: '查询' });
  server('db', ['删除', '查询', '__', 'db____']);
  for (const pid of rig.daemons()) process.kill(pid, 'SIGKILL');
  await eventually(async () => resultOf(await client.call(name))['isError'] !== true, { what: 'the next daemon' });
  expect(JSON.parse(textOf(await client.call(name)))).toMatchObject({ name: '查询' });
});
