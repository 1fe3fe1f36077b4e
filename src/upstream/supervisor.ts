// Owner of all instances: which one a session gets, when they start and stop. One server's trouble stays its own.

import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Config } from '../config/load.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import { Admission } from './admission.ts';
import { singleClientEvidence } from './hazards.ts';
import { HealthChecks } from './health.ts';
import { Instance, type InstanceOptions } from './instance.ts';
import { daemonEnds, type StopCause, stopCauses } from './instance-errors.ts';
import type { StderrSink } from './process/stderr-sink.ts';
import type { Opener, OpenerRequest } from './reach.ts';
import { type Asker, type Resolution, type ResolveDeps, type Resolved, resolveCopy, sharingOf } from './resolve.ts';
import type { Slot } from './slot.ts';

export type SupervisorDeps = {
  config: () => Config;
  resolve: Omit<ResolveDeps, 'knownServers'>;
  createOpener: (request: OpenerRequest) => Opener;
  createStderr: (entry: ServerEntry, instanceId: string) => StderrSink;
  addSecrets: (secrets: readonly string[]) => void;
  capabilities: (entry: ServerEntry, resolved: Resolved) => Record<string, unknown>;
  /** The protocol version that a copy of that identity spoke last. */
  knownVersion: (snapshotKey: string) => string | undefined;
  /** Whether a session is open that would get this copy. */
  isWanted: (instance: Instance) => boolean;
  /** The server refused a second session. */
  onSingleClient: (instance: Instance, evidence: string) => void;
  events: InstanceOptions['events'];
  log: Log;
  now: () => number;
  random: () => number;
};

/** A session's own copy outlives its connection so long: a wrapper that lost its daemon connection comes back. */
const sessionLingerMs = 10_000;
/** Calls of a copy that was taken out of the config get so long: whoever took it out may wait for its end. */
const lastCallsMs = 30_000;
/** How late an end may be seen. */
const lastCallsLookMs = 50;

export class Supervisor {
  readonly #deps: SupervisorDeps;
  readonly #instances = new Map<string, Instance>();
  readonly #entries = new WeakMap<Instance, ServerEntry>();
  readonly #starters = new WeakMap<Instance, Asker>();
  /** By copy and session. */
  readonly #headers = new WeakMap<Instance, Map<string, Record<string, string>>>();
  readonly #users = new Map<string, Set<string>>();
  readonly #abandoned = new Map<string, number>();
  /** Copies that no new call gets and that finish those they have. */
  readonly #leaving = new Set<Instance>();
  readonly #admission: Admission;
  readonly #health: HealthChecks;
  #lastId = 0;
  #isClosed = false;

  constructor(deps: SupervisorDeps) {
    this.#deps = deps;
    this.#admission = new Admission(() => deps.config().daemon.startLimit);
    this.#health = new HealthChecks({
      now: deps.now,
      onHung: (instance, why) => {
        deps.log.warn('server.hung', { server: instance.identity.server, instance: instance.identity.id, why });
        // What was said while it hung named a process that is about to be gone.
        instance.lastError = { code: 'SERVER_HUNG', message: `It was ended: ${why}.` };
        void instance.stop({ why, next: 'at once' });
      },
    });
  }

  resolve(entry: ServerEntry, asker: Asker): Resolution {
    const { knownServers } = this.#deps.config();
    const resolution = resolveCopy(entry, asker, { ...this.#deps.resolve, knownServers });
    // Before anybody can show them: `explain` prints commands of copies that nobody has started.
    if (resolution.ok) this.#deps.addSecrets(resolution.secrets);
    return resolution;
  }

  /**
   * A reload: copies go on under their new entries, except those that were started with something else. Those finish
   * their calls; the next one starts the new copy.
   */
  async configChanged({ restart, removed }: { restart: readonly string[]; removed: readonly string[] }): Promise<void> {
    const entries = new Map(this.#deps.config().servers.map((entry) => [entry.name, entry]));
    for (const instance of this.#instances.values()) {
      const entry = entries.get(instance.identity.server);
      if (entry) this.#entries.set(instance, entry);
    }
    this.#admission.pump();
    const gone = new Set([...restart, ...removed]);
    const old = [...this.#instances].filter(([, instance]) => gone.has(instance.identity.server));
    const causeOf = (name: string) => (entries.get(name)?.enabled ? stopCauses.changed : stopCauses.removed);
    await Promise.all(old.map(([key, instance]) => this.#retire(key, instance, causeOf(instance.identity.server))));
  }

  find(key: string): Instance | undefined {
    return this.#instances.get(key);
  }

  all(): readonly Instance[] {
    return [...this.#instances.values()];
  }

  ofServer(name: string): readonly Instance[] {
    return this.all().filter((instance) => instance.identity.server === name);
  }

  /** Names of servers with a running copy whose memory belongs to a project or a session. */
  runningWithState(): string[] {
    const isRunning = ({ state }: Instance) => state === 'ready' || state === 'starting';
    return this.all()
      .filter((instance) => instance.identity.sharing !== 'shared' && isRunning(instance))
      .map((instance) => instance.identity.server);
  }

  /** Sessions that have used this copy. */
  usersOf(instance: Instance): ReadonlySet<string> {
    return this.#users.get(instance.identity.key) ?? new Set();
  }

  /** The session's copy, started if need be. Rejects with an AppError that a model or a person can act on. */
  async acquire(
    entry: ServerEntry,
    asker: Asker,
    resolution = this.resolve(entry, asker),
  ): Promise<{ instance: Instance; slot: Slot }> {
    if (!resolution.ok) throw resolution.error;
    if (this.#isClosed) throw closedError(entry.name);
    const instance = this.#instances.get(resolution.instanceKey) ?? this.#create(entry, resolution, asker);
    const users = this.#users.get(resolution.instanceKey) ?? new Set();
    this.#users.set(resolution.instanceKey, users.add(asker.id));
    // Other variables or another sharing: it no longer uses the copy it had.
    for (const other of this.ofServer(entry.name))
      if (other !== instance) this.#users.get(other.identity.key)?.delete(asker.id);
    this.#abandoned.delete(resolution.instanceKey);
    if (instance.state === 'stopped') this.#starters.set(instance, asker);
    this.#headers.get(instance)?.set(asker.id, resolution.spec.headers);
    try {
      return { instance, slot: await instance.acquire(asker.id) };
    } catch (error) {
      const evidence = instance.slots().length > 0 ? singleClientEvidence(error) : undefined;
      if (evidence) this.#deps.onSingleClient(instance, evidence);
      throw error;
    }
  }

  /** A session is gone: its own MCP sessions end now, its own copies a little later. */
  release(asker: { id: string; lifeId: string }): void {
    for (const [key, instance] of this.#instances) {
      this.#users.get(key)?.delete(asker.id);
      this.#headers.get(instance)?.delete(asker.id);
      instance.release(asker.id);
      if (instance.identity.lifeId === asker.lifeId) this.#abandoned.set(key, this.#deps.now());
    }
    for (const instance of this.#leaving) instance.release(asker.id);
  }

  /** The wrapper came back: its own copies stay. */
  reclaim(lifeId: string): void {
    for (const [key, instance] of this.#instances) if (instance.identity.lifeId === lifeId) this.#abandoned.delete(key);
  }

  /** Stops what is idle or abandoned. Called from one timer. */
  async sweep(): Promise<void> {
    const now = this.#deps.now();
    const stops: Promise<void>[] = [];
    for (const [key, instance] of this.#instances) {
      this.#health.look(instance);
      const abandonedAt = this.#abandoned.get(key);
      // What still runs there is a job that its session left behind on purpose.
      const isLeft = abandonedAt !== undefined && now - abandonedAt > sessionLingerMs;
      const isAbandoned = isLeft && instance.inFlight === 0;
      if (isAbandoned) stops.push(this.#discard(key, instance, stopCauses.sessionEnded));
      else if (this.#isSuperseded(instance)) stops.push(this.#discard(key, instance, stopCauses.sharingChanged));
      else if (this.#isIdle(instance, now)) stops.push(instance.stop(stopCauses.idle));
      else instance.closeUnused(this.#users.get(key) ?? new Set());
    }
    await Promise.all(stops);
  }

  /** Stops every copy of a server, or of all; they start again on demand. */
  async stop(name: string | undefined, cause: StopCause): Promise<void> {
    const found = name === undefined ? this.all() : this.ofServer(name);
    await Promise.all(found.map((instance) => instance.stop(cause)));
  }

  /** For good. */
  async close(reason: string): Promise<void> {
    this.#isClosed = true;
    const everything = [...this.all(), ...this.#leaving];
    await Promise.all(everything.map((instance) => instance.close(daemonEnds(reason))));
  }

  #isIdle(instance: Instance, now: number): boolean {
    const entry = this.#entries.get(instance);
    if (!entry || entry.idleStopMs === 0 || instance.state !== 'ready' || instance.inFlight > 0) return false;
    // The last session of a project takes the project's copies with it, even those that it wanted to keep.
    if (entry.keepAlive && this.#deps.isWanted(instance)) return false;
    return now - instance.lastUsedAt > entry.idleStopMs;
  }

  /** Another sharing since it started, by the config or by what was observed: no session gets this copy any more. */
  #isSuperseded(instance: Instance): boolean {
    const entry = this.#entries.get(instance);
    if (!entry || instance.inFlight > 0) return false;
    const { knownServers } = this.#deps.config();
    const { sharing } = sharingOf(entry, { knownServers, demoted: this.#deps.resolve.demoted });
    return sharing !== instance.identity.sharing;
  }

  async #discard(key: string, instance: Instance, cause: StopCause): Promise<void> {
    this.#forget(key);
    await instance.close(cause);
  }

  /** Like discard, after its calls. */
  async #retire(key: string, instance: Instance, cause: StopCause): Promise<void> {
    this.#leaving.add(instance);
    this.#forget(key);
    const until = this.#deps.now() + lastCallsMs;
    while (instance.inFlight > 0 && this.#deps.now() < until && !this.#isClosed) {
      await delay(lastCallsLookMs, undefined, { ref: false });
    }
    await instance.close(cause);
    this.#leaving.delete(instance);
  }

  /** First of all: a call that comes now gets a new copy instead of this dying one. */
  #forget(key: string): void {
    this.#instances.delete(key);
    this.#users.delete(key);
    this.#abandoned.delete(key);
  }

  #create(entry: ServerEntry, resolved: Resolved, asker: Asker): Instance {
    const deps = this.#deps;
    this.#lastId += 1;
    const id = `${entry.slug}-${this.#lastId}`;
    const starter = (): Asker => this.#starters.get(instance) ?? asker;
    const headers = new Map<string, Record<string, string>>();
    // Never another session's: a token in them is whose it is.
    const headersOf = (owner: string | undefined) => headers.get(owner ?? '') ?? {};
    const startTimeoutMs = () =>
      (this.#entries.get(instance) ?? entry).startTimeoutMs ?? deps.config().daemon.startTimeoutMs;
    const instance: Instance = new Instance({
      id,
      key: resolved.instanceKey,
      snapshotKey: resolved.snapshotKey,
      server: entry.name,
      sharing: resolved.sharing,
      ...(resolved.folder ? { folder: resolved.folder } : {}),
      ...(resolved.spansFolders ? { spansFolders: true } : {}),
      ...(resolved.lifeId ? { lifeId: resolved.lifeId } : {}),
      opener: deps.createOpener({
        ...{ entry, resolved, instanceId: id, starter, headersOf },
        get startTimeoutMs() {
          return startTimeoutMs();
        },
      }),
      capabilities: deps.capabilities(entry, resolved),
      knownVersion: () => deps.knownVersion(resolved.snapshotKey),
      get startTimeoutMs() {
        return startTimeoutMs();
      },
      stderr: deps.createStderr(entry, id),
      events: deps.events,
      deps: { admission: this.#admission, log: deps.log, now: deps.now, random: deps.random },
    });
    this.#instances.set(resolved.instanceKey, instance);
    this.#entries.set(instance, entry);
    this.#headers.set(instance, headers);
    return instance;
  }
}

function closedError(server: string): AppError {
  return new AppError({
    code: 'DAEMON_GONE',
    message: `The mcp-proxy daemon is ending, so server "${server}" was not called.`,
    hint: 'Try again: the next call reaches the new daemon.',
    data: { mayHaveRun: false, retry: 'safe' },
  });
}
