// Keeps one connection to a daemon: dial, start one when it is absent, and again for as long as the host lives.
// The only owner of the wrapper's state (state.ts).
import { type BackoffOptions, backoffMs } from '../base/backoff.ts';
import { AppError } from '../base/errors.ts';
import type { OversizeLine } from '../base/line-splitter.ts';
import { dial, type Link } from '../daemon-client/dial.ts';
import { HangWatch } from '../daemon-client/hang.ts';
import type { LaunchOutcome } from '../daemon-client/launch.ts';
import type { LinkFailure } from '../daemon-client/socket-file.ts';
import type { Hello, HelloReply } from '../link/hello.ts';
import type { Locations } from '../link/locations.ts';
import { type RelayEvent, type RelayState, transition } from './state.ts';

export type ReconnectorOptions = {
  /** Throws an AppError when the run folder cannot be used. Asked before each try: it may be repaired meanwhile. */
  claim: () => Locations;
  createHello: (locations: Locations) => Hello;
  launch: (locations: Locations) => Promise<LaunchOutcome>;
  maxLineBytes: number;
};

export type ReconnectorEvents = {
  onReady: (reply: HelloReply) => void;
  onLine: (line: Buffer) => void;
  onOversize: (line: OversizeLine) => void;
  onWritable: () => void;
  batch: (deliver: () => void) => void;
  /** An accepted connection ended; the next try is on its way. */
  onLost: (wasDraining: boolean) => void;
  /** No daemon can be used for now: whoever waits is answered with `reason`. */
  onUnavailable: () => void;
};

/** A busy daemon gets more time with each try, up to what a host would wait for a call. */
const helloTimeouts: BackoffOptions = { firstMs: 5_000, maxMs: 30_000, factor: 2 };
const retries: BackoffOptions = { firstMs: 25, maxMs: 2_000, factor: 2 };
/** What a person must repair is looked at again at this pace. */
const refusedRetryMs = 5_000;
/** A daemon that dies sooner after its hello dies of its start: only then do the pauses go on growing. */
const stableMs = 250;
/** After so many failed starts in a row requests are no longer held for the next. */
const startsBeforeDegraded = 3;

export class Reconnector {
  readonly #options: ReconnectorOptions;
  readonly #events: ReconnectorEvents;
  #state: RelayState = 'connecting';
  #link: Link | undefined;
  #reason: AppError | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #hang = new HangWatch();
  #tries = 0;
  #attempt = 0;
  #failedStarts = 0;
  #readySince = 0;
  #sleepsAfterDrain = false;
  #isAsleep = false;

  constructor(options: ReconnectorOptions, events: ReconnectorEvents) {
    this.#options = options;
    this.#events = events;
  }

  get state(): RelayState {
    return this.#state;
  }

  /** Counts the connections that were tried; what was sent on one is not on the next. */
  get attempt(): number {
    return this.#attempt;
  }

  /** Why there is no daemon, when that is known. */
  get reason(): AppError | undefined {
    return this.#reason;
  }

  start(): void {
    this.#dial();
  }

  /** A request needs a daemon: ends the pause after a stop. */
  wake(): void {
    if (!this.#isAsleep) return;
    this.#isAsleep = false;
    this.#dial();
  }

  /** False: hold back until onWritable. Only while ready or draining. */
  send(line: Uint8Array | string): boolean {
    return this.#link?.send(line) ?? true;
  }

  /** What `act` sends leaves in one system call. */
  batch(act: () => void): void {
    if (this.#link) this.#link.batch(act);
    else act();
  }

  pause(): void {
    this.#link?.pause();
  }

  resume(): void {
    this.#link?.resume();
  }

  /** The daemon takes nothing more. Without `restart` the next one is started when a request needs it. */
  drain(restart: boolean): void {
    if (this.#state !== 'ready') return;
    this.#sleepsAfterDrain = !restart;
    this.#step('drain');
  }

  end(): void {
    this.#step('end');
    clearTimeout(this.#timer);
    this.#link?.close();
    this.#link = undefined;
  }

  #step(event: RelayEvent): void {
    this.#state = transition(this.#state, event);
  }

  #dial(): void {
    if (this.#state === 'closed') return;
    let locations: Locations;
    try {
      locations = this.#options.claim();
    } catch (error) {
      this.#refuse(asAppError(error));
      return;
    }
    this.#step('dial');
    this.#attempt += 1;
    this.#link = dial(
      {
        socketPath: locations.socketPath,
        hello: this.#options.createHello(locations),
        helloTimeoutMs: backoffMs(this.#tries, helloTimeouts),
        maxLineBytes: this.#options.maxLineBytes,
      },
      {
        onHello: (reply) => {
          this.#step('accepted');
          this.#reason = undefined;
          this.#failedStarts = 0;
          this.#hang.reset();
          this.#readySince = Date.now();
          this.#events.onReady(reply);
        },
        onFailure: (failure) => this.#onFailure(failure, locations),
        onLine: this.#events.onLine,
        onOversize: this.#events.onOversize,
        onWritable: this.#events.onWritable,
        batch: this.#events.batch,
        onClose: () => this.#onClose(),
      },
    );
  }

  #onFailure({ kind, error }: LinkFailure, locations: Locations): void {
    this.#link = undefined;
    if (kind === 'refused') {
      this.#refuse(error);
      return;
    }
    if (kind === 'busy') {
      const hung = error.data?.['answered'] ? undefined : this.#hang.note(locations.pidPath);
      this.#fail(hung ?? error);
      return;
    }
    this.#step('launch');
    // The first absence starts a daemon at once; one that keeps vanishing is not started in a tight loop.
    this.#after(this.#pauseMs(), () => void this.#launch(locations));
  }

  async #launch(locations: Locations): Promise<void> {
    const outcome = await this.#options.launch(locations);
    if (this.#state === 'closed') return;
    if (outcome.kind !== 'failed') return this.#dial();
    this.#failedStarts += 1;
    const isFinal = outcome.error.code !== 'DAEMON_START_FAILED' || this.#failedStarts >= startsBeforeDegraded;
    if (isFinal) this.#refuse(outcome.error);
    else this.#fail(outcome.error);
  }

  #onClose(): void {
    const wasDraining = this.#state === 'draining';
    this.#link = undefined;
    this.#step('lost');
    const wasStable = Date.now() - this.#readySince >= stableMs;
    if (wasStable) this.#tries = 0;
    this.#isAsleep = wasDraining && this.#sleepsAfterDrain;
    this.#events.onLost(wasDraining);
    // The listener may have woken us already.
    if (this.#state !== 'lost' || this.#isAsleep) return;
    // The end of a daemon that lived is no failed try: if nobody listens, the next one is started without a pause.
    if (wasStable) this.#dial();
    else this.#after(this.#pauseMs(), () => this.#dial());
  }

  #fail(error: AppError): void {
    this.#reason = error;
    this.#step('failed');
    this.#after(this.#pauseMs(), () => this.#dial());
  }

  #refuse(error: AppError): void {
    this.#reason = error;
    this.#step('refused');
    this.#events.onUnavailable();
    this.#after(refusedRetryMs, () => this.#dial());
  }

  /** None before the first try of an outage. */
  #pauseMs(): number {
    this.#tries += 1;
    return this.#tries === 1 ? 0 : backoffMs(this.#tries - 2, retries);
  }

  #after(ms: number, act: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (ms === 0) act();
    else this.#timer = setTimeout(act, ms);
  }
}

function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const message = `The daemon cannot be looked for: ${error instanceof Error ? error.message : String(error)}`;
  return new AppError({ code: 'DAEMON_START_FAILED', message, cause: error });
}
