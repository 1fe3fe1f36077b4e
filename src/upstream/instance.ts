// One running copy of an upstream: starts on demand, is restarted with pauses, ends as a tree. Owned by the supervisor.
import { pause } from '../base/backoff.ts';
import type { AppError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { InstanceState, Problem } from '../link/control.ts';
import type { Admission } from './admission.ts';
import { CrashHistory, type Death, isAtEase } from './crash-history.ts';
import {
  crashLoop,
  NotSentError,
  notSentError,
  problemOf,
  type StopCause,
  startFailure,
  stopCauses,
} from './instance-errors.ts';
import { type InstanceIdentity, identityOf } from './instance-key.ts';
import { type InstanceEvent, nextInstanceState } from './instance-state.ts';
import { openCopy, type StartOptions } from './open-copy.ts';
import type { LaunchDescription } from './reach.ts';
import { exitData, exitProblem, type RefusedMessage, type Slot, type SlotEvents, type SlotExit } from './slot.ts';
import type { TransportExit } from './transports/transport.ts';

/** The same as SlotEvents, with the instance first. */
export type InstanceEvents = {
  onReady: (instance: Instance, slot: Slot) => void;
  onServerRequest: (instance: Instance, ...rest: Parameters<SlotEvents['onServerRequest']>) => void;
  onServerNotification: (instance: Instance, ...rest: Parameters<SlotEvents['onNotification']>) => void;
  onExit: (instance: Instance, slot: Slot, exit: TransportExit) => void;
};

export type InstanceOptions = InstanceIdentity &
  StartOptions & {
    events: InstanceEvents;
    deps: { admission: Admission; log: Log; now: () => number; random: () => number };
  };

const shared = '';

export class Instance {
  readonly identity: InstanceIdentity;
  readonly #options: InstanceOptions;
  readonly #slots = new Map<string, Slot>();
  readonly #opening = new Map<string, Promise<Slot>>();
  readonly #crashes = new CrashHistory();
  #abort = new AbortController();
  #state: InstanceState = 'stopped';
  #ending: Promise<void> | undefined;
  #failure: AppError | undefined;
  /** Exit code, signal and last words of the last death. */
  #lastEnd: Record<string, unknown> = {};
  /** Ended for good, and why. */
  #closed: StopCause | undefined;
  #startedAt = 0;
  #refused = 0;
  restarts = 0;
  calls = 0;
  lastUsedAt: number;
  lastError: Problem | undefined;

  constructor(options: InstanceOptions) {
    this.identity = identityOf(options);
    this.#options = options;
    this.lastUsedAt = options.deps.now();
  }

  get state(): InstanceState {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#options.opener.pid();
  }

  /** A process of ours. */
  get isLocal(): boolean {
    return this.#options.opener.isLocal;
  }

  describe(): LaunchDescription {
    return this.#options.opener.describe();
  }

  get startedAt(): number | undefined {
    return this.#state === 'ready' || this.#state === 'starting' ? this.#startedAt : undefined;
  }

  get inFlight(): number {
    return [...this.#slots.values()].reduce((sum, slot) => sum + slot.channel.inFlight, 0);
  }

  /** Whose connections are open or being opened: sessions, or the one name that stands for all. */
  owners(): readonly string[] {
    return [...new Set([...this.#slots.keys(), ...this.#opening.keys()])];
  }

  slots(): readonly Slot[] {
    return [...this.#slots.values()];
  }

  /** The open slot for this session, without starting anything. */
  findSlot(owner: string): Slot | undefined {
    return this.#slots.get(this.#slotKey(owner));
  }

  /** The slot for this session, started if need be. Everyone who asks meanwhile gets the same start. */
  async acquire(owner: string): Promise<Slot> {
    for (;;) {
      try {
        return await this.#acquireNow(owner);
      } catch (error) {
        // Ended while it started, to start anew: whoever waits goes on with the new one.
        if (!(error instanceof NotSentError) || !error.goesOn || this.#closed) throw error;
      }
    }
  }

  async #acquireNow(owner: string): Promise<Slot> {
    this.lastUsedAt = this.#options.deps.now();
    while (this.#ending) await this.#ending;
    // Who waited for an end must not start what nobody would end any more.
    if (this.#closed) throw notSentError(this.identity.server, this.#closed);
    const key = this.#slotKey(owner);
    const open = this.#slots.get(key);
    if (open) return open;
    if (this.#state === 'failed' && this.#failure) {
      if (!this.#crashes.mayRetry(owner, this.#options.deps.now())) throw this.#failure;
      this.#go('retry');
    }
    let opening = this.#opening.get(key);
    if (!opening) {
      opening = this.#open(key).finally(() => this.#opening.delete(key));
      this.#opening.set(key, opening);
    }
    return opening.catch((error: unknown) => {
      if (this.#state === 'failed') this.#crashes.tell(owner);
      throw error;
    });
  }

  /** A session left: its own MCP session with the server ends too. */
  release(owner: string): void {
    this.#crashes.forget(owner);
    if (!this.#options.opener.isPerSession) return;
    void this.#slots.get(owner)?.close(stopCauses.sessionEnded);
  }

  /** Ends MCP sessions whose session is gone or has another copy now: a start is not cut off, but may come too late. */
  closeUnused(users: ReadonlySet<string>): void {
    if (!this.#options.opener.isPerSession) return;
    for (const [owner, slot] of this.#slots) {
      if (!users.has(owner) && slot.channel.inFlight === 0) void slot.close(stopCauses.notUsed);
    }
  }

  /** Ends it as a tree. Idempotent; a later acquire starts it again. */
  async stop(cause: StopCause): Promise<void> {
    if (this.#ending) return this.#ending;
    this.#abort.abort(notSentError(this.identity.server, cause));
    this.#abort = new AbortController();
    this.#go('stop');
    this.#ending = this.#end(cause);
    await this.#ending;
    this.#ending = undefined;
    this.#go('ended');
  }

  /** Ends it for good: nothing starts it again. */
  close(cause: StopCause): Promise<void> {
    this.#closed ??= cause;
    return this.stop(cause);
  }

  /** A person asked: forget the crashes, leave `failed`. */
  reset(): void {
    this.#crashes.reset();
    this.lastError = undefined;
    this.#go('reset');
  }

  #go(event: InstanceEvent): void {
    this.#state = nextInstanceState(this.#state, event);
  }

  #slotKey(owner: string): string {
    return this.#options.opener.isPerSession ? owner : shared;
  }

  async #open(key: string): Promise<Slot> {
    const { deps, server } = this.#options;
    const signal = this.#abort.signal;
    this.#go('start');
    const begin = deps.now();
    try {
      await pause(this.#crashes.waitMs(deps.now()), signal);
      const slot = await deps.admission.run(() => this.#openNow(key, signal));
      if (signal.aborted) {
        await slot.transport.close('stopped during the start');
        throw signal.reason;
      }
      this.#slots.set(key, slot);
      this.#go('opened');
      if (this.#startedAt > 0) this.restarts += 1;
      this.#startedAt = deps.now();
      this.lastError = undefined;
      const ms = deps.now() - begin;
      deps.log.info('server.ready', { server, instance: this.identity.id, serverPid: this.pid, ms });
      this.#options.events.onReady(this, slot);
      return slot;
    } catch (error) {
      this.#startFailed(error, signal.aborted);
      throw error;
    }
  }

  #openNow(key: string, signal: AbortSignal): Promise<Slot> {
    const { events } = this.#options;
    return openCopy(this.#options, {
      owner: key === shared ? undefined : key,
      signal,
      // A process that serves others already goes on with its words.
      isFirst: () => this.#slots.size === 0 && this.#opening.size <= 1,
      events: {
        onServerRequest: (...message) => events.onServerRequest(this, ...message),
        onNotification: (...message) => events.onServerNotification(this, ...message),
        onRefused: (refused) => this.#noteRefused(refused),
        onExit: (slot, exit) => this.#slotExited(key, slot, exit),
      },
    });
  }

  #startFailed(error: unknown, wasStopped: boolean): void {
    const { deps, server } = this.#options;
    if (wasStopped) return;
    const failure = startFailure(server, error);
    this.lastError = problemOf(failure);
    deps.log.warn('server.start-failed', { server, instance: this.identity.id, error: failure });
    // What a person has to fix (install it, set a variable, log in) is no crash: the next call simply tries again.
    this.#lastEnd = failure.data ?? {};
    const isCrash = failure.code === 'SERVER_START_FAILED' || failure.code === 'SERVER_START_TIMEOUT';
    const signal = failure.data?.['signal'] === 'SIGKILL' ? 'SIGKILL' : null;
    // What never was ready has not lived, however long it was waited for.
    if (isCrash) this.#recordDeath({ code: null, signal, wasAsked: true }, 0);
    this.#afterDeath(isCrash);
  }

  /** Each tenfold only: a server that writes nothing else must not fill the log. */
  #noteRefused({ reason, bytes }: RefusedMessage): void {
    this.#refused += 1;
    const { deps, server } = this.#options;
    if (!Number.isInteger(Math.log10(this.#refused))) return;
    const soFar = this.#refused;
    deps.log.warn('server.message-refused', { server, instance: this.identity.id, reason, bytes, soFar });
  }

  #slotExited(key: string, slot: Slot, exit: SlotExit): void {
    if (this.#slots.get(key) === slot) this.#slots.delete(key);
    const { deps, events, server, stderr, opener } = this.#options;
    events.onExit(this, slot, exit);
    if (exit.reason === 'closed' || this.#state === 'stopping') {
      if (this.#slots.size === 0 && this.#state === 'ready' && !opener.isPerSession) this.#go('gone');
      return;
    }
    const lived = deps.now() - this.#startedAt;
    const { code, signal, wasAsked } = exit;
    this.#recordDeath({ code, signal, wasAsked }, lived);
    const end = { server, instance: this.identity.id, code, signal, livedMs: lived };
    if (!isAtEase(exit)) {
      const words = stderr.tail();
      [this.lastError, this.#lastEnd] = [exitProblem(exit, lived, words), exitData(exit, words)];
      deps.log.warn('server.exited', end);
    } else deps.log.info('server.ended', end);
    this.#afterDeath();
  }

  #recordDeath(death: Death, livedMs: number): void {
    const { deps, opener } = this.#options;
    // One process that dies takes the MCP sessions of all with it: that is one death.
    if (!opener.isLocal || (opener.isPerSession && this.#crashes.isEcho(deps.now()))) return;
    this.#crashes.record(death, livedMs, deps.now(), deps.random);
  }

  #afterDeath(isCrash = true): void {
    if (this.#slots.size > 0 || this.#state === 'stopping') return;
    if (!isCrash || !this.#crashes.isCrashLoop) return this.#go('gone');
    const last = { message: this.lastError?.message, data: this.#lastEnd };
    this.#failure = crashLoop(this.#options.server, this.#crashes.deaths, last);
    this.#go('crashLoop');
    this.lastError = problemOf(this.#failure);
  }

  async #end(cause: StopCause): Promise<void> {
    const slots = [...this.#slots.values()];
    this.#slots.clear();
    const opening = [...this.#opening.values()];
    await Promise.allSettled([...slots.map((slot) => slot.close(cause)), ...opening]);
    await this.#options.opener.close?.(cause.why);
  }
}
