// Input and output of a hook: one JSON object on stdin, at most one on stdout. Nothing that fails here may be seen by the
// host: a hook that breaks breaks the start of a session.
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { isRecord } from '../base/guards.ts';
import { ownFolder } from '../base/own-folder.ts';
import { findLocations } from '../daemon-client/claim.ts';
import type { Environment } from '../link/locations.ts';
import { takeFindings } from './findings.ts';
import { endSession } from './session-end.ts';
import { type HookContext, recordSession } from './session-start.ts';

export type HookOptions = {
  env: Environment;
  stdin: NodeJS.ReadableStream;
  stdout: NodeJS.WritableStream;
  exit: () => void;
};

/** The host writes its JSON before or right after it starts us; SessionEnd has 1.5 s in all. */
const inputDeadlineMs = 500;
const maxInputBytes = 1024 * 1024;

export function runHook({ env, stdin, stdout, exit }: HookOptions): void {
  process.on('uncaughtException', exit);
  // Of all bytes at once: a chunk may end inside a character of a path.
  let bytes = Buffer.alloc(0);
  let isDone = false;
  const finish = (input: Record<string, unknown> | undefined) => {
    if (isDone) return;
    isDone = true;
    let output: string | undefined;
    try {
      output = input && handle(input, env);
    } catch {
      // a full disk, an unsafe folder: the wrapper and `doctor` say it, a hook has nobody to tell
    }
    if (output === undefined) exit();
    else stdout.write(`${output}\n`, exit);
  };
  setTimeout(() => finish(parse(bytes.toString())), inputDeadlineMs);
  stdin.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    const text = bytes.toString();
    // The host may keep the pipe open, so the object's own end counts.
    const input = text.trimEnd().endsWith('}') ? parse(text) : undefined;
    if (input || bytes.length > maxInputBytes) finish(input);
  });
  stdin.on('end', () => finish(parse(bytes.toString())));
  stdin.on('error', () => finish(undefined));
  stdout.on('error', exit);
}

function handle(input: Record<string, unknown>, env: Environment): string | undefined {
  const locations = findLocations(env);
  const projectDir = resolve(ownFolder(env) || '/', env['CLAUDE_PROJECT_DIR'] || textOf(input['cwd']) || '.');
  const context: HookContext = {
    recordsDir: locations.recordsDir,
    pid: hostPid(env),
    sessionId: textOf(input['session_id']),
    projectDir,
    now: () => new Date(),
  };
  if (input['hook_event_name'] === 'SessionEnd') {
    endSession(context, textOf(input['reason']));
    return undefined;
  }
  if (input['hook_event_name'] !== 'SessionStart') return undefined;
  recordSession(context);
  const message = takeFindings(locations, projectDir, env['HOME'] || homedir());
  return message === undefined ? undefined : JSON.stringify({ systemMessage: message });
}

/** In exec form the parent is the host itself; newer hosts say who they are. */
function hostPid(env: Environment): number {
  const told = Number(env['CLAUDE_PID']);
  return Number.isInteger(told) && told > 1 ? told : process.ppid;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined; // not whole yet, or none
  }
}
