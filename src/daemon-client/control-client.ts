// The control API over the daemon's socket, for the CLI. Never starts a daemon; ensureDaemon does, for the commands that may.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { AppError, isErrorCode, systemCode } from '../base/errors.ts';
import { isRecord } from '../base/guards.ts';
import { LineSplitter } from '../base/line-splitter.ts';
import { ownCommand } from '../base/own-command.ts';
import {
  type CallRequest,
  type ControlVerb,
  controlRoutes,
  type DaemonStatus,
  type DrainRequest,
  type ExplainReport,
  type HealthReport,
  type Problem,
  type ServerRequest,
  type StatusReport,
  type TokensReport,
  type ToolSummary,
} from '../link/control.ts';
import type { Environment, Locations } from '../link/locations.ts';
import { type LaunchOutcome, startOrReuse } from './launch.ts';
import { classifyConnectError, inspectSocketFile } from './socket-file.ts';

export type ControlClient = {
  health: () => Promise<HealthReport>;
  status: () => Promise<StatusReport>;
  /** Tools known now, of that server or of all. */
  tools: (query?: { server?: string; projectDir?: string }) => Promise<ToolSummary[]>;
  tokens: (query: { projectDir?: string }) => Promise<TokensReport>;
  explain: (request: ServerRequest) => Promise<ExplainReport>;
  call: (request: CallRequest) => Promise<unknown>;
  drain: (request?: DrainRequest) => Promise<unknown>;
  /** Takes the config file as it is now; resolves with why it cannot, if so. */
  reload: () => Promise<Problem | undefined>;
  /** Any verb with any body; the answer as it came. */
  send: (verb: ControlVerb, options?: RequestOptions) => Promise<unknown>;
  /** Calls `onEvent` for each event until the signal or the daemon ends it. */
  events: (onEvent: (event: { name: string; data: unknown }) => void, signal: AbortSignal) => Promise<void>;
};

export type RequestOptions = { query?: Record<string, string | undefined>; body?: unknown; timeoutMs?: number };

/** A daemon that starts a server for a verb may take as long as that server; a person sees "busy" after this. */
const defaultTimeoutMs = 60_000;
/** Reading a file of a few KB; one that is busier than this takes it by itself later. */
const reloadTimeoutMs = 5_000;
const startHint = 'It starts with the next session, or run: mcp-proxy run';
const maxAnswerBytes = 64 * 1024 * 1024;

export function createControlClient({ socketPath }: Pick<Locations, 'socketPath'>): ControlClient {
  const send = async (verb: ControlVerb, options: RequestOptions = {}): Promise<unknown> => {
    const response = await open(socketPath, verb, options);
    const answer = parse(await readAll(response));
    if ((response.statusCode ?? 500) >= 400) throw readFailure(answer, response.statusCode);
    return answer;
  };
  return {
    send,
    health: async () => expectShape(await send('health'), isHealthReport, 'health'),
    status: async () => expectShape(await send('status'), isStatusReport, 'status'),
    tools: async (query = {}) => expectShape(toolList(await send('tools', { query })), isToolList, 'tools'),
    tokens: async (query) => expectShape(await send('tokens', { query }), isTokensReport, 'tokens'),
    explain: async (body) => expectShape(await send('explain', { body }), isExplainReport, 'explain'),
    call: (body) => send('call', { body, timeoutMs: 0 }),
    drain: (body = {}) => send('drain', { body }),
    reload: async () => problemOf(await send('reload', { timeoutMs: reloadTimeoutMs })),
    events: async (onEvent, signal) =>
      readEvents(await open(socketPath, 'events', { timeoutMs: 0, signal }), onEvent, signal),
  };
}

export type EnsureOptions = { locations: Locations; env: Environment; bundlePath: string; daemonFile?: string };

/** A client of a daemon that runs: the present one, else a new one. Throws what startOrReuse found out. */
export async function ensureDaemon(options: EnsureOptions): Promise<ControlClient> {
  const outcome: LaunchOutcome = await startOrReuse(options);
  if (outcome.kind === 'failed') throw outcome.error;
  return createControlClient(options.locations);
}

function open(
  socketPath: string,
  verb: ControlVerb,
  { query = {}, body, timeoutMs = defaultTimeoutMs, signal }: RequestOptions & { signal?: AbortSignal },
): Promise<IncomingMessage> {
  const unusable = inspectSocketFile(socketPath);
  if (unusable) return Promise.reject(notRunningOr(unusable.error));
  const { method, path } = controlRoutes[verb];
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, value);
  const payload = method === 'POST' ? Buffer.from(JSON.stringify(body ?? {})) : undefined;
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      socketPath,
      method,
      path: search.size > 0 ? `${path}?${search}` : path,
      agent: false,
      headers: {
        host: 'localhost',
        ...(payload ? { 'content-type': 'application/json', 'content-length': payload.length } : {}),
      },
      ...(signal ? { signal } : {}),
    });
    if (timeoutMs > 0) {
      request.setTimeout(timeoutMs, () => {
        const message = `The daemon did not answer ${verb} within ${timeoutMs} ms.`;
        request.destroy(new AppError({ code: 'DAEMON_BUSY', message, hint: `Run: ${ownCommand('restart --force')}` }));
      });
    }
    request.on('response', resolve);
    request.on('error', (error) => {
      if (error instanceof AppError) reject(error);
      else if (/^(?:ECONNRESET|EPIPE)$/.test(systemCode(error) ?? '')) reject(endedMeanwhile(error));
      else reject(notRunningOr(classifyConnectError(error, socketPath).error));
    });
    request.end(payload);
  });
}

/** The kernel took the connection, then the process ended. */
function endedMeanwhile(cause: Error): AppError {
  const message = 'The mcp-proxy daemon ended before it answered.';
  return new AppError({ code: 'NOT_RUNNING', message, hint: startHint, cause });
}

function notRunningOr(error: AppError): AppError {
  if (error.code !== 'NOT_RUNNING') return error;
  return new AppError({
    code: 'NOT_RUNNING',
    message: 'No mcp-proxy daemon is running.',
    hint: startHint,
    cause: error,
  });
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    const part = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    bytes += part.length;
    if (bytes > maxAnswerBytes) {
      response.destroy();
      throw new AppError({
        code: 'MESSAGE_TOO_LARGE',
        message: `The daemon's answer is longer than ${maxAnswerBytes} bytes.`,
      });
    }
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Server-sent events: a name, data lines, an empty line. */
async function readEvents(
  response: IncomingMessage,
  onEvent: (event: { name: string; data: unknown }) => void,
  signal: AbortSignal,
): Promise<void> {
  if ((response.statusCode ?? 500) >= 400) throw readFailure(parse(await readAll(response)), response.statusCode);
  let name = 'message';
  const splitter = new LineSplitter({
    maxLineBytes: maxAnswerBytes,
    onOversize: () => {}, // one event that nobody can show
    onLine: (line) => {
      const text = line.toString('utf8');
      if (text.startsWith('event:')) name = text.slice(6).trim();
      if (!text.startsWith('data:')) return;
      onEvent({ name, data: parse(text.slice(5)) });
      name = 'message';
    },
  });
  try {
    for await (const chunk of response) splitter.push(Buffer.from(chunk));
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function parse(text: string): unknown {
  try {
    return text.trim() === '' ? undefined : JSON.parse(text);
  } catch {
    return text; // a plain answer
  }
}

function readFailure(answer: unknown, status: number | undefined): AppError {
  const error = isRecord(answer) && isRecord(answer['error']) ? answer['error'] : {};
  return new AppError({
    code: isErrorCode(error['code']) ? error['code'] : 'DAEMON_REFUSED',
    message:
      typeof error['message'] === 'string' ? error['message'] : `The daemon answered with HTTP status ${status}.`,
    ...(typeof error['hint'] === 'string' ? { hint: error['hint'] } : {}),
  });
}

function expectShape<T>(answer: unknown, isShape: (value: unknown) => value is T, verb: string): T {
  if (isShape(answer)) return answer;
  throw new AppError({
    code: 'DAEMON_UNFIT',
    message: `The daemon's answer to ${verb} is not what this version understands.`,
    hint: `Run: ${ownCommand('restart')}`,
  });
}

// One protocol major means one shape; these tell an answer from something else, they do not check every field.

function isHealthReport(value: unknown): value is HealthReport {
  return isRecord(value) && typeof value['status'] === 'string' && typeof value['pid'] === 'number';
}

function isStatusReport(value: unknown): value is StatusReport {
  if (!isRecord(value) || !Array.isArray(value['sessions']) || !Array.isArray(value['servers'])) return false;
  return isDaemonStatus(value['daemon']) && isRecord(value['config']) && Array.isArray(value['problems']);
}

function isDaemonStatus(value: unknown): value is DaemonStatus {
  return isRecord(value) && typeof value['pid'] === 'number' && typeof value['configPath'] === 'string';
}

function isExplainReport(value: unknown): value is ExplainReport {
  return isRecord(value) && typeof value['server'] === 'string' && Array.isArray(value['lines']);
}

function isTokensReport(value: unknown): value is TokensReport {
  return (
    isRecord(value) &&
    isRecord(value['lists']) &&
    Array.isArray(value['modes']) &&
    Array.isArray(value['sessions']) &&
    value['sessions'].every((one) => isRecord(one) && isRecord(one['results']) && isRecord(one['results']['sent']))
  );
}

/** Of a reload that changed nothing. */
function problemOf(answer: unknown): Problem | undefined {
  const error = isRecord(answer) ? answer['error'] : undefined;
  if (!isRecord(error) || typeof error['message'] !== 'string') return undefined;
  const { code, message, hint } = error;
  return { code: String(code), message, ...(typeof hint === 'string' ? { hint } : {}) };
}

function toolList(answer: unknown): unknown {
  return isRecord(answer) && Array.isArray(answer['tools']) ? answer['tools'] : answer;
}

function isToolList(value: unknown): value is ToolSummary[] {
  return Array.isArray(value) && value.every((tool) => isRecord(tool) && typeof tool['name'] === 'string');
}
