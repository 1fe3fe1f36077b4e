// Random lives of the wrapper's connection, on a real socket: what the table says is what the code does. Breaks when an
// outage has no way back, when a refusal is retried in a loop, or when something moves after the end.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import { ensurePrivateDir } from '../../../src/base/private-dir.ts';
import { ownBuild, protocolMajor } from '../../../src/link/build.ts';
import { locate } from '../../../src/link/locations.ts';
import { Reconnector } from '../../../src/wrapper/reconnect.ts';
import { type RelayEvent, type RelayState, transition, transitions } from '../../../src/wrapper/state.ts';

const self = { pid: process.pid, startTime: '1' };
const hello = {
  ...{ protocol: protocolMajor, build: ownBuild, wrapperId: 'w-12345678', wrapper: self, host: self },
  ...{ projectDir: '/', settings: {}, env: {} },
};
const accepted = { protocol: protocolMajor, build: ownBuild, daemon: self, nonce: 'n', sessionId: 's', wants: [] };

type Manner = 'answers' | 'refuses' | 'hangs up' | 'is silent';

/** A daemon as far as the wrapper can tell, and the wrapper's connection to it. */
class World {
  readonly home = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-proxy-model-')));
  readonly locations = locate({ HOME: this.home });
  manner: Manner = 'answers';
  canStart = true;
  readonly sockets = new Set<Socket>();
  #server: Server | undefined;
  readonly reconnector: Reconnector;

  constructor() {
    ensurePrivateDir(this.locations.runDir);
    const silent = { onLine: () => {}, onOversize: () => {}, onWritable: () => {}, onUnavailable: () => {} };
    this.reconnector = new Reconnector(
      {
        claim: () => this.locations,
        createHello: () => hello,
        launch: async () => {
          if (!this.canStart) {
            return { kind: 'failed', error: new AppError({ code: 'DAEMON_START_FAILED', message: 'It cannot.' }) };
          }
          await this.listen();
          return { kind: 'started', pid: 1 };
        },
        maxLineBytes: 65_536,
      },
      { ...silent, onReady: () => {}, batch: (deliver) => deliver(), onLost: () => {} },
    );
  }

  async listen(): Promise<void> {
    if (this.#server) return;
    const server = createServer((socket) => this.#accept(socket));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.locations.socketPath, resolve));
  }

  #accept(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.sockets.delete(socket));
    socket.once('data', () => {
      if (this.manner === 'answers')
        socket.write(`${JSON.stringify({ jsonrpc: '2.0', id: 'hello', result: accepted })}\n`);
      if (this.manner === 'hangs up') socket.destroy();
      if (this.manner !== 'refuses') return;
      const error = { code: -1, message: 'Not you.', data: { code: 'DAEMON_UNFIT' } };
      socket.end(`${JSON.stringify({ jsonrpc: '2.0', id: 'hello', error })}\n`);
    });
  }

  /** As kill -9 does: no listener, and every connection is gone. */
  async die(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = server && new Promise((resolve) => server.close(resolve));
    this.hangUp();
    await closed;
  }

  hangUp(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async dispose(): Promise<void> {
    this.reconnector.end();
    await this.die();
    rmSync(this.home, { recursive: true, force: true });
  }
}

type Model = {
  /** Where it comes to rest. `hello`: the daemon is silent. `lost`: asleep, or between tries. */
  state: RelayState;
  isAsleep: boolean;
};

/** Timers are ours, sockets are real: time goes on in small steps until the state is `wanted`, at most `limitMs`. */
async function settles(world: World, wanted: readonly RelayState[], limitMs = 20_000): Promise<void> {
  for (let ms = 0; ms < limitMs; ms += 20) {
    // A state that is only passed through does not count.
    if (wanted.includes(world.reconnector.state)) {
      for (let turn = 0; turn < 8; turn += 1) await new Promise(setImmediate);
      if (wanted.includes(world.reconnector.state)) return;
    }
    vi.advanceTimersByTime(20);
    for (let turn = 0; turn < 4; turn += 1) await new Promise(setImmediate);
  }
  expect(world.reconnector.state).toBe(wanted[0]);
}

/** Where a connection attempt ends. A refusal and a daemon that cannot be started are `degraded`. */
function outcome(world: World, isRunning: boolean): RelayState[] {
  if (!isRunning && !world.canStart) return ['degraded'];
  if (world.manner === 'answers') return ['ready'];
  if (world.manner === 'refuses') return ['degraded'];
  // From `degraded` only success leads away, so an answer that is none changes nothing there.
  return ['hello', 'lost', 'degraded', 'connecting'];
}

const rest = (model: Model, world: World) => {
  model.state = world.reconnector.state;
};

abstract class Step implements fc.AsyncCommand<Model, World> {
  check(_model: Readonly<Model>): boolean {
    return true;
  }
  abstract run(model: Model, world: World): Promise<void>;
  toString(): string {
    return this.constructor.name;
  }
}

/** The daemon dies; the next one behaves so, or cannot be started. */
class Die extends Step {
  readonly #next: Manner | 'never';
  constructor(next: Manner | 'never') {
    super();
    this.#next = next;
  }
  async run(model: Model, world: World): Promise<void> {
    world.canStart = this.#next !== 'never';
    world.manner = this.#next === 'never' ? 'answers' : this.#next;
    await world.die();
    if (model.state === 'closed') return settles(world, ['closed']);
    if (model.isAsleep || model.state === 'draining')
      return settles(world, model.isAsleep ? ['lost'] : outcome(world, false));
    await settles(world, outcome(world, false));
    rest(model, world);
  }
  override toString(): string {
    return `Die, the next one ${this.#next}`;
  }
}

class Drain extends Step {
  readonly #restart: boolean;
  constructor(restart: boolean) {
    super();
    this.#restart = restart;
  }
  override check(model: Readonly<Model>): boolean {
    return model.state === 'ready';
  }
  async run(model: Model, world: World): Promise<void> {
    world.reconnector.drain(this.#restart);
    expect(world.reconnector.state).toBe('draining');
    world.manner = 'answers';
    world.canStart = true;
    await world.die();
    if (this.#restart) {
      await settles(world, ['ready']);
      rest(model, world);
      return;
    }
    // Asleep: nobody needs a daemon, so none is started, however long it takes.
    await settles(world, ['lost']);
    vi.advanceTimersByTime(60_000);
    await settles(world, ['lost']);
    model.isAsleep = true;
    model.state = 'lost';
  }
  override toString(): string {
    return `Drain ${this.#restart ? 'to restart' : 'to stop'}`;
  }
}

class Wake extends Step {
  override check(model: Readonly<Model>): boolean {
    return model.isAsleep;
  }
  async run(model: Model, world: World): Promise<void> {
    world.reconnector.wake();
    model.isAsleep = false;
    await settles(world, outcome(world, false));
    rest(model, world);
  }
}

/** The connection alone is cut; the daemon lives on. */
class Cut extends Step {
  override check(model: Readonly<Model>): boolean {
    return model.state === 'ready';
  }
  async run(model: Model, world: World): Promise<void> {
    world.hangUp();
    await settles(world, ['lost', 'hello', 'connecting', 'ready']);
    await settles(world, ['ready']);
    rest(model, world);
  }
}

/** What was in the way is repaired: every state but the end leads back to `ready`. */
class Repair extends Step {
  override check(model: Readonly<Model>): boolean {
    return !model.isAsleep;
  }
  async run(model: Model, world: World): Promise<void> {
    world.manner = 'answers';
    world.canStart = true;
    // One that was silent has to be given up first.
    if (model.state !== 'ready' && model.state !== 'closed') world.hangUp();
    await settles(world, [model.state === 'closed' ? 'closed' : 'ready'], 60_000);
    rest(model, world);
  }
}

class End extends Step {
  async run(model: Model, world: World): Promise<void> {
    world.reconnector.end();
    model.state = 'closed';
    model.isAsleep = false;
    vi.advanceTimersByTime(60_000);
    await settles(world, ['closed']);
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it('goes through its states as the table says', async () => {
  const manners = fc.constantFrom<Manner | 'never'>('answers', 'answers', 'refuses', 'hangs up', 'is silent', 'never');
  const steps = [
    manners.map((next) => new Die(next)),
    fc.boolean().map((restart) => new Drain(restart)),
    fc.constant(new Wake()),
    fc.constant(new Cut()),
    fc.constant(new Repair()),
    fc.constant(new Repair()),
  ];
  const withEnd = fc.commands([...steps, fc.constant(new End())], { maxCommands: 40, size: '+1' });
  const endless = fc.commands(steps, { maxCommands: 40, size: '+1' });
  await fc.assert(
    fc.asyncProperty(fc.oneof(endless, withEnd), async (commands) => {
      const world = new World();
      try {
        world.reconnector.start();
        await settles(world, ['ready']);
        await fc.asyncModelRun(() => ({ model: { state: 'ready' as const, isAsleep: false }, real: world }), commands);
      } finally {
        await world.dispose();
      }
    }),
    { numRuns: 150 },
  );
});

it('has a way back from every state but the end, and none from that', () => {
  const reach = (from: RelayState, seen = new Set<RelayState>()): Set<RelayState> => {
    for (const next of Object.values(transitions[from])) if (!seen.has(next)) reach(next, seen.add(next));
    return seen;
  };
  for (const state of Object.keys(transitions) as RelayState[]) {
    expect([...reach(state)].includes('ready'), state).toBe(state !== 'closed');
    expect([...reach(state)].includes('closed'), state).toBe(state !== 'closed');
    const events: RelayEvent[] = ['dial', 'accepted', 'launch', 'failed', 'refused', 'lost', 'drain', 'end'];
    for (const event of events) expect(transitions[state][event] ?? state).toBe(transition(state, event));
  }
});
