// A remote server that nobody has seen yet is asked the newer way first, an older one is asked its way then, and what it
// speaks is remembered.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DaemonRig } from '../support/daemon-rig.ts';
import { textOf } from '../support/mcp-client.ts';
import { type Fixture, runFixture } from '../support/run-fixture.ts';

let rig: DaemonRig;
let server: Fixture | undefined;
beforeEach(() => {
  rig = new DaemonRig();
});
afterEach(async () => {
  await rig.dispose();
  await server?.stop();
});

type Seen = { method: string; headers: Record<string, string> };
async function posts(origin: string): Promise<(string | undefined)[]> {
  const all: Seen[] = JSON.parse(await (await fetch(`${origin}/test/requests`)).text());
  return all.filter(({ method }) => method === 'POST').map(({ headers }) => headers['mcp-method']);
}

/** A daemon's whole life with one call. */
async function live(): Promise<string> {
  const client = await rig.open();
  const answer = await client.call('remote__echo', { text: 'hello' });
  await client.close();
  await rig.nothingLeft();
  return textOf(answer);
}

it.each([
  ['with 400', {}],
  ['with 500 and a page', { HTTP_UNKNOWN: '500' }],
  ['with 200 and a page', { HTTP_UNKNOWN: '200' }],
])('an older server that refuses the newer question %s is asked its way, and that way first later', async (_how, env) => {
  server = await runFixture('http-echo.mjs', env);
  rig.writeConfig({ remote: { type: 'http', url: `${server.origin}/mcp` } });
  expect(await live()).toBe('hello');
  const first = await posts(server.origin);
  expect(first[0]).toBe('server/discover');
  expect(first.slice(1).every((method) => method === undefined)).toBe(true);
  expect(await live()).toBe('hello');
  const later = (await posts(server.origin)).slice(first.length);
  expect(later.length).toBeGreaterThan(0);
  expect(later.every((method) => method === undefined)).toBe(true);
});
