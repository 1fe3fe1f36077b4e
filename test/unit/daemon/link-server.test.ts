// The daemon's socket before there is a session, and the link's own messages after. Breaks when a wrapper is taken that must
// not be, when silence or an endless hello holds a connection, or when a host can speak for its wrapper.
import { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { askForValues, createLinkServer, type LinkServerDeps } from '../../../src/daemon/link-server.ts';
import { ownBuild, protocolMajor } from '../../../src/link/build.ts';
import { maxHelloBytes } from '../../../src/link/hello.ts';
import type { Session } from '../../../src/sessions/session.ts';

/** Both ends of a connection; what the daemon writes is `text`. */
class Wire extends Duplex {
  text = '';
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString('utf8');
    done();
  }
  say(message: unknown): void {
    this.push(Buffer.from(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`));
  }
  get messages(): { error?: { data?: unknown; message: string }; result?: Record<string, unknown> }[] {
    return this.text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }
}

const self = { pid: 7, startTime: '7' };
const hello = (params: Record<string, unknown> = {}) => ({
  ...{ jsonrpc: '2.0', id: 'hello', method: 'aitkit/hello' },
  params: {
    ...{ protocol: protocolMajor, build: ownBuild, wrapperId: 'w-12345678', wrapper: self, host: self },
    ...{ projectDir: '', settings: {}, env: { HOME: '/home/a' }, ...params },
  },
});

let opened: Session[];
let lines: string[];
let values: Record<string, string>[];
let closed: string[];
let http: number;
let isDraining: boolean;
let deps: LinkServerDeps;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  [opened, lines, values, closed, http, isDraining] = [[], [], [], [], 0, false];
  deps = {
    ...{ daemon: self, nonce: 'nonce-of-this-daemon', log: silentLog, now: () => 5 },
    settings: () => ({ configPath: '/c', dataDir: '/d', port: 'off' }),
    wants: () => ['TOKEN'],
    maxMessageBytes: () => 1_000_000,
    isDraining: () => isDraining,
    onOpen: (session) => void opened.push(session),
    onLine: (_session, line) => void lines.push(line.toString('utf8')),
    onValues: (session) => void values.push({ ...session.values }),
    onClose: (_session, reason) => void closed.push(reason),
    onHttp: () => {
      http += 1;
    },
  };
});
afterEach(() => vi.useRealTimers());

function connect(): Wire {
  const wire = new Wire();
  createLinkServer(deps).emit('connection', wire);
  return wire;
}
/** What was sent has been read, and what came of it was written. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
async function say(wire: Wire, ...messages: unknown[]): Promise<void> {
  for (const message of messages) {
    wire.say(message);
    await settled();
  }
}

describe('a hello', () => {
  it('is answered with who the daemon is and what it wants to know', async () => {
    const wire = connect();
    await say(wire, hello({ hostSessionId: 'h', mode: 'all', server: 'one' }));
    expect(wire.messages[0]?.result).toEqual({
      ...{ protocol: protocolMajor, build: ownBuild, daemon: self, nonce: 'nonce-of-this-daemon', wants: ['TOKEN'] },
      sessionId: opened[0]?.id,
    });
    expect(opened[0]?.identity).toMatchObject({
      lifeId: 'w-12345678',
      hostSessionId: 'h',
      mode: 'all',
      server: 'one',
    });
    expect(opened[0]?.hasValues).toBe(false);
    expect(opened[0]?.nextAskId()).toBe('"dnonce-of-1"');
  });

  it.each([
    ['that is none', { jsonrpc: '2.0', id: 1, method: 'initialize' }, 'DAEMON_UNFIT'],
    ['that is no JSON', '{"method":', 'DAEMON_UNFIT'],
    ['without an id of its wrapper', hello({ wrapperId: 'w' }), 'DAEMON_UNFIT'],
    ['of another protocol', hello({ protocol: 99 }), 'DAEMON_UNFIT'],
    ['with other settings', hello({ settings: { dataDir: '/elsewhere' } }), 'SETTINGS_DIFFER'],
  ])('%s is refused, and nothing that follows is read', async (_what, message, code) => {
    const wire = connect();
    await say(wire, message, hello(), { jsonrpc: '2.0', id: 2, method: 'ping' });
    expect(wire.messages).toHaveLength(1);
    expect(wire.messages[0]?.error?.data).toMatchObject({ code });
    expect([opened, lines, closed]).toEqual([[], [], []]);
    expect(wire.writableEnded).toBe(true);
  });

  it('is refused by a daemon that is ending, so that its wrapper comes again', async () => {
    isDraining = true;
    const wire = connect();
    await say(wire, hello());
    expect(wire.messages[0]?.error?.data).toMatchObject({ code: 'DAEMON_BUSY' });
    expect(opened).toEqual([]);
  });

  it.each([
    ['says nothing', undefined],
    ['does not end its hello', '{"jsonrpc":'],
  ])('is not waited for longer than ten seconds by who %s', async (_what, begin) => {
    const wire = connect();
    if (begin) wire.push(Buffer.from(begin));
    await settled();
    vi.advanceTimersByTime(9_900);
    expect(wire.destroyed).toBe(false);
    vi.advanceTimersByTime(200);
    expect(wire.destroyed).toBe(true);
  });

  it('may be so long and no longer', async () => {
    const wire = connect();
    wire.push(Buffer.concat([Buffer.from('{'), Buffer.alloc(maxHelloBytes, 0x20)]));
    await settled();
    expect(wire.destroyed).toBe(true);
  });

  it('ends the deadline: a session may be silent', async () => {
    const wire = connect();
    await say(wire, hello());
    vi.advanceTimersByTime(3_600_000);
    expect(wire.destroyed).toBe(false);
  });
});

it('hands anything that does not begin with a brace to HTTP, whole', async () => {
  const wire = connect();
  wire.push(Buffer.from('GET /health'));
  await settled();
  expect(http).toBe(1);
  expect(wire.isPaused()).toBe(true);
  expect(String(wire.read())).toBe('GET /health');
});

describe('a session', () => {
  async function open(): Promise<Wire> {
    const wire = connect();
    await say(wire, hello());
    return wire;
  }

  it('hands on the lines of its host as they are', async () => {
    const line = '{ "jsonrpc":"2.0", "id":12345678901234567890, "method":"ping" }';
    await say(await open(), line);
    expect(lines).toEqual([line]);
  });

  it('takes values from its wrapper, text alone', async () => {
    await say(await open(), { jsonrpc: '2.0', method: 'aitkit/env', params: { values: { TOKEN: 'x', OTHER: 7 } } });
    expect(values).toEqual([{ TOKEN: 'x' }]);
    expect(opened[0]?.hasValues).toBe(true);
    expect(lines).toEqual([]);
  });

  it('waits again when the config mentions other names', async () => {
    const wire = await open();
    const env = { jsonrpc: '2.0', method: 'aitkit/env', params: { values: {} } };
    await say(wire, env);
    const [session] = opened;
    if (session) askForValues(session, ['NEW']);
    await settled();
    expect(session?.hasValues).toBe(false);
    expect(wire.messages.at(-1)).toEqual({ jsonrpc: '2.0', method: 'aitkit/want', params: { names: ['NEW'] } });
    await say(wire, env);
    expect(session?.hasValues).toBe(true);
  });

  it('learns that its wrapper sends nothing more', async () => {
    const wire = await open();
    opened[0]?.advance('drain');
    await say(wire, { jsonrpc: '2.0', method: 'aitkit/drained' });
    expect(opened[0]?.connection).toBe('drained');
  });

  it('takes a name of the link that stands elsewhere in a line for text', async () => {
    const line = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"aitkit/env"}}';
    await say(await open(), line);
    expect(lines).toEqual([line]);
    expect(values).toEqual([]);
  });

  it('ends with its connection, and says why where that was us', async () => {
    const [one, two] = [await open(), await open()];
    one.destroy();
    opened[1]?.close('its wrapper connected again');
    await settled();
    expect(two.destroyed).toBe(true);
    expect(closed.sort()).toEqual(['its wrapper connected again', 'the connection ended']);
    expect(opened.every(({ isClosed }) => isClosed)).toBe(true);
  });

  it('ends for a line that is longer than its wrapper would send', async () => {
    const wire = await open();
    wire.push(Buffer.concat([Buffer.from('{"a":"'), Buffer.alloc(1_000_001, 0x61), Buffer.from('\n')]));
    await settled();
    expect(wire.destroyed).toBe(true);
  });
});
