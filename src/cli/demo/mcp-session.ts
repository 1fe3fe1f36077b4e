// A program that speaks MCP on its stdio, as a host sees it: the wrapper in the demo's sessions, and for the comparison
// a server itself. One JSON-RPC message a line.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { isRecord } from '../../base/guards.ts';
import { LastText } from '../../base/last-text.ts';
import { LineSplitter } from '../../base/line-splitter.ts';

export type SessionCommand = { args: readonly string[]; env: Record<string, string>; cwd: string };

export type McpSession = {
  pid: number;
  /** From the spawn to the answered tools/list. */
  readyAfterMs: number;
  toolNames: () => Promise<string[]>;
  /** The structured content of a result; throws with the text of an error result. */
  call: (tool: string, input?: Record<string, unknown>) => Promise<Record<string, unknown>>;
  /** How often the program said that its tools changed. */
  listChanges: () => number;
  /** Closes stdin, which is how a host ends; signals follow if that does not do. Idempotent. */
  close: () => Promise<void>;
};

/** A cold daemon and the servers behind it take under a second; a machine under load, several. */
const answerTimeoutMs = 10_000;
/** A program that does not end on EOF within this gets SIGTERM, and SIGKILL after as long again. */
const endPatienceMs = 2_000;

type Waiting = { resolve: (result: Record<string, unknown>) => void; reject: (error: Error) => void };

export async function openMcpSession(command: SessionCommand, signal: AbortSignal): Promise<McpSession> {
  signal.throwIfAborted();
  const startedAt = performance.now();
  const child = spawn(process.execPath, command.args, { ...command, stdio: ['pipe', 'pipe', 'pipe'] });
  const { request, notify, listChanges } = speak(child, signal);
  const close = () => end(child);
  const list = async () => {
    const { tools } = await request('tools/list', {});
    if (!Array.isArray(tools)) return [];
    return tools.flatMap((tool: unknown) => (isRecord(tool) && typeof tool['name'] === 'string' ? [tool['name']] : []));
  };
  try {
    await request('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'mcp-proxy-demo', version: '1.0.0' },
    });
    notify('notifications/initialized');
    await list();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    pid: child.pid ?? 0,
    readyAfterMs: performance.now() - startedAt,
    toolNames: list,
    call: async (tool, input = {}) => readResult(await request('tools/call', { name: tool, arguments: input })),
    listChanges,
    close,
  };
}

function speak(child: ChildProcess, signal: AbortSignal) {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let changes = 0;
  const stderr = new LastText(2_000);
  const failAll = (error: Error) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const onLine = (line: Buffer) => {
    const message = parse(line);
    if (message?.['method'] === 'notifications/tools/list_changed') changes += 1;
    const id = message?.['id'];
    const entry = typeof id === 'number' && message?.['method'] === undefined ? waiting.get(id) : undefined;
    if (!entry || !message || typeof id !== 'number') return;
    waiting.delete(id);
    const { result, error } = message;
    if (isRecord(result)) entry.resolve(result);
    else entry.reject(new Error(isRecord(error) ? String(error['message']) : 'an answer without a result'));
  };
  const splitter = new LineSplitter({ maxLineBytes: 16 * 1024 ** 2, onLine, onOversize: () => {} });
  child.stdout?.on('data', (chunk: Buffer) => splitter.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => stderr.add(chunk));
  child.stdin?.on('error', () => {}); // the exit event says more than EPIPE
  child.on('error', failAll);
  child.on('exit', (code, by) => {
    const last = stderr.toString().trim().split('\n').at(-1);
    failAll(new Error(`the program ended (${by ?? `exit code ${code}`})${last ? `: ${last}` : ''}`));
  });
  signal.addEventListener('abort', () => failAll(new Error('interrupted')), { once: true });

  const send = (message: Record<string, unknown>) =>
    child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  return {
    listChanges: () => changes,
    notify: (method: string) => send({ method }),
    request: (method: string, params: Record<string, unknown>) =>
      new Promise<Record<string, unknown>>((resolve, reject) => {
        if (signal.aborted) return reject(new Error('interrupted'));
        lastId += 1;
        const id = lastId;
        const late = () => {
          waiting.delete(id);
          reject(new Error(`no answer to ${method} within ${answerTimeoutMs / 1_000} s`));
        };
        const timer = setTimeout(late, answerTimeoutMs);
        const settle =
          <T>(done: (value: T) => void) =>
          (value: T) => {
            clearTimeout(timer);
            done(value);
          };
        waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
        send({ id, method, params });
      }),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.stdin?.end();
  const terminate = setTimeout(() => child.kill('SIGTERM'), endPatienceMs);
  const kill = setTimeout(() => child.kill('SIGKILL'), 2 * endPatienceMs);
  await ended;
  clearTimeout(terminate);
  clearTimeout(kill);
}

function readResult(result: Record<string, unknown>): Record<string, unknown> {
  const { content, structuredContent, isError } = result;
  const [first]: unknown[] = Array.isArray(content) ? content : [];
  const text = isRecord(first) && typeof first['text'] === 'string' ? first['text'] : '';
  if (isError === true) throw new Error(text || 'the tool failed');
  return isRecord(structuredContent) ? structuredContent : { text };
}

function parse(line: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined; // not protocol: a host ignores such lines too
  }
}
