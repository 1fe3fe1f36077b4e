// Calls that run while their server is taken out of the config, switched off or edited.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { type McpClient, textOf } from '../support/mcp-client.ts';

let rig: DaemonRig;
let session: McpClient;
beforeEach(async () => {
  rig = new DaemonRig();
  rig.writeConfig({ keep: fixture('echo.mjs'), out: fixture('echo.mjs') });
  session = await rig.open();
  await session.toolNames();
  await session.call('out__echo', { text: 'it runs' });
});
afterEach(() => rig.dispose());

/** The file for which the long call waits. */
const release = () => join(rig.home, 'release');
const finish = () => writeFileSync(release(), '');
const copies = async (name: string) => (await rig.status()).servers.find((one) => one.name === name)?.instances ?? [];
const pids = async (name: string) => (await copies(name)).map(({ pid }) => pid);

/** The long call has reached the server. */
async function beginLong(): Promise<{ answer: Promise<Record<string, unknown>>; pid: number | undefined }> {
  const answer = session.call('out__slow', { text: 'after all', until: release() });
  await eventually(async () => (await copies('out'))[0]?.inFlight === 1, { what: 'the call' });
  return { answer, pid: (await copies('out'))[0]?.pid };
}

const ended = (pid: number | undefined) =>
  eventually(() => rig.servers().every((one) => one.pid !== pid), { what: 'the copy to end' });

it.each(['disable', 'remove'])('finish after %s, while a new call is refused at once', async (verb) => {
  const { answer, pid } = await beginLong();
  expect(await rig.cli([verb, 'out'])).toMatchObject({ code: 0 });
  expect(await session.call('out__echo', { text: 'x' })).toHaveProperty('error');
  expect(rig.servers().map((one) => one.pid)).toContain(pid);
  finish();
  expect(textOf(await answer)).toBe('after all');
  await ended(pid);
});

it('finish on the old copy after an edit, while a new call gets the new one', async () => {
  const { answer, pid } = await beginLong();
  rig.writeConfig({ keep: fixture('echo.mjs'), out: fixture('echo.mjs', { ECHO_EXTRA_TOOLS: '1' }) });
  expect(textOf(await session.call('out__echo', { text: 'new' }))).toBe('new');
  expect(await pids('out')).not.toContain(pid);
  finish();
  expect(textOf(await answer)).toBe('after all');
  await ended(pid);
});

it('are waited for by a daemon that is told to end, and no copy of before outlives it', async () => {
  const { answer, pid } = await beginLong();
  expect(await rig.cli(['disable', 'out'])).toMatchObject({ code: 0 });
  const stopped = rig.cli(['stop']);
  await eventually(() => rig.log().some(({ event }) => event === 'daemon.stopping'), { what: 'the daemon to end' });
  finish();
  expect(await stopped).toMatchObject({ code: 0 });
  expect(textOf(await answer)).toBe('after all');
  await ended(pid);
});
