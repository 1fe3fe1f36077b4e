// What one server writes costs the others nothing: texts on which careless patterns take minutes, and one of which never end.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { errorOf, type McpClient, resultOf, textOf } from '../support/mcp-client.ts';

/** Ends a hang: the call itself takes milliseconds on a machine that is free. */
const deadlineMs = 60_000;

let rig: DaemonRig;
beforeEach(() => {
  rig = new DaemonRig();
});
afterEach(() => rig.dispose());

async function sessions(env: Record<string, string> = {}): Promise<{ session: McpClient; witness: McpClient }> {
  rig.writeConfig({ good: fixture('echo.mjs'), nasty: fixture('nasty.mjs', env) });
  const [session, witness] = [await rig.open(), await rig.open()];
  expect(textOf(await witness.call('good__echo', { text: 'before' }))).toBe('before');
  return { session, witness };
}

async function isServed(witness: McpClient): Promise<void> {
  expect(textOf(await witness.call('good__echo', { text: 'meanwhile' }, deadlineMs))).toBe('meanwhile');
}

it.each([
  ['spaces', ' ', 65_000],
  ['spaces behind names', `token${' '.repeat(1_000)}`, 65],
  ['beginnings of web tokens', 'eyJ', 21_000],
  ['beginnings of web tokens with signs between', 'eyJ-', 16_000],
  ['beginnings of addresses', '://a:', 13_000],
  ['tabs', '\t', 65_000],
])('serves others while a server writes lines of %s', async (_, piece, times) => {
  const { session, witness } = await sessions();
  const written = () => readFileSync(join(rig.locations.serverLogsDir, 'nasty.log'), 'utf8').split('z\n').length - 1;
  for (let i = 1; i <= 3; i += 1) {
    const muttered = session.call('nasty__mutter', { piece, times }, deadlineMs);
    await isServed(witness);
    expect(textOf(await muttered)).toBe('muttered');
    await isServed(witness);
    await eventually(() => written() >= i, { timeoutMs: deadlineMs, what: `line ${i} to be in the log` });
  }
});

it.each([
  ['open texts', '{"a":"\\"'],
  ['members', '{"method":"",'],
])('serves others while a server writes %s as messages', async (_, piece) => {
  const { session, witness } = await sessions();
  const said = session.call('nasty__garbage', { piece, times: 50_000 }, deadlineMs);
  await isServed(witness);
  expect(textOf(await said)).toBe('said');
});

it.each([
  ['its result', false],
  ['its message', true],
])('serves others while a server answers with a hundred thousand members in %s', async (_, outside) => {
  const { session, witness } = await sessions();
  const counted = session.call('nasty__members', { count: 100_000, outside }, deadlineMs);
  await isServed(witness);
  expect(textOf(await counted)).toBe('counted');
  expect(Object.keys(resultOf(await counted)).length).toBe(outside ? 1 : 100_001);
});

it.each([
  ['with stars', '{+a}{+a}{+a}{+a}{+a}{+a}{+a}{+a}{+a}{+a}{+a}{+a}!', 'a'.repeat(3_000)],
  ['with letters between', `${'{+a}a'.repeat(25)}!`, 'a'.repeat(3_000)],
  ['that simple expressions end', `${'{a}a'.repeat(25)}/{b}!`, 'a'.repeat(3_000)],
])('looks up a URI among templates %s without trying everything twice', async (_, template, uri) => {
  const { session, witness } = await sessions({ NASTY_TEMPLATE: template });
  expect(textOf(await session.call('nasty__members', { count: 1 }))).toBe('counted');
  const other = session.request('resources/read', { uri }, deadlineMs);
  await isServed(witness);
  // Of two servers with resources nobody can say whose it is.
  expect(errorOf(await other).message).toContain('not found');
  const own = session.request('resources/read', { uri: `${uri}a/a!` }, deadlineMs);
  await isServed(witness);
  expect(resultOf(await own)).toEqual({ contents: [{ uri: `${uri}a/a!`, text: 'read' }] });
});
