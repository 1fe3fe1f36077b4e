import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { get as httpGet } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AppError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { createOAuth, type OAuth, type OAuthServer } from '../../src/upstream/oauth.ts';
import { openHttp } from '../../src/upstream/transports/http.ts';
import { createHttpClient, type HttpClient } from '../../src/upstream/transports/http-client.ts';
import type { Transport } from '../../src/upstream/transports/transport.ts';
import { eventually } from '../support/eventually.ts';
import { type Fixture, runFixture } from '../support/run-fixture.ts';
import { TransportRecorder } from '../support/transport-recorder.ts';

const cleanups: (() => Promise<void> | void)[] = [];
let folder: string;
let shown: string[];
let client: HttpClient;

beforeEach(() => {
  const home = mkdtempSync(join(tmpdir(), 'aitkit-oauth-'));
  folder = join(home, 'oauth');
  shown = [];
  client = createHttpClient({ env: {} });
  cleanups.push(client.close, () => rmSync(home, { recursive: true, force: true }));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(env: Record<string, string> = {}): Promise<Fixture> {
  const fixture = await runFixture('http-echo.mjs', { HTTP_OAUTH: '1', ...env });
  cleanups.push(fixture.stop);
  return fixture;
}

function createOwner(now?: () => number): OAuth {
  const oauth = createOAuth({
    folder,
    client,
    log: silentLog,
    clientName: 'aitkit test',
    showLogin: (_server, url) => shown.push(url),
    ...(now ? { now } : {}),
  });
  cleanups.push(oauth.close);
  return oauth;
}

function connect(oauth: OAuth, fixture: Fixture, registration: Partial<OAuthServer> = {}) {
  const url = new URL(`${fixture.origin}/mcp`);
  const recorder = new TransportRecorder();
  const failures = new Map<string, AppError>();
  const transport: Transport = openHttp(
    { url, headers: {}, maxMessageBytes: 1024 * 1024 },
    { ...recorder.events, onRequestFailed: (id, error) => failures.set(id, error) },
    { client, credentials: oauth.credentialsFor({ name: 'remote', url, ...registration }) },
  );
  cleanups.push(() => transport.close('test is over'));
  /** The error code that initialize is answered with, or undefined if it works. */
  const attempt = async (id: number) => {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '0' } };
    await transport.send(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method: 'initialize', params })), String(id));
    return eventually(
      () =>
        failures.get(String(id)) ??
        (recorder.received.some(({ message }) => message['id'] === id) ? 'works' : undefined),
      { timeoutMs: 10_000, what: 'an answer to initialize' },
    );
  };
  return { transport, recorder, attempt };
}

/** What a browser does with the address: it follows the redirect to this machine. */
async function openInBrowser(address: string | undefined): Promise<string> {
  const get = (url: string) =>
    new Promise<{ location: string | undefined; text: string }>((resolve, reject) => {
      httpGet(url, { agent: false }, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve({ location: response.headers.location, text }));
      }).on('error', reject);
    });
  const { location } = await get(address ?? '');
  return (await get(location ?? '')).text;
}

async function control(fixture: Fixture, name: string): Promise<void> {
  const response = await client.request({ url: new URL(`/test/${name}`, fixture.origin), method: 'POST', headers: {} });
  response.body.resume();
}

async function logIn(oauth: OAuth, fixture: Fixture): Promise<void> {
  const { attempt } = connect(oauth, fixture);
  expect(await attempt(1)).toMatchObject({ code: 'SERVER_NEEDS_LOGIN' });
  expect(await openInBrowser(shown.at(-1))).toContain('You are logged in');
  await eventually(() => oauth.pending().length === 0, { timeoutMs: 5_000, what: 'the end of the login' });
}

test('asks for one login for all sessions, and then lets all of them in', async () => {
  const fixture = await serve();
  const oauth = createOwner();
  const sessions = Array.from({ length: 5 }, () => connect(oauth, fixture));
  const answers = await Promise.all(sessions.map(({ attempt }) => attempt(1)));
  expect(shown).toHaveLength(1);
  for (const answer of answers) {
    expect(answer).toMatchObject({ code: 'SERVER_NEEDS_LOGIN', hint: expect.stringContaining(shown[0] ?? '?') });
  }
  expect(oauth.pending()).toEqual([{ server: 'remote', url: shown[0] }]);
  expect(await openInBrowser(shown[0])).toContain('You are logged in');
  await eventually(() => oauth.pending().length === 0, { timeoutMs: 5_000, what: 'the end of the login' });
  for (const { attempt } of sessions) expect(await attempt(2)).toBe('works');
  expect(shown).toHaveLength(1);
});

test('keeps the login over a restart, readable for this user only', async () => {
  const fixture = await serve();
  await logIn(createOwner(), fixture);
  const [file] = readdirSync(folder);
  expect(statSync(join(folder, file ?? '')).mode & 0o777).toBe(0o600);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(await connect(createOwner(), fixture).attempt(2)).toBe('works');
  expect(shown).toHaveLength(1);
});

test('renews an expired token without a person, once for all calls that meet it', async () => {
  const fixture = await serve();
  const oauth = createOwner();
  await logIn(oauth, fixture);
  await control(fixture, 'expire');
  const sessions = Array.from({ length: 5 }, () => connect(oauth, fixture));
  expect(await Promise.all(sessions.map(({ attempt }) => attempt(2)))).toEqual(Array(5).fill('works'));
  expect(shown).toHaveLength(1);
});

test('renews a token before it ends', async () => {
  const fixture = await serve({ OAUTH_EXPIRES_IN: '3600' });
  let nowMs = 1_800_000_000_000;
  const oauth = createOwner(() => nowMs);
  await logIn(oauth, fixture);
  const credentials = oauth.credentialsFor({ name: 'remote', url: new URL(`${fixture.origin}/mcp`) });
  const first = await credentials.header();
  nowMs += 3_500_000;
  expect(await credentials.header()).toBe(first);
  nowMs += 90_000;
  expect(await credentials.header()).not.toBe(first);
});

test('asks again when the login was revoked', async () => {
  const fixture = await serve();
  const oauth = createOwner();
  await logIn(oauth, fixture);
  await control(fixture, 'revoke');
  expect(await connect(oauth, fixture).attempt(2)).toMatchObject({ code: 'SERVER_NEEDS_LOGIN' });
  expect(shown).toHaveLength(2);
});

test('takes no answer with another state', async () => {
  const fixture = await serve();
  const oauth = createOwner();
  await connect(oauth, fixture).attempt(1);
  const redirect = new URL(new URL(shown[0] ?? '').searchParams.get('redirect_uri') ?? '');
  redirect.search = '?code=stolen&state=guessed';
  const response = await client.request({ url: redirect, method: 'GET', headers: {} });
  expect(response.status).toBe(400);
  response.body.resume();
  expect(oauth.pending()).toHaveLength(1);
  expect(await openInBrowser(shown[0])).toContain('You are logged in');
});

test.each([
  'javascript:alert(1)',
  'file:///etc/passwd',
  'https://example.com/$(id)',
  'https://example.com/a b',
  'http://example.com/`id`',
])('shows nobody the address %s', async (OAUTH_AUTHORIZE) => {
  const fixture = await serve({ OAUTH_AUTHORIZE });
  const answer = await connect(createOwner(), fixture).attempt(1);
  expect(answer).toHaveProperty('code');
  expect(shown).toEqual([]);
});

test('says what to do with a server that takes tokens only', async () => {
  const fixture = await serve({ OAUTH_NO_REGISTER: '1' });
  expect(await connect(createOwner(), fixture).attempt(1)).toMatchObject({
    code: 'SERVER_NEEDS_LOGIN',
    hint: expect.stringContaining('Authorization'),
  });
  expect(shown).toEqual([]);
});

test('uses a registration made by hand, with its port and rights', async () => {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const address = probe.address();
  const callbackPort = typeof address === 'object' && address !== null ? address.port : 0;
  await new Promise((resolve) => probe.close(resolve));
  const fixture = await serve({
    OAUTH_NO_REGISTER: '1',
    OAUTH_CLIENT: `my-client http://127.0.0.1:${callbackPort}/callback`,
  });
  const oauth = createOwner();
  const session = connect(oauth, fixture, { clientId: 'my-client', callbackPort, scopes: ['read', 'write'] });
  await session.attempt(1);
  expect(new URL(shown[0] ?? '').searchParams.get('scope')).toBe('read write');
  expect(await openInBrowser(shown[0])).toContain('You are logged in');
  await eventually(() => oauth.pending().length === 0, { timeoutMs: 5_000, what: 'the end of the login' });
  expect(await session.attempt(2)).toBe('works');
});

test('counts a broken file as not logged in', async () => {
  const fixture = await serve();
  await logIn(createOwner(), fixture);
  const [file] = readdirSync(folder);
  const path = join(folder, file ?? '');
  expect(readFileSync(path, 'utf8')).toContain('access-');
  writeFileSync(path, '{"tokens":{"access_token":"a\\r\\nX-Evil: 1","token_type":"Bearer"}');
  expect(await connect(createOwner(), fixture).attempt(2)).toMatchObject({ code: 'SERVER_NEEDS_LOGIN' });
});
