// The daemon's socket: a first byte of `{` is a wrapper's hello, anything else is HTTP for the control API.

import { randomBytes, randomUUID } from 'node:crypto';
import { lstatSync, renameSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { removeIfPresent } from '../base/atomic-file.ts';
import { isRecord } from '../base/guards.ts';
import { LineSplitter } from '../base/line-splitter.ts';
import { writeLine } from '../base/line-writer.ts';
import type { Log } from '../base/log.ts';
import { ensurePrivateDir } from '../base/private-dir.ts';
import { gather, inTurn } from '../base/turn.ts';
import { ownBuild } from '../link/build.ts';
import { checkFitness, linkProtocol } from '../link/fitness.ts';
import {
  type Hello,
  type HelloRefusal,
  linkMethods,
  maxHelloBytes,
  parseHello,
  type SessionSettings,
} from '../link/hello.ts';
import { findPlace } from '../link/project-root.ts';
import { errorLine, notificationLine, resultLine, rpcCodes } from '../mcp/messages.ts';
import { nextConnectionState } from '../sessions/connection-state.ts';
import { Session, unreadLimit } from '../sessions/session.ts';

export type LinkServerDeps = {
  settings: () => Required<SessionSettings>;
  daemon: { pid: number; startTime: string };
  nonce: string;
  wants: () => string[];
  maxMessageBytes: () => number;
  onOpen: (session: Session, hello: Hello) => void;
  onLine: (session: Session, line: Buffer) => void;
  onValues: (session: Session) => void;
  onClose: (session: Session, reason: string) => void;
  /** true: nobody new is taken. */
  isDraining: () => boolean;
  onHttp: (socket: Socket) => void;
  log: Log;
  now: () => number;
};

/** Holds `{"jsonrpc":"2.0","method":"aitkit/`. */
const linkMessageStart = 40;
/** A connection that says nothing is none. */
const helloDeadlineMs = 10_000;

/** Of ids of our questions to hosts: a late answer to another daemon's question is known by it. */
export function idPrefixOf(nonce: string): string {
  return `d${nonce.slice(0, 8)}`;
}

export function createLinkServer(deps: LinkServerDeps): Server {
  return createServer((socket) => accept(socket, deps));
}

/** Binds under a temporary name and renames: there is no moment without a socket, and a stale file is replaced. */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  if (process.platform === 'win32') return listen(server, path);
  ensurePrivateDir(dirname(path));
  const temporary = path.replace(/\.sock$/, `.${randomBytes(3).toString('hex')}`);
  await listen(server, temporary);
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found && !found.isSocket()) removeIfPresent(path); // a planted file or link, not followed
    renameSync(temporary, path);
  } catch (error) {
    removeIfPresent(temporary);
    throw error;
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // 1,000 sessions may come in one instant; the kernel's own limit (net.core.somaxconn) still holds.
    server.listen({ path, backlog: 4_096 }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function accept(socket: Socket, deps: LinkServerDeps): void {
  socket.on('error', () => {}); // 'close' follows and says all that matters
  const timer = setTimeout(() => socket.destroy(), helloDeadlineMs);
  socket.once('data', (chunk: Buffer) => {
    clearTimeout(timer);
    if (chunk[0] === 0x7b) return speak(socket, chunk, deps);
    socket.pause();
    socket.unshift(chunk);
    deps.onHttp(socket);
  });
  socket.once('close', () => clearTimeout(timer));
}

/** Hello first, then a session's lines until the connection ends. */
function speak(socket: Socket, first: Buffer, deps: LinkServerDeps): void {
  let session: Session | undefined;
  let state = nextConnectionState('fresh', 'brace');
  let reason = 'the connection ended';
  const splitter = new LineSplitter({
    maxLineBytes: deps.maxMessageBytes(),
    onLine: (line) => {
      if (state === 'hello') {
        session = greet(socket, line, deps, (why) => (reason = why));
        state = nextConnectionState(state, session ? 'accepted' : 'refuse');
      } else if (!session)
        return; // refused: whatever follows is not for us
      else if (isLinkMessage(line)) linkMessage(session, line, deps);
      else deps.onLine(session, line);
    },
    // The wrapper has the same bound and answers for its host; a line beyond it is no wrapper's.
    onOversize: () => socket.destroy(),
  });
  const timer = setTimeout(() => !session && socket.destroy(), helloDeadlineMs);
  const push = (chunk: Buffer) => {
    inTurn(() => splitter.push(chunk));
    if (!session && splitter.heldBytes > maxHelloBytes) socket.destroy();
  };
  socket.on('data', push);
  socket.on('close', () => {
    clearTimeout(timer);
    if (!session) return;
    session.end();
    deps.onClose(session, reason);
  });
  push(first);
}

function greet(
  socket: Socket,
  line: Buffer,
  deps: LinkServerDeps,
  setReason: (why: string) => void,
): Session | undefined {
  const hello = readHello(line);
  if (!hello) return refuse(socket, { code: 'DAEMON_UNFIT', message: 'That is no hello of a mcp-proxy wrapper.' });
  const fitness = checkFitness(hello, { protocol: linkProtocol, settings: deps.settings() });
  if (!fitness.fit) return refuse(socket, fitness.refusal);
  if (deps.isDraining()) return refuse(socket, { code: 'DAEMON_BUSY', message: 'This daemon is ending.' });
  const session = createSession(socket, hello, deps, setReason);
  const reply = {
    protocol: linkProtocol,
    build: ownBuild,
    daemon: deps.daemon,
    nonce: deps.nonce,
    sessionId: session.id,
    wants: deps.wants(),
  };
  session.send(resultLine('"hello"', JSON.stringify(reply)));
  deps.onOpen(session, hello);
  return session;
}

function createSession(socket: Socket, hello: Hello, deps: LinkServerDeps, setReason: (why: string) => void): Session {
  const { wrapperId, host, wrapper, projectDir, hostSessionId, server, mode } = hello;
  return new Session({
    identity: {
      id: randomUUID(),
      lifeId: wrapperId,
      host,
      wrapper,
      projectDir,
      ...findPlace(projectDir, hello.env['HOME'] ?? homedir()),
      ...(hostSessionId ? { hostSessionId } : {}),
      ...(server ? { server } : {}),
      ...(mode ? { mode } : {}),
    },
    sink: {
      send: (line) => {
        gather(socket);
        writeLine(socket, line);
      },
      get bufferedBytes() {
        return socket.writableLength;
      },
      close: (why) => {
        setReason(why);
        socket.destroy();
      },
    },
    baseline: hello.env,
    served: { ...hello.served },
    idPrefix: idPrefixOf(deps.nonce),
    wants: deps.wants(),
    now: deps.now,
    maxBufferedBytes: unreadLimit(deps.maxMessageBytes()),
  });
}

const newline = Buffer.from('\n');
function readHello(line: Buffer): Hello | undefined {
  const value = parse(line);
  return isRecord(value) && value['method'] === linkMethods.hello ? parseHello(value['params']) : undefined;
}

/** The wrapper writes the method of its own messages first; the rest of a line need not be searched for it. */
function isLinkMessage(line: Buffer): boolean {
  return line.toString('latin1', 0, linkMessageStart).includes('"aitkit/');
}

/** The wrapper's own messages; a host cannot send them, because the wrapper does not let their names pass. */
function linkMessage(session: Session, line: Buffer, deps: LinkServerDeps): void {
  const value = line.length <= maxHelloBytes ? parse(line) : undefined;
  const method = isRecord(value) ? value['method'] : undefined;
  if (method === linkMethods.env && isRecord(value)) {
    const params = isRecord(value['params']) ? value['params'] : {};
    const values = isRecord(params['values']) ? params['values'] : {};
    const strings = Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
    session.setValues(Object.fromEntries(strings));
    deps.onValues(session);
  } else if (method === linkMethods.drained) session.advance('drained');
  else deps.onLine(session, line);
}

function refuse(socket: Socket, { code, message, hint }: HelloRefusal): undefined {
  socket.end(
    Buffer.concat([errorLine('"hello"', rpcCodes.unavailable, message, { code, ...(hint ? { hint } : {}) }), newline]),
  );
  return undefined;
}

function parse(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8'));
  } catch {
    return undefined; // not ours: handled as any other line
  }
}

/** Asks a wrapper for variables that the config mentions now. */
export function askForValues(session: Session, names: readonly string[]): void {
  session.expectValues();
  session.send(notificationLine(linkMethods.want, { names }));
}
