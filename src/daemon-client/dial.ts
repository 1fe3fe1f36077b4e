// One connection to the daemon: connect, hello at once, then lines both ways. Starts nothing, unlinks nothing:
// only ENOENT and ECONNREFUSED prove that nobody listens (socket-file.ts).

import { createConnection, type Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { AppError, isErrorCode } from '../base/errors.ts';
import { isRecord } from '../base/guards.ts';
import { firstText } from '../base/last-text.ts';
import { LineSplitter, type OversizeLine } from '../base/line-splitter.ts';
import { writeLine } from '../base/line-writer.ts';
import { intoOneBuffer } from '../base/one-buffer.ts';
import { type Hello, type HelloReply, linkMethods, parseHelloReply } from '../link/hello.ts';
import { busy, classifyConnectError, inspectSocketFile, type LinkFailure } from './socket-file.ts';

export type DialOptions = {
  socketPath: string;
  hello: Hello;
  /** A busy daemon says hello late; a shorter limit would be read as an outage by everyone at once. */
  helloTimeoutMs: number;
  maxLineBytes: number;
};

export type LinkEvents = {
  onHello: (reply: HelloReply) => void;
  /** The connection ended before a hello was accepted. No other event follows. */
  onFailure: (failure: LinkFailure) => void;
  /** The line is valid until this returns. */
  onLine: (line: Buffer) => void;
  /** Around all lines that arrived at once: what they lead to can leave at once too. */
  batch: (deliver: () => void) => void;
  onOversize: (line: OversizeLine) => void;
  /** What was written has left; more may be sent. */
  onWritable: () => void;
  /** The accepted connection ended. */
  onClose: () => void;
};

export type Link = {
  /** What `act` sends leaves in one system call. */
  batch: (act: () => void) => void;
  /** False: hold back until onWritable. */
  send: (line: Uint8Array | string) => boolean;
  pause: () => void;
  resume: () => void;
  close: () => void;
};

export function dial(options: DialOptions, events: LinkEvents): Link {
  const unusable = inspectSocketFile(options.socketPath);
  if (unusable) {
    // Later, so that the caller holds the link before it hears of its end.
    const timer = setImmediate(() => events.onFailure(unusable));
    return {
      batch: (act) => act(),
      send: () => true,
      pause: () => {},
      resume: () => {},
      close: () => clearImmediate(timer),
    };
  }
  const socket = createConnection({
    path: options.socketPath,
    onread: intoOneBuffer((chunk) => events.batch(() => splitter.push(chunk))),
  });
  socket.write(
    `${JSON.stringify({ jsonrpc: '2.0', id: 'hello', method: linkMethods.hello, params: options.hello })}\n`,
  );
  const link = socketLink(socket);
  let phase: 'hello' | 'open' | 'ended' = 'hello';

  const fail = (failure: LinkFailure) => {
    if (phase !== 'hello') return;
    phase = 'ended';
    clearTimeout(timer);
    socket.destroy();
    events.onFailure(failure);
  };
  const timer = setTimeout(
    () => fail(busy(`The daemon on ${options.socketPath} did not say hello within ${options.helloTimeoutMs} ms.`)),
    options.helloTimeoutMs,
  );
  const onLine = (line: Buffer) => {
    if (phase === 'open') return events.onLine(line);
    if (phase === 'ended') return;
    const answer = readHelloAnswer(line);
    if ('kind' in answer) return fail(answer);
    phase = 'open';
    clearTimeout(timer);
    events.onHello(answer);
  };
  const splitter = new LineSplitter({
    maxLineBytes: options.maxLineBytes,
    onLine,
    onOversize: (line) => (phase === 'open' ? events.onOversize(line) : fail(busy('The daemon sent no hello.'))),
  });
  socket.on('drain', () => events.onWritable());
  socket.on('error', (error) => fail(classifyConnectError(error, options.socketPath)));
  socket.on('close', () => {
    fail(busy(`The daemon on ${options.socketPath} closed the connection before its hello.`));
    if (phase !== 'open') return;
    phase = 'ended';
    events.onClose();
  });
  return {
    ...link,
    close: () => {
      phase = 'ended';
      clearTimeout(timer);
      socket.destroy();
    },
  };
}

/** A system call costs more than all else that a line needs here. */
export function corked(stream: Pick<Writable, 'cork' | 'uncork'>, act: () => void): void {
  stream.cork();
  try {
    act();
  } finally {
    stream.uncork();
  }
}

function socketLink(socket: Socket): Omit<Link, 'close'> {
  return {
    batch: (act) => corked(socket, act),
    // After an end the bytes go nowhere; the close event settles what they belonged to.
    send: (line) => (socket.destroyed ? true : writeLine(socket, line)),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
  };
}

function readHelloAnswer(line: Buffer): HelloReply | LinkFailure {
  let value: unknown;
  try {
    value = JSON.parse(line.toString('utf8'));
  } catch {
    value = undefined; // reported below like any other answer that is none
  }
  if (isRecord(value) && value['id'] === 'hello') {
    const reply = parseHelloReply(value['result']);
    if (reply) return reply;
    if (isRecord(value['error'])) return readRefusal(value['error']);
  }
  return busy(`Something that is not a daemon of ours answered the hello: ${firstText(line, 80)}`);
}

function readRefusal(error: Record<string, unknown>): LinkFailure {
  const data = isRecord(error['data']) ? error['data'] : {};
  const message = typeof error['message'] === 'string' ? error['message'] : 'The daemon refused this session.';
  const code = isErrorCode(data['code']) ? data['code'] : 'DAEMON_REFUSED';
  const hint = typeof data['hint'] === 'string' ? data['hint'] : 'Run: ~/.aitkit/bin/mcp-proxy doctor';
  // It answered, so it does not hang.
  const refusal = new AppError({ code, message, hint, data: { answered: true } });
  return { kind: code === 'DAEMON_BUSY' ? 'busy' : 'refused', error: refusal };
}
