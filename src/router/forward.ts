// One request of a session on its way to a server and back: start if need be, queue, ids, progress, time limit, cancel.
import { AppError } from '../base/errors.ts';
import type { Edit, Span } from '../base/json-scan.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import {
  idKey,
  memberAt,
  type NotificationEnvelope,
  type RequestEnvelope,
  type ResponseEnvelope,
  withEdits,
} from '../mcp/envelope.ts';
import { isLegacyVersion, modernVersion } from '../mcp/eras.ts';
import { failureLine, notificationLine } from '../mcp/messages.ts';
import { addEnvelopeEdits, type Envelope, envelopeEdits } from '../mcp/modern.ts';
import type { Session } from '../sessions/session.ts';
import type { Answer } from '../upstream/channel.ts';
import type { Instance } from '../upstream/instance.ts';
import type { Slot } from '../upstream/slot.ts';
import { FairQueue } from './queue.ts';

export type ForwardDeps = {
  /** Waits for the session's variables and for the start. */
  acquire: (session: Session, entry: ServerEntry) => Promise<{ instance: Instance; slot: Slot }>;
  /** The copy if it is ready now: the common case takes no detour. */
  findReady: (session: Session, entry: ServerEntry) => { instance: Instance; slot: Slot } | undefined;
  maxQueued: () => number;
  /** Most calls that one copy of that server gets at the same time. */
  maxConcurrent: (entry: ServerEntry) => number;
  /** The server answered, whatever it said. */
  onAnswered: (forward: Forward, instance: Instance, answer: ResponseEnvelope) => void;
  now: () => number;
};

export type Forward = {
  session: Session;
  request: RequestEnvelope;
  entry: ServerEntry;
  /** What differs in the message to the server, besides id and progress token. */
  edits: readonly Edit[];
  /** What differs in the answer to the host, besides its id. */
  onAnswer?: (answer: ResponseEnvelope) => readonly Edit[];
  /** Takes the outcome in place of the host: what was asked for is shown in another form. */
  onOutcome?: (outcome: Answer) => void;
};

/** A host shows that something happens; more often than this nobody reads. */
const startNoticeMs = 1_000;
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
      call.fail(error instanceof AppError ? error : unexpected(entry.name, error));
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
    call.withdraw ??= ticket.cancel;
  }

  #dispatch(call: Call, at: { instance: Instance; slot: Slot; queue: FairQueue }): void {
    const { instance, slot, queue } = at;
    const { request, entry, edits, session } = call.forward;
    const isStateless = session.protocolVersion === modernVersion;
    const hasSessions = isLegacyVersion(slot.introduction.protocolVersion);
    if (call.isOver) {
      queue.done();
      return;
    }
    const token = memberAt(request.line, request.params, ['_meta', 'progressToken']);
    instance.calls += 1;
    instance.lastUsedAt = this.#deps.now();
    let isDone = false;
    let timer: NodeJS.Timeout | undefined;
    const done = () => {
      if (isDone) return;
      isDone = true;
      clearTimeout(timer);
      instance.lastUsedAt = this.#deps.now();
      queue.done();
    };
    const id = slot.channel.request({
      method: request.method,
      owner: call.forward.session.id,
      related: idKey(request.idText),
      onPaused: () => session.pause(idKey(request.idText)),
      encode: (upstreamId) => {
        const own: Edit[] = [{ at: request.id, with: String(upstreamId) }];
        if (token) own.push({ at: token, with: String(upstreamId) });
        // To a server with sessions, what a request without one says of its client is no part of the message.
        if (isStateless && hasSessions) own.push(...envelopeEdits(request));
        // A program with a session cannot be asked in the middle of a call here, so it counts as one without abilities.
        if (!isStateless && !hasSessions) own.push(...addEnvelopeEdits(request, envelopeOf(session)));
        return withEdits(request.line, [...own, ...edits]);
      },
      onAnswer: (answer) => {
        done();
        if ('error' in answer && this.#mayTryAgain(call, answer.error)) void this.#start(call);
        else if ('error' in answer) call.fail(answer.error);
        else {
          this.#deps.onAnswered(call.forward, instance, answer.envelope);
          call.answer(answer.envelope);
        }
      },
      ...(token ? { onProgress: (progress: NotificationEnvelope) => call.progress(progress, token) } : {}),
    });
    const stop = (reason: string | undefined) => {
      slot.channel.cancel(id, reason);
      done();
    };
    call.stop = stop;
    const { timeoutMs } = entry;
    if (timeoutMs === undefined || isDone) return;
    timer = setTimeout(() => {
      stop('time limit');
      call.fail(timedOut(entry.name, timeoutMs));
    }, timeoutMs);
    timer.unref();
  }

  /** The server had forgotten our MCP session and did not take the call: once more, with a new one. */
  #mayTryAgain(call: Call, { data }: AppError): boolean {
    if (data?.['isSessionLost'] !== true || data['mayHaveRun'] !== false || call.wasTriedAgain) return false;
    call.wasTriedAgain = true;
    return !call.isOver;
  }

  #queueOf(slot: Slot, entry: ServerEntry): FairQueue {
    let queue = this.#queues.get(slot);
    if (!queue) {
      const hasRoom = () => slot.channel.unsentBytes < maxUnsentBytes;
      queue = new FairQueue({ maxQueued: 0, maxConcurrent: 1, hasRoom });
      const own = queue;
      slot.channel.onWritten = () => own.pump();
      this.#queues.set(slot, queue);
    }
    // Set with each call: after a reload the next one brings the limits of the new entry.
    const isSerial = entry.onAmbiguous === 'serialize' && slot.owner === undefined;
    queue.limits.maxQueued = this.#deps.maxQueued();
    queue.limits.maxConcurrent = isSerial ? 1 : this.#deps.maxConcurrent(entry);
    return queue;
  }
}

function envelopeOf({ client, logLevel }: Session): Envelope {
  const clientInfo = { name: client?.name ?? 'unknown', version: '0' };
  return { clientInfo, capabilities: {}, ...(logLevel === undefined ? {} : { logLevel }) };
}

/** The session's side of one request. */
class Call {
  readonly forward: Forward;
  readonly method: string;
  isOver = false;
  wasTriedAgain = false;
  /** Takes it out of the queue, if it still waits there. */
  withdraw: (() => boolean) | undefined;
  /** Tells the server to stop. */
  stop: ((reason: string | undefined) => void) | undefined;

  constructor(forward: Forward) {
    this.forward = forward;
    this.method = forward.request.method;
  }

  cancel(reason: string | undefined): void {
    if (!this.#end()) return;
    this.withdraw?.();
    this.stop?.(reason);
  }

  answer(envelope: ResponseEnvelope): void {
    if (!this.#end()) return;
    const { session, request, onAnswer, onOutcome } = this.forward;
    if (this.method === 'tools/call') session.noteResult(envelope);
    if (onOutcome) return onOutcome({ envelope });
    const edits: Edit[] = [{ at: envelope.id, with: request.idText }, ...(onAnswer?.(envelope) ?? [])];
    session.send(withEdits(envelope.line, edits), idKey(request.idText));
  }

  fail(error: AppError): void {
    if (!this.#end()) return;
    const { session, request } = this.forward;
    session.send(failureLine(request, error), idKey(request.idText));
  }

  progress({ line, params }: NotificationEnvelope, token: Span): void {
    if (this.isOver) return;
    const { session, request } = this.forward;
    const at = memberAt(line, params, ['progressToken']);
    if (!at) return;
    const restored = withEdits(line, [{ at, with: request.line.subarray(token.start, token.end) }]);
    session.send(restored, idKey(request.idText));
  }

  #end(): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    const key = idKey(this.forward.request.idText);
    if (this.forward.session.requests.get(key) === this) this.forward.session.requests.delete(key);
    return true;
  }
}

/** While a server starts, a host that asked for progress sees that it does. */
function noticeStart(call: Call, now: () => number): () => void {
  const { request, session, entry } = call.forward;
  const token = memberAt(request.line, request.params, ['_meta', 'progressToken']);
  if (!token) return () => {};
  const since = now();
  let step = 0;
  const timer = setInterval(() => {
    step += 1;
    const seconds = Math.round((now() - since) / 1000);
    // Must increase and stay below whatever the server itself will report later.
    const params = { progress: step * 1e-6, message: `Starting ${entry.name} (${seconds} s)` };
    const text = request.line.subarray(token.start, token.end).toString();
    const line = notificationLine('notifications/progress', { ...params, progressToken: 0 }).toString();
    const own = line.replace('"progressToken":0', () => `"progressToken":${text}`);
    session.send(Buffer.from(own), idKey(request.idText));
  }, startNoticeMs);
  timer.unref();
  return () => clearInterval(timer);
}

function overloaded(server: string, queued: number): AppError {
  return new AppError({
    code: 'SERVER_OVERLOADED',
    message: `Server "${server}" has ${queued} calls waiting already, so this one was not taken.`,
    hint: 'Try again in a moment.',
    data: { mayHaveRun: false },
  });
}

function timedOut(server: string, ms: number): AppError {
  return new AppError({
    code: 'SERVER_OVERLOADED',
    message: `Server "${server}" did not answer within its time limit of ${ms} ms; the call was cancelled and may have taken effect.`,
    hint: `Raise "timeoutMs" of this server in the config if it needs longer.`,
    data: { mayHaveRun: true },
  });
}

function unexpected(server: string, cause: unknown): AppError {
  return new AppError({
    code: 'SERVER_START_FAILED',
    message: `Server "${server}" could not be reached: ${cause instanceof Error ? cause.message : String(cause)}.`,
    hint: 'See `mcp-proxy logs`.',
    cause,
  });
}
