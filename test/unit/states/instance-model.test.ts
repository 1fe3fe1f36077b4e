// Random lives of a copy: what the table says is what the code does. Breaks when a transition is missing, when a crash
// loop is started without its pause, or when a SIGKILL or an end at ease counts as a crash.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import type { InstanceState } from '../../../src/link/control.ts';
import { requestLine } from '../../../src/mcp/messages.ts';
import { Admission } from '../../../src/upstream/admission.ts';
import { Instance } from '../../../src/upstream/instance.ts';
import { stopCauses } from '../../../src/upstream/instance-errors.ts';
import { type InstanceEvent, instanceTransitions, nextInstanceState } from '../../../src/upstream/instance-state.ts';
import type { Transport, TransportEvents } from '../../../src/upstream/transports/transport.ts';

/** A server that can be told what to do next. */
class World {
  now = 1_000_000;
  willStart = true;
  isSilent = false;
  current: TransportEvents | undefined;
  starts = 0;
  readonly instance = new Instance({
    ...{ id: 'm-1', key: 'k', snapshotKey: 's', server: 'm', sharing: 'shared' as const },
    capabilities: {},
    startTimeoutMs: 5_000,
    stderr: { write: () => {}, note: () => {}, begin: () => {}, tail: () => '' },
    events: { onReady: () => {}, onServerRequest: () => {}, onServerNotification: () => {}, onExit: () => {} },
    deps: { admission: new Admission(() => 4), log: silentLog, now: () => this.now, random: () => 0.5 },
    opener: {
      isPerSession: false,
      isLocal: true,
      pid: () => undefined,
      describe: () => ({ environment: [] }),
      open: (events) => Promise.resolve(this.#open(events)),
    },
  });

  #open(events: TransportEvents): Transport {
    this.starts += 1;
    this.current = events;
    const exit = () => {
      if (this.current !== events) return;
      this.current = undefined;
      events.onExit({ reason: 'closed' });
    };
    if (!this.willStart) queueMicrotask(() => events.onExit({ reason: 'exited', code: 3, signal: null }));
    return {
      send: (line) => {
        const message: unknown = JSON.parse(line.toString('utf8'));
        const id = typeof message === 'object' && message !== null ? Reflect.get(message, 'id') : undefined;
        const result = { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 'm', version: '1' } };
        if (id !== undefined && this.willStart && !this.isSilent)
          queueMicrotask(() => events.onMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, result }))));
        return Promise.resolve();
      },
      close: () => {
        exit();
        return Promise.resolve();
      },
      pause: () => {},
      resume: () => {},
    };
  }
}

type Model = {
  state: InstanceState;
  deaths: number;
  readyAt: number;
  diedAt: number;
  isTold: boolean;
  seen: Set<string>;
};

const maxDeaths = 5;
const healthyMs = 5 * 60_000;
/** By the number of deaths, from the first that makes a crash loop. */
const failedMs = (deaths: number) => Math.min(60_000 * 2 ** (deaths - maxDeaths), 900_000);

/** One step of the model by the table itself; a step that the table does not have is an error of the model. */
function go(model: Model, ...events: InstanceEvent[]): void {
  for (const event of events) {
    expect(instanceTransitions[model.state][event], `${model.state} ${event}`).toBeDefined();
    model.seen.add(`${model.state} ${event}`);
    model.state = nextInstanceState(model.state, event);
  }
}

abstract class Step implements fc.AsyncCommand<Model, World> {
  abstract check(model: Readonly<Model>): boolean;
  abstract act(model: Model, world: World): Promise<void>;
  async run(model: Model, world: World): Promise<void> {
    // Whatever pause a death led to is over.
    world.now += 60_000;
    await this.act(model, world);
    expect(world.instance.state).toBe(model.state);
  }
  toString(): string {
    return this.constructor.name;
  }
}

/** Who was told is told again until the long pause is over. The pause before a start is, by then. */
function mayStart(model: Model, world: World): boolean {
  if (model.state !== 'failed') return true;
  const isOver = world.now - model.diedAt >= failedMs(model.deaths);
  const may = isOver || !model.isTold;
  model.isTold = true;
  if (may) go(model, 'retry');
  return may;
}

class Start extends Step {
  check(): boolean {
    return true;
  }
  async act(model: Model, world: World): Promise<void> {
    world.willStart = true;
    const wasFailed = !mayStart(model, world);
    const starts = world.starts;
    const opened = await world.instance.acquire('').then(
      () => true,
      () => false,
    );
    expect(opened).toBe(!wasFailed);
    // One that is left alone is not even tried.
    if (wasFailed) expect(world.starts).toBe(starts);
    if (model.state !== 'stopped') return;
    go(model, 'start', 'opened');
    model.readyAt = world.now;
  }
}

class StartAndDie extends Step {
  check(model: Readonly<Model>): boolean {
    return model.state === 'stopped' || model.state === 'failed';
  }
  async act(model: Model, world: World): Promise<void> {
    world.willStart = false;
    const code = mayStart(model, world) ? 'SERVER_START_FAILED' : 'SERVER_FAILED';
    await expect(world.instance.acquire('')).rejects.toMatchObject({ code });
    if (code === 'SERVER_FAILED') return;
    model.deaths += 1;
    model.diedAt = world.now;
    go(model, 'start', model.deaths >= maxDeaths ? 'crashLoop' : 'gone');
    if (model.state === 'failed') model.isTold = true;
  }
}

type Death = { code: number | null; signal: 'SIGKILL' | 'SIGSEGV' | null; wasAsked: boolean };

class Die extends Step {
  readonly #death: Death;
  constructor(death: Death) {
    super();
    this.#death = death;
  }
  check(model: Readonly<Model>): boolean {
    return model.state === 'ready';
  }
  async act(model: Model, world: World): Promise<void> {
    const events = world.current;
    const { code, signal, wasAsked } = this.#death;
    if (wasAsked) {
      world.isSilent = true;
      const call = {
        method: 'tools/call',
        owner: 'session',
        encode: (id: number) => requestLine(`${id}`, 'tools/call'),
      };
      world.instance.findSlot('')?.channel.request({ ...call, onAnswer: () => {} });
      world.isSilent = false;
    }
    world.current = undefined;
    events?.onExit({ reason: 'exited', code, signal });
    if (world.now - model.readyAt >= healthyMs) [model.deaths, model.isTold] = [0, false];
    const isDeath = signal !== 'SIGKILL' && wasAsked;
    if (isDeath) [model.deaths, model.diedAt] = [model.deaths + 1, world.now];
    // A further pause after it, whatever the number of deaths.
    else if (signal === 'SIGSEGV' || code === 1) model.diedAt = world.now;
    // What says nothing of the server makes no crash loop of it, whatever was before.
    go(model, isDeath && model.deaths >= maxDeaths ? 'crashLoop' : 'gone');
  }
  override toString(): string {
    return `Die ${JSON.stringify(this.#death)}`;
  }
}

class Stop extends Step {
  check(): boolean {
    return true;
  }
  async act(model: Model, world: World): Promise<void> {
    const stopping = world.instance.stop(stopCauses.stoppedByPerson);
    if (model.state !== 'failed') go(model, 'stop');
    expect(world.instance.state).toBe(model.state);
    await Promise.all([stopping, world.instance.stop(stopCauses.stoppedByPerson)]);
    if (model.state !== 'failed') go(model, 'ended');
  }
}

class Restart extends Step {
  check(): boolean {
    return true;
  }
  async act(model: Model, world: World): Promise<void> {
    world.instance.reset();
    [model.deaths, model.isTold] = [0, false];
    if (model.state === 'failed') go(model, 'reset');
  }
}

class TimePasses extends Step {
  check(): boolean {
    return true;
  }
  async act(_model: Model, world: World): Promise<void> {
    world.now += healthyMs;
  }
}

describe('a copy of a server', () => {
  it('goes through its states as the table says', async () => {
    const seen = new Set<string>();
    const steps = [
      fc.constant(new Start()),
      fc.constant(new StartAndDie()),
      fc
        .constantFrom(
          ...[0, 1].flatMap((code) => [true, false].map((wasAsked) => ({ code, signal: null, wasAsked }))),
          { code: null, signal: 'SIGKILL' as const, wasAsked: true },
          { code: null, signal: 'SIGSEGV' as const, wasAsked: true },
        )
        .map((death) => new Die(death)),
      fc.constant(new Stop()),
      fc.constant(new Restart()),
      fc.constant(new TimePasses()),
    ];
    await fc.assert(
      fc.asyncProperty(fc.commands(steps, { size: '+2', maxCommands: 120 }), async (commands) => {
        const setup = () => ({
          model: { state: 'stopped' as const, deaths: 0, readyAt: 0, diedAt: 0, isTold: false, seen },
          real: new World(),
        });
        await fc.asyncModelRun<Model, World, true, Model>(setup, commands);
      }),
      { numRuns: 150 },
    );
    // `opened` and `crashLoop` of a stopped one need MCP sessions of their own for each of ours.
    const all = Object.entries(instanceTransitions).flatMap(([state, row]) =>
      Object.keys(row).map((e) => `${state} ${e}`),
    );
    const missed = all.filter((one) => !seen.has(one) && !['stopped opened', 'stopped crashLoop'].includes(one));
    expect(missed).toEqual(['starting stop']);
  });

  it('that is stopped while it starts is stopped, and its start is given up', async () => {
    const world = new World();
    const opening = world.instance.acquire('');
    const failed = expect(opening).rejects.toMatchObject({ code: 'SERVER_STOPPED' });
    expect(world.instance.state).toBe('starting');
    await world.instance.stop(stopCauses.stoppedByPerson);
    await failed;
    expect(world.instance.state).toBe('stopped');
  });
});
