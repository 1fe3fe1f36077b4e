import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { get as httpGet } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AppError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import type { OAuthServer } from '../../src/upstream/login/login-store.ts';
import { createOAuth, type OAuth } from '../../src/upstream/login/logins.ts';
import { openHttp } from '../../src/upstream/transports/http/http.ts';
import { createHttpClient, type HttpClient } from '../../src/upstream/transports/http/http-client.ts';
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
      { what: 'an answer to initialize' },
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

type Seen = { registrations: Record<string, unknown>[]; logins: string[]; tokens: Record<string, string>[] };
async function seen({ origin }: Fixture): Promise<Seen> {
  const response = await client.request({ url: new URL('/test/oauth', origin), method: 'GET', headers: {} });
  let text = '';
  for await (const chunk of response.body) text += chunk;
  return JSON.parse(text);
}

async function control(fixture: Fixture, name: string): Promise<void> {
  const response = await client.request({ url: new URL(`/test/${name}`, fixture.origin), method: 'POST', headers: {} });
  response.discard();
}

async function logIn(oauth: OAuth, fixture: Fixture): Promise<void> {
  const { attempt } = connect(oauth, fixture);
  expect(await attempt(1)).toMatchObject({ code: 'SERVER_NEEDS_LOGIN' });
  expect(await openInBrowser(shown.at(-1))).toContain('You are logged in');
  await eventually(() => oauth.pending().length === 0, { what: 'the end of the login' });
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
  await eventually(() => oauth.pending().length === 0, { what: 'the end of the login' });
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
  response.discard();
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
  await eventually(() => oauth.pending().length === 0, { what: 'the end of the login' });
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

test('registers as a program on a machine of its own', async () => {
  const fixture = await serve();
  await logIn(createOwner(), fixture);
  const [registration] = (await seen(fixture)).registrations;
  expect(registration).toMatchObject({
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
  });
});

test.each([
  ['says to be another login server', { OAUTH_ISS: 'https://other.example' }],
  ['says who it is in another spelling', { OAUTH_ISS: 'own/', OAUTH_PROMISES_ISS: '1' }],
  ['does not say which login server it is from, as was promised', { OAUTH_PROMISES_ISS: '1' }],
])('takes no answer that %s', async (_what, env) => {
  const fixture = await serve(env);
  const oauth = createOwner();
  expect(await connect(oauth, fixture).attempt(1)).toMatchObject({ code: 'SERVER_NEEDS_LOGIN' });
  expect(await openInBrowser(shown[0])).toContain('was not taken');
  await eventually(() => oauth.pending().length === 0, { what: 'the end of the login' });
  expect((await seen(fixture)).tokens).toEqual([]);
});

test('takes an answer that says rightly whose it is', async () => {
  const fixture = await serve({ OAUTH_ISS: 'own', OAUTH_PROMISES_ISS: '1' });
  const oauth = createOwner();
  await logIn(oauth, fixture);
  expect(await connect(oauth, fixture).attempt(2)).toBe('works');
});

test('uses no description that is of another login server than the one that was named', async () => {
  const fixture = await serve({ OAUTH_ISSUER: 'https://other.example' });
  expect(await connect(createOwner(), fixture).attempt(1)).toMatchObject({
    code: 'SERVER_FAILED',
    message: expect.stringContaining('https://other.example'),
  });
  expect(shown).toEqual([]);
  expect((await seen(fixture)).registrations).toEqual([]);
});

test('finds the login server where the entry says that it is described', async () => {
  const fixture = await serve({ OAUTH_METADATA_PATH: '/about/login', OAUTH_ISSUER: 'https://other.example' });
  const oauth = createOwner();
  const authServerMetadataUrl = `${fixture.origin}/about/login`;
  const session = connect(oauth, fixture, { authServerMetadataUrl });
  expect(await session.attempt(1)).toMatchObject({ code: 'SERVER_NEEDS_LOGIN' });
  expect(await openInBrowser(shown[0])).toContain('You are logged in');
  await eventually(() => oauth.pending().length === 0, { what: 'the end of the login' });
  expect(await session.attempt(2)).toBe('works');
});

test('says what is wrong with the address of a description', async () => {
  const fixture = await serve();
  const session = connect(createOwner(), fixture, { authServerMetadataUrl: `${fixture.origin}/page-that-is-none` });
  expect(await session.attempt(1)).toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('authServerMetadataUrl'),
  });
});

test('asks for more rights when a server wants them, and keeps those it has', async () => {
  const fixture = await serve({ OAUTH_NEEDS: 'write' });
  const oauth = createOwner();
  const session = connect(oauth, fixture, { scopes: undefined });
  expect(await session.attempt(1)).toMatchObject({ code: 'SERVER_NEEDS_LOGIN' });
  await openInBrowser(shown[0]);
  await eventually(() => oauth.pending().length === 0, { what: 'the end of the login' });
  expect(await session.attempt(2)).toMatchObject({ code: 'SERVER_NEEDS_LOGIN' });
  expect(await openInBrowser(shown[1])).toContain('You are logged in');
  await eventually(() => oauth.pending().length === 0, { what: 'the end of the login' });
  expect(await session.attempt(3)).toBe('works');
  expect((await seen(fixture)).logins).toEqual(['', 'write']);
});

test('does not ask a person again for rights that a login did not bring', async () => {
  const fixture = await serve({ OAUTH_NEEDS: 'admin', OAUTH_GIVES: 'read' });
  let nowMs = 1_800_000_000_000;
  const oauth = createOwner(() => nowMs);
  const session = connect(oauth, fixture);
  for (const id of [1, 2]) {
    expect(await session.attempt(id)).toMatchObject({ code: 'SERVER_NEEDS_LOGIN' });
    await openInBrowser(shown[id - 1]);
    await eventually(() => oauth.pending().length === 0, { what: 'the end of the login' });
  }
  const refused = { code: 'SERVER_NEEDS_LOGIN', message: expect.stringContaining('(admin)') };
  expect(await session.attempt(3)).toMatchObject(refused);
  expect(await session.attempt(4)).toMatchObject(refused);
  expect(shown).toHaveLength(2);
  nowMs += 6 * 60_000;
  expect(await session.attempt(5)).toMatchObject({ code: 'SERVER_NEEDS_LOGIN' });
  expect(shown).toHaveLength(3);
});

test('shows the secret of a registration made by hand, the one that the entry has now', async () => {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const address = probe.address();
  const callbackPort = typeof address === 'object' && address !== null ? address.port : 0;
  await new Promise((resolve) => probe.close(resolve));
  const OAUTH_CLIENT = `my-client http://127.0.0.1:${callbackPort}/callback`;
  const fixture = await serve({ OAUTH_CLIENT, OAUTH_SECRET: 'new secret' });
  const oauth = createOwner();
  connect(oauth, fixture, { clientId: 'my-client', clientSecret: 'old', callbackPort });
  const session = connect(oauth, fixture, { clientId: 'my-client', clientSecret: 'new secret', callbackPort });
  await session.attempt(1);
  expect(await openInBrowser(shown[0])).toContain('You are logged in');
  await eventually(() => oauth.pending().length === 0, { what: 'the end of the login' });
  expect(await session.attempt(2)).toBe('works');
  expect((await seen(fixture)).tokens[0]?.['secret']).toBe('new secret');
});
