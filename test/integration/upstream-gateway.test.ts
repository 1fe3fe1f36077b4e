// Gateways let some methods through and answer others in ways of their own; networks do too. Whatever the newer question
// meets, a server whose `initialize` goes through works.
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaemonRig } from '../support/daemon-rig.ts';
import { type Gateway, type Passing, type Rules, runGateway } from '../support/gateway.ts';
import { textOf } from '../support/mcp-client.ts';
import { type Fixture, runFixture } from '../support/run-fixture.ts';

let rig: DaemonRig;
const cleanups: (() => Promise<void>)[] = [];
beforeEach(() => {
  rig = new DaemonRig();
});
afterEach(async () => {
  await rig.dispose();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(program: string, env: Record<string, string> = {}): Promise<Fixture> {
  const fixture = await runFixture(program, env);
  cleanups.push(fixture.stop);
  return fixture;
}

async function behind(program: string, rules: Rules, env: Record<string, string> = {}): Promise<Gateway> {
  return before(await serve(program, env), rules);
}

async function before({ origin }: Fixture, rules: Rules): Promise<Gateway> {
  const gateway = await runGateway(origin, rules);
  cleanups.push(gateway.stop);
  return gateway;
}

/** A daemon's whole life with one call. */
async function live(): Promise<string> {
  const client = await rig.open();
  const answer = await client.call('remote__echo', { text: 'hello' });
  await client.close();
  await rig.nothingLeft();
  return textOf(answer);
}

type Refuse = (response: ServerResponse, passing: Passing) => void;
const page = (status: number, headers: Record<string, string> = {}): Refuse => {
  return (response) => response.writeHead(status, { 'content-type': 'text/html', ...headers }).end('<h1>No</h1>');
};
const json = (status: number, body: (passing: Passing) => unknown): Refuse => {
  return (response, passing) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body(passing)));
  };
};
const challenge = { 'www-authenticate': 'Bearer resource_metadata="http://127.0.0.1:1/none", error="invalid_token"' };
const rpcError = { code: -32000, message: 'Method is not allowed' };

const refusals: [string, Refuse][] = [
  ...[400, 401, 403, 404, 405, 406, 415, 429, 500, 502, 503, 504].map((status): [string, Refuse] => [
    `HTTP ${status}`,
    page(status),
  ]),
  ['401 and a challenge', page(401, challenge)],
  ['403 for want of rights', page(403, { 'www-authenticate': 'Bearer error="insufficient_scope", scope="all"' })],
  ['401 as a message', json(401, ({ id }) => ({ jsonrpc: '2.0', id, error: rpcError }))],
  ['403 as a message of nobody', json(403, () => ({ jsonrpc: '2.0', id: null, error: rpcError }))],
  ['503 as a message', json(503, ({ id }) => ({ jsonrpc: '2.0', id, error: rpcError }))],
  ['a page with 200', page(200)],
  ['nothing with 200', (response) => response.writeHead(200).end()],
  ['nothing with 202', (response) => response.writeHead(202).end()],
  ['an empty event stream', (response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end()],
  ['JSON that is no message', json(200, () => ({ error: 'forbidden' }))],
  ['a message of nobody', json(200, () => ({ jsonrpc: '2.0', id: null, error: rpcError }))],
  ['an answer to something else', json(200, () => ({ jsonrpc: '2.0', id: 4711, result: {} }))],
  ['an answer of another kind', json(200, ({ id }) => ({ jsonrpc: '2.0', id, result: { tools: [] } }))],
  ['an empty list', json(200, () => [])],
  ['a session of its own', page(401, { 'mcp-session-id': 'of-nobody' })],
  ['a redirect to a login page', page(302, { location: '/login' })],
  ['a redirect to somewhere else', page(307, { location: 'http://localhost:9/mcp' })],
  ['a connection that ends', (response) => void response.socket?.destroy()],
  [
    'a connection that ends in the middle',
    (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' });
      response.write('{"jsonrpc":', () => response.destroy());
    },
  ],
];

describe.each([
  ['the official SDK', 'sdk-http.mjs', {}],
  ['the official SDK without streams', 'sdk-http.mjs', { HTTP_REPLY: 'json' }],
])('a server of %s behind a gateway', (_which, program, env) => {
  // One daemon for all of them: what stands in a server's way is nobody else's.
  it('works whatever the gateway makes of a method that it does not let through', async () => {
    const allowed = new Set(['initialize', 'notifications/initialized', 'tools/list', 'tools/call', 'ping']);
    const server = await serve(program, env);
    const gateways = await Promise.all(
      refusals.map(([, refuse]) =>
        before(server, {
          answer: (passing, response) => {
            if (passing.method !== 'POST' || (passing.rpc !== undefined && allowed.has(passing.rpc))) return false;
            refuse(response, passing);
            return true;
          },
        }),
      ),
    );
    const servers = gateways.map(({ origin }, i) => [`s${i}`, { type: 'http', url: `${origin}/mcp` }]);
    rig.writeConfig(Object.fromEntries(servers));
    const client = await rig.open();
    const answers = await Promise.all(
      refusals.map(async ([what], i) => [what, textOf(await client.call(`s${i}__echo`, { text: `hello ${i}` }))]),
    );
    expect(answers).toEqual(refusals.map(([what], i) => [what, `hello ${i}`]));
    for (const { passed } of gateways) {
      const posts = passed.filter(({ method }) => method === 'POST').map(({ rpc }) => rpc);
      expect(posts.slice(0, 3)).toEqual(['server/discover', 'initialize', 'notifications/initialized']);
      expect(passed.find(({ rpc }) => rpc === 'initialize')?.headers['mcp-session-id']).toBeUndefined();
    }
    expect((await rig.cli(['status'])).stdout).not.toContain('login');
    await client.close();
  });
});

/** What was asked in the later of two lives, in order. */
async function lastPosts(gateway: Gateway, between: () => void): Promise<(string | undefined)[]> {
  expect(await live()).toBe('hello');
  const soFar = gateway.passed.length;
  between();
  expect(await live()).toBe('hello');
  return gateway.passed.slice(soFar).flatMap(({ method, rpc }) => (method === 'POST' ? [rpc] : []));
}

it.each([
  ['a refusal stays', page(403), 'initialize'],
  ['a gateway that was away comes back', page(503), 'server/discover'],
  ['a broken connection is an accident', refusals.at(-2)?.[1] ?? page(500), 'server/discover'],
])('what the newer question met is remembered as what it was: %s', async (_what, refuse, asked) => {
  let isInTheWay = true;
  const gateway = await behind('http-echo.mjs', {
    answer: (passing, response) => {
      if (!isInTheWay || passing.rpc !== 'server/discover') return false;
      refuse(response, passing);
      return true;
    },
  });
  rig.writeConfig({ remote: { type: 'http', url: `${gateway.origin}/mcp` } });
  const posts = await lastPosts(gateway, () => {
    isInTheWay = false;
  });
  expect(posts[0]).toBe(asked);
});

it('a question that nobody answers leaves most of the start to the other', async () => {
  const gateway = await behind('http-echo.mjs', { answer: ({ rpc }) => rpc === 'server/discover' });
  rig.writeConfig({ remote: { type: 'http', url: `${gateway.origin}/mcp`, startTimeoutMs: 4_000 } });
  expect(await live()).toBe('hello');
});

describe('a token of the entry', () => {
  const entry = (gateway: Gateway, headers: Record<string, string>) =>
    rig.writeConfig({ remote: { type: 'http', url: `${gateway.origin}/mcp`, headers } });
  const failure = async (): Promise<string> => {
    const text = await live();
    expect(text).not.toMatch(/\badd\b/i);
    return text;
  };

  it('works where it works directly, whatever else is refused', async () => {
    const gateway = await behind('http-echo.mjs', {
      answer: ({ headers, rpc }, response) => {
        if (headers.authorization === 'Bearer good' && rpc !== 'server/discover') return false;
        page(401, challenge)(response, { method: '', path: '', headers, rpc, id: 0 });
        return true;
      },
    });
    entry(gateway, { Authorization: 'Bearer good' });
    expect(await live()).toBe('hello');
  });

  it.each([
    ['Authorization', page(401)],
    ['Authorization', json(401, ({ id }) => ({ jsonrpc: '2.0', id, error: { code: -1, message: 'No' } }))],
    ['X-API-Key', page(401)],
    ['X-Tenant', page(401)],
  ])('that is refused is named, and nothing is to be added (%s)', async (name, refuse) => {
    const gateway = await behind('http-echo.mjs', {
      answer: (passing, response) => {
        refuse(response, passing);
        return true;
      },
    });
    entry(gateway, { [name]: 'secret-of-the-entry' });
    const text = await failure();
    expect(text).toContain(`refused the header ${name} of its entry`);
    expect(text).not.toContain('secret-of-the-entry');
    const asked = gateway.passed.filter(({ rpc }) => rpc !== undefined).map(({ rpc }) => rpc);
    expect(new Set(asked)).toEqual(new Set(['server/discover', 'initialize']));
  });

  it('is not blamed for what else went wrong', async () => {
    const gateway = await behind('http-echo.mjs', {
      answer: ({ rpc }, response) => {
        response.writeHead(rpc === 'initialize' ? 429 : 401).end(`too busy for ${rpc}`);
        return true;
      },
    });
    entry(gateway, { Authorization: 'Bearer good' });
    expect(await failure()).toContain('HTTP 429: too busy for initialize');
  });
});

describe('a login', () => {
  const login = async () =>
    JSON.stringify(JSON.parse((await rig.cli(['status', '--json'])).stdout)).includes('/authorize');

  it('is not asked for where only the newer question needs one', async () => {
    const gateway = await behind('http-echo.mjs', {
      answer: ({ rpc }, response) => {
        if (rpc !== 'server/discover') return false;
        response.writeHead(401, challenge).end();
        return true;
      },
    });
    rig.writeConfig({ remote: { type: 'http', url: `${gateway.origin}/mcp` } });
    const client = await rig.open();
    expect(textOf(await client.call('remote__echo', { text: 'hello' }))).toBe('hello');
    expect(gateway.passed.filter(({ path }) => path.includes('well-known'))).toEqual([]);
    expect(await login()).toBe(false);
    await client.close();
  });

  it('is asked for by initialize, also where all its documents come packed, and both ways are tried after it', async () => {
    const gateway = await behind('http-echo.mjs', { pack: 'gzip' }, { HTTP_OAUTH: '1' });
    rig.writeConfig({ remote: { type: 'http', url: `${gateway.origin}/mcp` } });
    const client = await rig.open();
    const text = textOf(await client.call('remote__echo', { text: 'hello' }));
    expect(text).toContain('needs a login');
    const address = /http:\/\/127\.0\.0\.1:\d+\/authorize\?\S+/.exec(text)?.[0] ?? '';
    const asked = gateway.passed.flatMap(({ rpc }) => rpc ?? []);
    expect(asked.slice(0, 2)).toEqual(['server/discover', 'initialize']);
    const soFar = gateway.passed.length;
    expect(await (await fetch(address)).text()).toContain('You are logged in');
    await expect.poll(async () => textOf(await client.call('remote__echo', { text: 'hello' }))).toBe('hello');
    const later = gateway.passed.slice(soFar).flatMap(({ rpc }) => rpc ?? []);
    expect(later[0]).toBe('server/discover');
    await client.close();
  });
});

it.each([
  ['spaces', 'application/json', ' '],
  ['comments of a stream', 'text/event-stream', ': ping\n\n'],
])('a call that is answered with endless %s fails with the limit in its words, and the next one works', async (_what, type, unit) => {
  let isHostile = true;
  const gateway = await behind('http-echo.mjs', {
    answer: ({ rpc }, response) => {
      if (rpc !== 'tools/call' || !isHostile) return false;
      response.writeHead(200, { 'content-type': type, 'content-encoding': 'gzip' });
      response.write(gzipSync(unit.repeat(1024 * 1024)));
      return true;
    },
  });
  rig.writeConfig(
    { remote: { type: 'http', url: `${gateway.origin}/mcp` } },
    { daemon: { idleExitMs: 300, maxMessageBytes: 65_536 } },
  );
  const client = await rig.open();
  const text = textOf(await client.call('remote__echo', { text: 'hello' }));
  expect(text).toContain('more than daemon.maxMessageBytes allows');
  isHostile = false;
  expect(textOf(await client.call('remote__echo', { text: 'hello' }))).toBe('hello');
  await client.close();
});

it('a server of the older HTTP+SSE is found behind a gateway that refuses the newer question', async () => {
  const gateway = await behind('http-echo.mjs', {
    answer: (passing, response) => {
      if (passing.rpc !== 'server/discover') return false;
      page(401, challenge)(response, passing);
      return true;
    },
  });
  rig.writeConfig({ remote: { type: 'http', url: `${gateway.origin}/sse` } });
  expect(await live()).toBe('hello');
});
