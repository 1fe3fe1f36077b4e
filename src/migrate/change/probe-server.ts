// Starts a moved server the way a session will, through the wrapper with this environment, and asks for its tools.
import { spawn } from 'node:child_process';
import { AppError } from '../../base/errors.ts';
import { isRecord } from '../../base/guards.ts';
import { LineSplitter } from '../../base/line-splitter.ts';
import type { Environment } from '../../link/locations.ts';

export type ProbeInit = {
  wrapperPath: string;
  daemonName: string;
  server: string;
  projectDir: string;
  env: Environment;
  signal: AbortSignal;
  /** Why the daemon gave this server up, asked while we wait. */
  findFailure: () => Promise<string | undefined>;
  timeoutMs?: number;
};

/** A first `npx` or `uvx` downloads; the daemon's own limit for a start is a minute, and a copy may have to be made first. */
const defaultTimeoutMs = 120_000;
/** The daemon sees a new config within a second; a list before that has no tools. */
const askAgainMs = 500;

/** Names of its tools. Throws if it does not list any in time, with the daemon's reason if there is one. */
export async function probeServer(init: ProbeInit): Promise<string[]> {
  const child = spawn(process.execPath, [init.wrapperPath, init.daemonName, '--server', init.server], {
    cwd: init.projectDir,
    env: { ...init.env, CLAUDE_PROJECT_DIR: init.projectDir },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const answers = new Map<number, (message: Record<string, unknown>) => void>();
  const splitter = new LineSplitter({
    maxLineBytes: 64 * 1024 * 1024,
    onLine: (line) => dispatch(line, answers),
    onOversize: () => {},
  });
  child.stdout.on('data', (chunk: Buffer) => splitter.push(chunk));
  child.stdin.on('error', () => {}); // it ended early: the deadline or `ended` reports that
  let nextId = 1;
  const send = (message: object) => void child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const request = (method: string, params: object) =>
    new Promise<Record<string, unknown>>((resolve) => {
      answers.set(nextId, resolve);
      send({ id: nextId, method, params });
      nextId += 1;
    });
  const stop = new AbortController();
  try {
    return await Promise.race([
      listWhenReady({ request, send }, stop.signal),
      failure(init, stop.signal),
      ended.then(() => Promise.reject(startFailed(`the wrapper ended before ${init.server} answered`))),
    ]);
  } finally {
    stop.abort();
    child.stdin.end();
    await ended;
  }
}

type Channel = {
  request: (method: string, params: object) => Promise<Record<string, unknown>>;
  send: (message: object) => void;
};

async function listWhenReady({ request, send }: Channel, signal: AbortSignal): Promise<string[]> {
  await request('initialize', {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'mcp-proxy-migrate', version: '1' },
  });
  send({ method: 'notifications/initialized' });
  for (;;) {
    const { result } = await request('tools/list', {});
    const tools = isRecord(result) && Array.isArray(result['tools']) ? result['tools'] : [];
    const names = tools.filter(isRecord).map((tool) => tool['name']);
    const found = names.filter((name) => typeof name === 'string');
    if (found.length > 0 || signal.aborted) return found;
    await pause(askAgainMs, signal);
  }
}

async function failure(
  { server, signal, findFailure, timeoutMs = defaultTimeoutMs }: ProbeInit,
  done: AbortSignal,
): Promise<never> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    await pause(askAgainMs, done);
    if (done.aborted) return new Promise<never>(() => {});
    if (signal.aborted) throw startFailed('interrupted');
    const reason = await findFailure();
    if (reason !== undefined) throw startFailed(reason);
  }
  throw startFailed(`${server} listed no tools within ${timeoutMs / 1000} s`);
}

function startFailed(message: string): AppError {
  return new AppError({ code: 'SERVER_START_FAILED', message });
}

function dispatch(line: Buffer, answers: Map<number, (message: Record<string, unknown>) => void>): void {
  let message: unknown;
  try {
    message = JSON.parse(line.toString('utf8'));
  } catch {
    return; // not ours to judge
  }
  if (!isRecord(message) || typeof message['id'] !== 'number' || message['method'] !== undefined) return;
  answers.get(message['id'])?.(message);
  answers.delete(message['id']);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
