// One request of a session on its way to a server and back: start if need be, queue, ids, progress, time limit, cancel.
import { AppError, callFate } from '../base/errors.ts';
import type { Edit } from '../base/json-scan.ts';
import { ownCommand } from '../base/own-command.ts';
import { concurrencyOf } from '../config/known-servers.ts';
import type { Config } from '../config/load.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import { memberAt, type NotificationEnvelope, type ResponseEnvelope, withEdits } from '../mcp/envelope.ts';
import { idKey } from '../mcp/id-key.ts';
import { isInputRequired } from '../mcp/input-required.ts';
import { errorCode, modernCodes } from '../mcp/modern.ts';
import type { Session } from '../sessions/session.ts';
import type { Instance } from '../upstream/instance.ts';
import { NotSentError } from '../upstream/instance-errors.ts';
import type { Slot } from '../upstream/slot.ts';
import { Call, type Forward, noticeStart } from './call.ts';
import type { Copy } from './copies.ts';
import { type BridgedCall, crossingOf } from './era-bridge.ts';
import type { InputRounds } from './input-rounds.ts';
import { notRunError } from './not-run.ts';
import { FairQueue } from './queue.ts';

export type ForwardDeps = {
  /** Waits for the session's variables and for the start. */
  acquire: (session: Session, entry: ServerEntry) => Promise<Copy>;
  /** The copy if it is ready now: the common case takes no detour. */
  findReady: (session: Session, entry: ServerEntry) => Copy | undefined;
  maxQueued: () => number;
  /** Most calls that one copy of that server gets at the same time. */
  maxConcurrent: (entry: ServerEntry) => number;
  /** The server answered, whatever it said. */
  onAnswered: (forward: Forward, instance: Instance, answer: ResponseEnvelope) => void;
  /** For servers that ask by their answer. */
  rounds: InputRounds;
  /** Headers that the tool's definition asks for; undefined: none. */
  headersFor: (forward: Forward, instance: Instance, slot: Slot) => Readonly<Record<string, string>> | undefined;
  /** Whether programs with sessions are given another definition of the tool than its server wrote. */
  isReshaped: (forward: Forward, instance: Instance, slot: Slot) => boolean;
  /** Resolves when the copy's definitions were fetched anew. */
  relearn: (slot: Slot) => Promise<void>;
  now: () => number;
};

type Finish = { (): void; isDone?: boolean; timer?: NodeJS.Timeout };

/** Enough to keep a pipe busy; more would let one session's burst stand before everyone else's next call. */
const maxUnsentBytes = 1024 * 1024;

export class Forwarder {
  readonly #deps: ForwardDeps;
  readonly #queues = new WeakMap<Slot, FairQueue>();

  constructor(deps: ForwardDeps) {
    this.#deps = deps;
  }

  queuedAt(slot: Slot): number {
    return this.#queues.get(slot)?.queued ?? 0;
  }

  /** Answers the session exactly once, unless it cancels or ends first. */
  forward(forward: Forward): void {
    const { session, request, entry } = forward;
    const call = new Call(forward);
    session.requests.set(idKey(request.idText), call);
    const ready = this.#deps.findReady(session, entry);
    if (ready) this.#enqueue(call, ready.instance, ready.slot);
    else void this.#start(call);
  }

  async #start(call: Call): Promise<void> {
    const { session, entry } = call.forward;
    const stopNotices = noticeStart(call, this.#deps.now);
    try {
      const { instance, slot } = await this.#deps.acquire(session, entry);
      if (!call.isOver) this.#enqueue(call, instance, slot);
    } catch (error) {
      call.fail(notRunError(entry.name, error instanceof AppError ? error : unexpected(entry.name, error)));
    } finally {
      stopNotices();
    }
  }

  #enqueue(call: Call, instance: Instance, slot: Slot): void {
    const { session, entry } = call.forward;
    const queue = this.#queueOf(slot, entry);
    const ticket = queue.push(session.id, () => this.#dispatch(call, { instance, slot, queue }));
    if (!ticket) {
      call.fail(overloaded(entry.name, queue.queued));
      return;
    }
    call.withdraw = ticket.cancel;
  }

  #dispatch(call: Call, at: { instance: Instance; slot: Slot; queue: FairQueue }): void {
    const { instance, slot, queue } = at;
    const { request, edits, session } = call.forward;
    if (call.isOver) {
      queue.done();
      return;
    }
    const crossing = crossingOf(call, at, () => this.#deps.isReshaped(call.forward, instance, slot));
    const token = memberAt(request.line, request.params, ['_meta', 'progressToken']);
    instance.calls += 1;
    const done = this.#begin(instance, queue);
    const headers = this.#deps.headersFor(call.forward, instance, slot);
    const id = slot.channel.request({
      method: request.method,
      owner: session.id,
      related: idKey(request.idText),
      onPaused: () => session.pause(idKey(request.idText)),
      ...(headers ? { headers } : {}),
      encode: (upstreamId) => {
        const own: Edit[] = [{ at: request.id, with: String(upstreamId) }];
        if (token) own.push({ at: token, with: String(upstreamId) });
        return withEdits(request.line, [...own, ...crossing.requestEdits(), ...edits]);
      },
      onAnswer: (answer) => {
        done();
        if (!('error' in answer)) this.#answered(call, at, crossing, answer.envelope);
        // In the next turn: its slot ends right after it has told of this.
        else if (this.#mayTryAgain(call, answer.error)) setImmediate(() => void this.#start(call));
        else call.fail(answer.error);
      },
      ...(token ? { onProgress: (progress: NotificationEnvelope) => call.progress(progress, token) } : {}),
    });
    call.stop = (reason) => {
      slot.channel.cancel(id, reason);
      done();
    };
    this.#limit(call, done);
  }

  /** Returns what ends it, which is called at least once. */
  #begin(instance: Instance, queue: FairQueue): Finish {
    instance.lastUsedAt = this.#deps.now();
    const finish: Finish = () => {
      if (finish.isDone) return;
      finish.isDone = true;
      clearTimeout(finish.timer);
      instance.lastUsedAt = this.#deps.now();
      queue.done();
    };
    return finish;
  }

  #limit(call: Call, done: Finish): void {
    const { timeoutMs, name } = call.forward.entry;
    if (timeoutMs === undefined || done.isDone) return;
    done.timer = setTimeout(() => {
      call.stop?.('time limit');
      call.fail(timedOut(name, timeoutMs));
    }, timeoutMs);
    done.timer.unref();
  }

  #answered(call: Call, { instance, slot }: Copy, crossing: BridgedCall, envelope: ResponseEnvelope): void {
    if (crossing.isDriven && isInputRequired(envelope)) return void this.#nextRound(call, instance, envelope);
    if (this.#hasOldHeaders(call, slot, envelope)) return void this.#withNewHeaders(call, instance, slot, envelope);
    this.#deps.onAnswered(call.forward, instance, envelope);
    const failure = crossing.failureOf(envelope);
    if (failure) call.fail(failure);
    else call.answer(envelope, crossing.answerEdits(envelope));
  }

  /** The server asks first: the host is asked, then the call is sent anew, if need be to a new copy. */
  async #nextRound(call: Call, instance: Instance, envelope: ResponseEnvelope): Promise<void> {
    try {
      await this.#deps.rounds.take(call, instance, envelope);
    } catch (error) {
      return call.fail(error instanceof AppError ? error : unexpected(call.forward.entry.name, error));
    }
    if (!call.isOver) await this.#start(call);
  }

  /** Refused before it ran, because its headers were made from a definition that has changed since. */
  #hasOldHeaders(call: Call, { transport }: Slot, envelope: ResponseEnvelope): boolean {
    if (!transport.takesHeaders || call.method !== 'tools/call' || call.wasTriedAgain) return false;
    return errorCode(envelope) === modernCodes.headerMismatch;
  }

  async #withNewHeaders(call: Call, instance: Instance, slot: Slot, envelope: ResponseEnvelope): Promise<void> {
    call.wasTriedAgain = true;
    call.stop = undefined;
    await this.#deps.relearn(slot);
    if (call.isOver) return;
    if (this.#deps.headersFor(call.forward, instance, slot)) await this.#start(call);
    else call.answer(envelope);
  }

  /** The call cannot have run: its server was gone before its turn came, or had forgotten our MCP session. */
  #mayTryAgain(call: Call, error: AppError): boolean {
    if (error instanceof NotSentError) return error.goesOn && !call.isOver;
    const { data } = error;
    // Once only: a server may forget each session.
    if (data?.['isSessionLost'] !== true || data['mayHaveRun'] !== false || call.wasTriedAgain) return false;
    call.wasTriedAgain = true;
    return !call.isOver;
  }

  #queueOf(slot: Slot, entry: ServerEntry): FairQueue {
    let queue = this.#queues.get(slot);
    if (!queue) {
      // What waits for a server that is gone goes on to the next one.
      const hasRoom = () => slot.channel.isLost || slot.channel.unsentBytes < maxUnsentBytes;
      queue = new FairQueue({ maxQueued: 0, maxConcurrent: 1, hasRoom });
      const own = queue;
      slot.channel.onRoom = () => own.pump();
      this.#queues.set(slot, queue);
    }
    // Set with each call: after a reload the next one brings the limits of the new entry.
    const isSerial = entry.onAmbiguous === 'serialize' && slot.owner === undefined;
    queue.limits.maxQueued = this.#deps.maxQueued();
    queue.limits.maxConcurrent = isSerial ? 1 : this.#deps.maxConcurrent(entry);
    return queue;
  }
}

function overloaded(server: string, queued: number): AppError {
  return new AppError({
    code: 'SERVER_OVERLOADED',
    message: `Server "${server}" has ${queued} calls waiting already, so this one was not taken.`,
    hint: 'Try again in a moment.',
    data: callFate('SERVER_OVERLOADED'),
  });
}

function timedOut(server: string, ms: number): AppError {
  return new AppError({
    code: 'CALL_TIMEOUT',
    message: `Server "${server}" did not answer within its limit of ${ms} ms. The call was cancelled; it may have run.`,
    hint: `Check its effect before you repeat it. If the server needs longer, raise "timeoutMs" of its entry in the config.`,
    data: callFate('CALL_TIMEOUT'),
  });
}

function unexpected(server: string, cause: unknown): AppError {
  return new AppError({
    code: 'SERVER_START_FAILED',
    message: `Server "${server}" could not be reached: ${cause instanceof Error ? cause.message : String(cause)}.`,
    hint: `See \`${ownCommand(`logs ${server}`)}\`.`,
    cause,
  });
}

// How many calls one copy of a server gets at the same time. Asked with every call, so it is worked out once per config.
export function createCallLimits(config: () => Config): (entry: ServerEntry) => number {
  let basis: Config | undefined;
  let known = new WeakMap<ServerEntry, number>();
  return (entry) => {
    const current = config();
    if (current !== basis) {
      basis = current;
      known = new WeakMap();
    }
    const limit = known.get(entry) ?? concurrencyOf(entry, current.knownServers) ?? Number.POSITIVE_INFINITY;
    known.set(entry, limit);
    return limit;
  };
}
