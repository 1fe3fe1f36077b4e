// Random connections to the daemon's real socket server: what the table says is what the code does. Breaks when a
// connection without a hello becomes a session, when a refused one is given a second chance, or when an end is missed.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createConnection, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { createLinkServer, listenOnSocket } from '../../../src/daemon/link-server.ts';
import { ownBuild, protocolMajor } from '../../../src/link/build.ts';
import {
  type ConnectionEvent,
  type ConnectionState,
  connectionTransitions,
  nextConnectionState,
} from '../../../src/sessions/connection-state.ts';
import type { Session } from '../../../src/sessions/session.ts';
import { eventually } from '../../support/eventually.ts';

const self = { pid: process.pid, startTime: '1' };
const hello = (protocol = protocolMajor) =>
  JSON.stringify({
    ...{ jsonrpc: '2.0', id: 'hello', method: 'aitkit/hello' },
    params: {
      ...{ protocol, build: ownBuild, wrapperId: 'w-12345678', wrapper: self, host: self, projectDir: '/' },
      ...{ settings: {}, env: {} },
    },
  });

let folder: string;
let server: Server;
const opened: Session[] = [];
const ended: Session[] = [];
const lines: string[] = [];
const http: Socket[] = [];
let isDraining = false;

beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-proxy-conn-')));
  const identity = { pid: process.pid, startTime: '1' };
  server = createLinkServer({
    ...{ daemon: identity, nonce: 'n'.repeat(16), log: silentLog, now: Date.now },
    settings: () => ({ configPath: '/c', dataDir: '/d', port: 'off' }),
    wants: () => [],
    maxMessageBytes: () => 65_536,
    onOpen: (session) => opened.push(session),
    onLine: (_session, line) => lines.push(line.toString('utf8')),
    onValues: () => {},
    onClose: (session) => ended.push(session),
    isDraining: () => isDraining,
    onHttp: (socket) => {
      http.push(socket);
      socket.resume();
    },
  });
  await listenOnSocket(server, join(folder, 'd.sock'));
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

type Model = { state: ConnectionState; seen: Set<string> };

class Connection {
  readonly socket = createConnection(join(folder, 'd.sock'));
  text = '';
  isClosed = false;
  readonly before = { opened: opened.length, ended: ended.length, http: http.length };

  constructor() {
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk) => {
      this.text += chunk.toString('utf8');
    });
    this.socket.on('close', () => {
      this.isClosed = true;
    });
  }

  get session(): Session | undefined {
    return opened[this.before.opened];
  }

  /** What can be told from outside. */
  get state(): ConnectionState {
    if (this.session) return this.session.connection;
    if (http.length > this.before.http) return this.isClosed ? 'closed' : 'http';
    if (this.text.includes('"error"')) return 'refused';
    return this.isClosed ? 'closed' : 'fresh';
  }
}

function go(model: Model, event: ConnectionEvent): void {
  expect(connectionTransitions[model.state][event], `${model.state} ${event}`).toBeDefined();
  model.seen.add(`${model.state} ${event}`);
  model.state = nextConnectionState(model.state, event);
}

/** A line of the session's own, handed on whatever the daemon is about to do; so everything before it was read too. */
async function arrives(socket: Socket): Promise<void> {
  const mark = `m${Math.random()}`;
  socket.write(`{"jsonrpc":"2.0","id":1,"method":"${mark}"}\n`);
  await eventually(() => lines.some((line) => line.includes(mark)), { what: mark, intervalMs: 1 });
}

class Send implements fc.AsyncCommand<Model, Connection> {
  readonly #what: 'hello' | 'bad hello' | 'other protocol' | 'request' | 'drained' | 'http' | 'drain' | 'end';
  constructor(what: Send['what']) {
    this.#what = what;
  }
  get what() {
    return this.#what;
  }
  check({ state }: Readonly<Model>): boolean {
    switch (this.#what) {
      case 'request':
        return ['open', 'draining', 'drained'].includes(state);
      case 'drain':
        return state === 'open';
      case 'drained':
        return state === 'open' || state === 'draining';
      case 'http':
        return state === 'fresh';
      case 'end':
        return state !== 'closed' && state !== 'refused';
      default:
        // A second hello on an open connection is a line like any other.
        return state === 'fresh';
    }
  }
  async run(model: Model, connection: Connection): Promise<void> {
    const { socket, session } = connection;
    switch (this.#what) {
      case 'hello':
        socket.write(`${hello()}\n`);
        go(model, 'brace');
        go(model, isDraining ? 'refuse' : 'accepted');
        break;
      case 'bad hello':
        // The second one would fit: a refused connection gets no other chance.
        socket.write(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n${hello()}\n`);
        go(model, 'brace');
        go(model, 'refuse');
        break;
      case 'other protocol':
        socket.write(`${hello(protocolMajor + 1)}\n`);
        go(model, 'brace');
        go(model, 'refuse');
        break;
      case 'http':
        socket.write('GET /health HTTP/1.1\r\n\r\n');
        go(model, 'other');
        break;
      case 'drain':
        session?.advance('drain');
        go(model, 'drain');
        break;
      case 'drained':
        socket.write('{"jsonrpc":"2.0","method":"aitkit/drained"}\n');
        // Without a drain it means nothing.
        if (model.state === 'draining') go(model, 'drained');
        await arrives(socket);
        break;
      case 'request':
        await arrives(socket);
        break;
      case 'end':
        socket.destroy();
        if (model.state === 'fresh') model.seen.add('fresh close');
        else go(model, 'close');
        model.state = 'closed';
    }
    await eventually(() => connection.state === model.state, {
      intervalMs: 1,
      what: `${model.state} after ${this.#what}, now ${connection.state}`,
    });
    if (model.state === 'refused') {
      await eventually(() => connection.isClosed, { what: 'the end of a refused one', intervalMs: 1 });
      expect(opened.length).toBe(connection.before.opened);
    }
    if (model.state === 'closed' && session) {
      await eventually(() => ended.includes(session), { what: 'its end to be told', intervalMs: 1 });
      expect(ended.filter((one) => one === session)).toHaveLength(1);
    }
  }
  toString(): string {
    return this.#what;
  }
}

it('goes through its states as the table says', async () => {
  const seen = new Set<string>();
  const what = fc.constantFrom<Send['what']>(
    'hello',
    'hello',
    'bad hello',
    'other protocol',
    'request',
    'drained',
    'http',
    'drain',
    'end',
  );
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.commands([what.map((one) => new Send(one))], { maxCommands: 30, size: '+2' }),
      async (draining, commands) => {
        isDraining = draining;
        const connection = new Connection();
        try {
          await fc.asyncModelRun(() => ({ model: { state: 'fresh' as const, seen }, real: connection }), commands);
        } finally {
          connection.socket.destroy();
        }
      },
    ),
    { numRuns: 500 },
  );
  const all = Object.entries(connectionTransitions).flatMap(([state, row]) =>
    Object.keys(row).map((event) => `${state} ${event}`),
  );
  // A hello that never ends takes ten seconds to be given up; the end of a refused one is seen above.
  expect(all.filter((one) => !seen.has(one))).toEqual(['hello close', 'refused close']);
});
