// The way of a call without processes: real parts between sessions whose lines are collected and servers in memory. What
// the parts need of each other is written down here once, so that a change of it costs the tests one edit.
import { type Log, silentLog } from '../../src/base/log.ts';
import { Copies } from '../../src/calls/copies.ts';
import { type ForwardDeps, Forwarder } from '../../src/calls/forward.ts';
import { InputRounds } from '../../src/calls/input-rounds.ts';
import { Catalog } from '../../src/catalog/catalog.ts';
import type { ServerFace } from '../../src/catalog/server-face.ts';
import { type Config, parseConfig } from '../../src/config/load.ts';
import type { ServerEntry } from '../../src/config/server-entry.ts';
import { parseEnvelope, type RequestEnvelope } from '../../src/mcp/envelope.ts';
import { Router } from '../../src/router/router.ts';
import { Roster } from '../../src/sessions/roster.ts';
import { Session, type SessionIdentity } from '../../src/sessions/session.ts';
import type { Instance } from '../../src/upstream/instance.ts';
import { createKeyMaker } from '../../src/upstream/instance-key.ts';
import { Supervisor } from '../../src/upstream/supervisor.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { MemoryServer, type ServerSetup } from './memory-server.ts';

export type Sent = { text: string; json: Message; related: string | undefined };
export type Message = {
  id?: unknown;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { code: number; message: string; data?: Record<string, unknown> };
};

export type SessionSetup = {
  client?: string;
  capabilities?: Record<string, unknown>;
  version?: string;
  identity?: Partial<SessionIdentity>;
  /** Names that it was asked for; it has not answered yet. */
  wants?: readonly string[];
};

export type Host = {
  session: Session;
  sent: Sent[];
  /** Requests whose connection was let go. */
  paused: string[];
  closed: string[];
  /** A line of its host; a text is taken as it is. */
  say: (message: unknown) => void;
  /** The answer to that request, once it is there. */
  answerTo: (id: unknown) => Message | undefined;
  /** Messages to it with that method. */
  told: (method: string) => Message[];
  end: () => void;
};

export type WorldSetup = {
  servers: Record<string, ServerSetup & { entry?: Record<string, unknown> }>;
  /** The rest of the config. */
  config?: Record<string, unknown>;
};

export type World = ReturnType<typeof createWorld>;

/** Whatever waits for nothing but its turn has had it, and what that led to. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await settle();
}

export function request(message: Record<string, unknown> | string): RequestEnvelope {
  const text = typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message });
  const envelope = parseEnvelope(Buffer.from(text));
  if (envelope.kind !== 'request') throw new Error(`no request: ${text}`);
  return envelope;
}

/** `setup.servers` may be changed by a reload: set `world.config`, then what the daemon does. */
export function createWorld(setup: WorldSetup) {
  const clock = new FakeClock();
  const servers = new Map(Object.entries(setup.servers).map(([name, one]) => [name, new MemoryServer(one)]));
  const catalog = new Catalog(memorySnapshots());
  const roster = new Roster();
  const demoted = new Map<string, string>();
  const [hazards, logged, served]: [string[], string[], string[]] = [[], [], []];
  const log: Log = { ...silentLog, error: (event) => logged.push(event), debug: (event) => logged.push(event) };
  const world = { config: configOf(setup) };
  /** What the daemon does beside; a test may put something else there. */
  const hooks = {
    beforeRequest: (_isExact: boolean): void => {},
    configTrouble: (): string | undefined => undefined,
  };
  const server = (name: string): MemoryServer => {
    const found = servers.get(name);
    if (!found) throw new Error(`no server "${name}"`);
    return found;
  };
  const supervisor: Supervisor = new Supervisor({
    config: () => world.config,
    resolve: { makeKey: createKeyMaker('secret'), workDir: '/nowhere', demoted: (name) => demoted.get(name) },
    createOpener: ({ entry }) => server(entry.name).opener,
    createStderr: () => ({ write: () => {}, note: () => {}, begin: () => {}, tail: () => '' }),
    addSecrets: () => {},
    capabilities: () => ({}),
    knownVersion: () => undefined,
    isWanted: () => true,
    onSingleClient: ({ identity }, evidence) => {
      demoted.set(identity.server, evidence);
      router.refresh();
    },
    events: {
      onReady: (...event) => router.onReady(...event),
      onServerRequest: (...event) => router.onServerRequest(...event),
      onServerNotification: (...event) => router.onServerNotification(...event),
      onExit: (...event) => router.onExit(...event),
    },
    log,
    now: clock.now,
    random: clock.random,
  });
  const router: Router = new Router({
    ...{ config: () => world.config, catalog, roster, supervisor: () => supervisor, log, now: clock.now },
    ...{ spillFolder: '/nowhere/spill', poolFolder: '/nowhere/pool', jobFolder: '/nowhere/jobs' },
    onServed: ({ id }) => served.push(id),
    onHazard: (_instance, what) => hazards.push(what),
    beforeRequest: (isExact) => hooks.beforeRequest(isExact),
    redact: (text) => text,
    configTrouble: () => hooks.configTrouble(),
  });
  const copies = new Copies({ config: () => world.config, supervisor: () => supervisor, views: router.views });
  const entry = (name: string): ServerEntry => {
    const found = world.config.servers.find((one) => one.name === name);
    if (!found) throw new Error(`no entry "${name}"`);
    return found;
  };
  const session = (id: string, own: SessionSetup = {}): Host => {
    const host = openHost(id, own, { now: clock.now, handle: (line) => router.handle(host.session, line) });
    roster.add(host.session);
    const { end } = host;
    host.end = () => {
      // In the daemon's order.
      roster.remove(host.session);
      end();
      supervisor.release(host.session.identity);
      router.sessionEnded(host.session);
    };
    return host;
  };
  return {
    ...{
      clock,
      catalog,
      roster,
      supervisor,
      router,
      copies,
      hazards,
      logged,
      served,
      demoted,
      hooks,
      server,
      entry,
      session,
    },
    get config() {
      return world.config;
    },
    set config(config: Config) {
      world.config = config;
    },
    /** As a file that was written anew. */
    async reload(next: WorldSetup, changes: { restart?: readonly string[]; removed?: readonly string[] } = {}) {
      world.config = configOf(next);
      router.views.invalidate();
      await supervisor.configChanged({ restart: changes.restart ?? [], removed: changes.removed ?? [] });
    },
    /** The session's copy, ready, its lists known. */
    async ready(host: Host, name: string): Promise<{ instance: Instance }> {
      const { instance, slot } = await copies.acquire(host.session, entry(name));
      await router.listed(instance);
      await settled();
      if (slot.channel.isLost) throw new Error(`"${name}" is gone`);
      return { instance };
    },
    /** One that needs nothing of the rest but copies; what differs is given. */
    forwarder(own: Partial<ForwardDeps> = {}): Forwarder {
      return new Forwarder({
        acquire: (one, of) => copies.acquire(one, of),
        findReady: (one, of) => copies.findReady(one, of),
        maxQueued: () => 10,
        maxConcurrent: () => Number.POSITIVE_INFINITY,
        onAnswered: () => {},
        rounds: new InputRounds({ findSession: (id) => roster.find(id) }),
        headersFor: () => undefined,
        isReshaped: () => false,
        relearn: () => Promise.resolve(),
        now: clock.now,
        ...own,
      });
    },
    async close(): Promise<void> {
      await supervisor.close('the test ended');
      router.modes.close();
    },
  };
}

function openHost(
  id: string,
  own: SessionSetup,
  { now, handle }: { now: () => number; handle: (line: Buffer) => void },
): Host {
  const self = { pid: 1, startTime: '1' };
  const [sent, paused, closed]: [Sent[], string[], string[]] = [[], [], []];
  const session = new Session({
    identity: {
      ...{ id, lifeId: `scope-${id}`, host: self, wrapper: self, projectDir: '', folder: '', projectRoot: '' },
      ...own.identity,
    },
    sink: {
      bufferedBytes: 0,
      send: (line, related) => sent.push({ text: line.toString(), json: JSON.parse(line.toString()), related }),
      pause: (related) => paused.push(related),
      close: (why) => closed.push(why),
    },
    ...{ baseline: {}, served: {}, idPrefix: `d-${id}`, wants: own.wants ?? [], now, maxBufferedBytes: 1_000 },
  });
  session.client = { name: own.client ?? 'test', capabilities: own.capabilities ?? {} };
  session.speak(own.version ?? '2025-06-18');
  session.isInitialized = true;
  return {
    ...{ session, sent, paused, closed },
    say: (message) => handle(Buffer.from(typeof message === 'string' ? message : JSON.stringify(message))),
    answerTo: (wanted) => sent.find(({ json }) => json.id === wanted && json.method === undefined)?.json,
    told: (method) => sent.flatMap(({ json }) => (json.method === method ? [json] : [])),
    end: () => session.end(),
  };
}

export function configOf({ servers, config }: WorldSetup): Config {
  const mcpServers = Object.fromEntries(
    Object.entries(servers).map(([name, { entry }]) => [name, { command: name, sharing: 'shared', ...entry }]),
  );
  const text = JSON.stringify({ mcpServers, ...config });
  const loaded = parseConfig({ file: 'config.json', text, env: { HOME: '/nowhere' } });
  if (!loaded.ok) throw new Error(loaded.problem.message);
  return loaded.config;
}

function memorySnapshots() {
  const faces = new Map<string, ServerFace>();
  return {
    find: (key: string) => faces.get(key),
    save: (key: string, face: ServerFace) => void faces.set(key, face),
    savedAt: () => undefined,
  };
}
