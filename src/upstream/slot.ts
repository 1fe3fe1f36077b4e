// One opened MCP session with a server: transport, handshake, ids. A pipe has one for all; HTTP has one for each session.
import { lastChars } from '../base/cut-text.ts';
import { AppError, callFate } from '../base/errors.ts';
import { firstText } from '../base/last-text.ts';
import { ownCommand } from '../base/own-command.ts';
import { plainLine } from '../base/plain-text.ts';
import type { Problem } from '../link/control.ts';
import type { NotificationEnvelope, RequestEnvelope } from '../mcp/envelope.ts';
import { endsOf, readEnds } from '../mcp/envelope-ends.ts';
import { resultLine } from '../mcp/messages.ts';
import { Channel } from './channel.ts';
import { type Introduction, introduce } from './handshake.ts';
import { diedBeforeError, notSentError, type StopCause, stoppedError } from './instance-errors.ts';
import type { StderrSink } from './process/stderr-sink.ts';
import type { Transport, TransportEvents, TransportExit } from './transports/transport.ts';

export type SlotEvents = {
  onServerRequest: (slot: Slot, envelope: RequestEnvelope, stream: string | undefined) => void;
  onNotification: (slot: Slot, envelope: NotificationEnvelope, stream: string | undefined) => void;
  /** It wrote a message that nobody can be given. */
  onRefused: (refused: RefusedMessage) => void;
  onExit: (slot: Slot, exit: SlotExit) => void;
};

/** `wasAsked`: something of a session was sent and not answered. */
export type SlotExit = TransportExit & { readonly wasAsked: boolean };

export type RefusedMessage = { readonly reason: string; readonly bytes: number };

export type Slot = {
  /** The session it belongs to; absent: shared by all of the instance. */
  readonly owner: string | undefined;
  readonly channel: Channel;
  readonly introduction: Introduction;
  readonly transport: Transport;
  /** How often anything of it was read: answers, text, stderr. */
  readonly heard: number;
  /** We end it: its calls are told why. Resolves when everything that was started is gone. */
  close: (cause: StopCause) => Promise<void>;
};

export type OpenSlot = {
  server: string;
  owner: string | undefined;
  capabilities: Record<string, unknown>;
  /** The protocol version that it spoke when it was last seen. */
  knownVersion?: string | undefined;
  /** After which `signal` is aborted. */
  limitMs: number;
  open: (events: TransportEvents) => Promise<Transport>;
  stderr: StderrSink;
  events: SlotEvents;
  /** Aborted when the handshake must end: the start limit, or a stop meanwhile. */
  signal: AbortSignal;
};

/** Of a server's last output, in an error: enough for a message, little enough for a model. */
const maxWords = 600;

/** Opens and introduces. Rejects with an AppError that says why; then nothing of it runs any more. */
export async function openSlot(options: OpenSlot): Promise<Slot> {
  const { server, stderr, events } = options;
  let slot: Slot | undefined;
  let exited: TransportExit | undefined;
  let closing: StopCause | undefined;
  let heard = 0;
  const early = new EarlyMessages();
  const channel = new Channel(
    lateTransport(() => transport),
    {
      onServerRequest: (request, stream) => {
        // Some make sure of us before they answer our handshake.
        if (!slot && request.method === 'ping') return channel.send(resultLine(request.idText, '{}'));
        early.hold(request, (held) => slot && events.onServerRequest(slot, held, stream));
      },
      onNotification: (notification, stream) => {
        early.hold(notification, (held) => slot && events.onNotification(slot, held, stream));
      },
      onInvalid: ({ line, reason, idText }) => {
        const { id, hasMethod } = readEnds(endsOf(line));
        const beginning = firstText(line, 200);
        stderr.note(`[not a valid message] ${reason}: ${beginning}`);
        events.onRefused({ reason, bytes: line.length });
        // A request of its own may have a number that one of ours has.
        const answered = hasMethod ? undefined : (idText ?? id);
        if (answered !== undefined) {
          channel.failRequest(answered, invalidAnswer({ server, reason, beginning, wasReady: slot !== undefined }));
        }
      },
    },
  );
  const transport: Transport = await options.open({
    onMessage: (line, stream) => {
      heard += 1;
      channel.receive(line, stream);
    },
    onGarbage: (what) => {
      heard += 1;
      stderr.note(`[stdout, not a message] ${what}`);
    },
    onOversize: (ends, stream) => {
      heard += 1;
      const { bytes } = ends;
      const { id, hasMethod } = readEnds(ends);
      stderr.note(`[a message of ${bytes} bytes was over the limit and dropped]`);
      events.onRefused({ reason: 'over daemon.maxMessageBytes', bytes });
      // Where neither end has an id, it still came as the answer to a request.
      const answered = hasMethod ? undefined : (id ?? stream);
      if (answered !== undefined) channel.failRequest(answered, oversize(server, bytes));
    },
    onRequestFailed: (id, error) => channel.failRequest(id, error),
    onStreamPaused: (id) => channel.pauseRequest(id),
    onStderr: (chunk) => {
      heard += 1;
      stderr.write(chunk);
    },
    onExit: (exit) => {
      exited = exit;
      const { isAsked } = channel;
      // Before it is ready only its own handshake speaks to it, which is told how it ended.
      if (!slot) channel.lose(exitError(server, exit, stderr.tail(), false));
      else if (closing && exit.reason === 'closed')
        channel.lose(stoppedError(server, closing), notSentError(server, closing));
      else channel.lose(exitError(server, exit, stderr.tail(), true), diedBeforeError(server));
      if (slot) events.onExit(slot, { ...exit, wasAsked: isAsked });
    },
  });
  const abort = () => void transport.close('the start was given up');
  options.signal.addEventListener('abort', abort, { once: true });
  try {
    const { capabilities, knownVersion, limitMs } = options;
    const introduction = await introduce(channel, { server, capabilities, knownVersion, limitMs });
    if (exited) throw exitError(server, exited, stderr.tail(), false);
    const close = (cause: StopCause) => {
      closing ??= cause;
      return transport.close(cause.why);
    };
    slot = {
      ...{ owner: options.owner, channel, introduction, transport, close },
      get heard() {
        return heard;
      },
    };
    early.release();
    return slot;
  } catch (error) {
    await transport.close('the start failed');
    if (options.signal.aborted && options.signal.reason instanceof AppError) throw options.signal.reason;
    throw error;
  } finally {
    options.signal.removeEventListener('abort', abort);
  }
}

/** More than any server says before it has introduced itself, in messages and in bytes. */
const maxEarly = 100;
const maxEarlyBytes = 1024 * 1024;

/** What a server says before its introduction is over: nobody could tell whose it is until then. */
class EarlyMessages {
  #held: (() => void)[] | undefined = [];
  #bytes = 0;

  hold<T extends { readonly line: Buffer }>(message: T, act: (message: T) => void): void {
    if (!this.#held) return act(message);
    if (this.#held.length >= maxEarly || this.#bytes + message.line.length > maxEarlyBytes) return;
    this.#bytes += message.line.length;
    // The line is a view of what is read into again.
    const copy = { ...message, line: Buffer.from(message.line) };
    this.#held.push(() => act(copy));
  }

  /** In a moment: whoever opened the session has to know of it. */
  release(): void {
    setImmediate(() => {
      const held = this.#held ?? [];
      this.#held = undefined;
      for (const act of held) act();
    });
  }
}

/** The channel exists before its transport does: events of the transport need it. */
function lateTransport(get: () => Transport): Transport {
  return {
    send: (line, id, options) => get().send(line, id, options),
    cancel: (id) => get().cancel?.(id),
    close: (reason) => get().close(reason),
    setProtocolVersion: (version) => get().setProtocolVersion?.(version),
    pause: () => get().pause(),
    resume: () => get().resume(),
  };
}

function oversize(server: string, bytes: number): AppError {
  return new AppError({
    code: 'MESSAGE_TOO_LARGE',
    message: `Server "${server}" answered with ${bytes} bytes, more than daemon.maxMessageBytes allows.`,
    hint: 'Ask for less at once, or raise daemon.maxMessageBytes in the config.',
  });
}

type InvalidAnswer = { server: string; reason: string; beginning: string; wasReady: boolean };

function invalidAnswer({ server, reason, beginning, wasReady }: InvalidAnswer): AppError {
  const message = `Server "${server}" answered with what is no valid message (${reason}), so it was not passed on. It begins: ${plainLine(beginning)} …`;
  const hint = `The server has to be corrected; see \`${ownCommand(`logs ${server}`)}\`.`;
  if (!wasReady) return new AppError({ code: 'SERVER_START_FAILED', message, hint });
  const data = callFate('MESSAGE_INVALID');
  return new AppError({ code: 'MESSAGE_INVALID', message, hint: `The call may have taken effect. ${hint}`, data });
}

/** What a caller is told when a server ended: how, its last words, whether the call may have run. */
export function exitError(server: string, exit: TransportExit, stderrTail: string, wasReady: boolean): AppError {
  if (exit.error instanceof AppError) return exit.error;
  const how = describeExit(exit);
  const words = stderrTail ? ` Its last output: ${lastChars(stderrTail, maxWords)}` : '';
  if (!wasReady) {
    return new AppError({
      code: 'SERVER_START_FAILED',
      message: `Server "${server}" ${how} before it was ready.${words}`,
      hint: `See \`${ownCommand(`logs ${server}`)}\`.`,
      data: exitData(exit, stderrTail),
    });
  }
  return new AppError({
    code: 'SERVER_CRASHED',
    message: `Server "${server}" ${how} while this call was running; it may or may not have taken effect.${words}`,
    hint: `It starts again with the next call. Check what happened before you repeat something that changes state. Its output: \`${ownCommand(`logs ${server}`)}\`.`,
    data: { ...exitData(exit, stderrTail), ...callFate('SERVER_CRASHED') },
  });
}

function describeExit({ reason, code, signal }: TransportExit): string {
  // A server that was asked to end has an exit as well, which says nothing about it.
  if (reason === 'closed') return 'was stopped';
  if (signal) return `was ended by ${signal}`;
  if (typeof code === 'number') return `exited with code ${code}`;
  return reason === 'lost' ? 'closed its connection' : 'could not be started';
}

/** What `status` says of the last end. */
export function exitProblem(exit: TransportExit, livedMs: number, stderrTail: string): Problem {
  const message =
    `It ${describeExit(exit)} after ${Math.round(livedMs / 1000)} s. ${lastChars(stderrTail, 300)}`.trim();
  return { code: 'SERVER_CRASHED', message };
}

/** The same for programs. */
export function exitData({ code, signal }: Partial<TransportExit>, stderrTail: string): Record<string, unknown> {
  return {
    ...(code == null ? {} : { exitCode: code }),
    ...(signal ? { signal } : {}),
    ...(stderrTail ? { stderr: lastChars(stderrTail, maxWords) } : {}),
  };
}
