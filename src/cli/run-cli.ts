// From argv to an exit code: finds the verb, builds its context, turns errors into one line and a hint.
import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { AppError, systemCode } from '../base/errors.ts';
import { ownFolder } from '../base/own-folder.ts';
import { plainLine, withoutSequences } from '../base/plain-text.ts';
import { createRedactor } from '../base/redact.ts';
import { findLocations } from '../daemon-client/claim.ts';
import { type Environment, locate } from '../link/locations.ts';
import { badArgument, nearest, parseArgs } from './args.ts';
import type { CommandContext, Verb } from './command.ts';
import { verbs as allVerbs } from './command-table.ts';
import { createDaemonAccess } from './daemon-access.ts';
import { commandHelp, globalOptions, overview, versionLine } from './help.ts';
import { adaptHint, type Invocation, resolveInvocation } from './invocation.ts';
import { createTerminal, type Terminal } from './render/terminal.ts';
import { wrapText } from './render/text-width.ts';
import { lineOnStdin, readSkillWords } from './skill-line.ts';

/** What the CLI uses of `process`. */
export type Host = {
  argv: readonly string[];
  env: Environment;
  cwd: () => string;
  stdin: AsyncIterable<Buffer | string>;
  stdout: Writable & { isTTY?: boolean; columns?: number };
  stderr: Writable & { isTTY?: boolean };
  once: (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', listener: () => void) => unknown;
};

/** The exit code; never throws. */
export async function runCli(words: readonly string[], host: Host, verbs: readonly Verb[] = allVerbs): Promise<number> {
  const { isForSkill, words: given } = takeSkillMark(words);
  const terminal = createTerminal({ stdout: host.stdout, stderr: host.stderr, env: host.env, isForSkill });
  ignoreClosedPipe(host);
  let program = isForSkill ? '/mcp-proxy' : 'mcp-proxy';
  try {
    const invocation = ownInvocation(host, isForSkill);
    program = invocation.program;
    return await dispatch({
      words: splitFront(readTyped(given, isForSkill)),
      host,
      terminal,
      invocation,
      verbs,
    });
  } catch (error) {
    const names = verbs.map((verb) => verb.name);
    terminal.note(...errorLines(error, terminal, (text) => adaptHint(text, program, names)));
    // A failing command makes the whole slash command fail, and then nothing of this is shown.
    if (isForSkill) return 0;
    return error instanceof AppError && error.code === 'BAD_ARGUMENT' ? 2 : 1;
  }
}

type Dispatch = {
  words: Front;
  host: Host;
  terminal: Terminal;
  invocation: Invocation;
  verbs: readonly Verb[];
};

async function dispatch({ words, host, terminal, invocation, verbs }: Dispatch): Promise<number> {
  const own = parseArgs(words.before, { options: [...globalOptions] });
  if (own.has('version')) {
    terminal.print(versionLine());
    return 0;
  }
  // In a session, the bare command is a question after the state of things.
  const isHelp = words.verb === 'help' || own.has('help');
  const bare = invocation.isForSkill && !isHelp ? 'status' : undefined;
  const wanted = words.verb === 'help' ? words.after[0] : (words.verb ?? bare);
  if (wanted === undefined) {
    terminal.print(...overview(verbs, invocation.program));
    return 0;
  }
  const verb = findVerb(wanted, verbs);
  const command = await verb.load();
  const spec = {
    options: [...command.options, ...globalOptions],
    ...(command.isPassThrough ? { isPassThrough: command.isPassThrough } : {}),
  };
  const args = parseArgs(words.verb === 'help' ? [] : words.after, spec);
  if (isHelp || args.has('help')) {
    terminal.print(...commandHelp(verb, command, invocation.program));
    return 0;
  }
  if (args.has('version')) {
    terminal.print(versionLine());
    return 0;
  }
  const name = args.value('daemon') ?? own.value('daemon');
  const abort = new AbortController();
  if (command.ownsInterrupt) {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) host.once(signal, () => abort.abort(signal));
  }
  const context = createContext({ host, terminal, invocation, verbs, name, signal: abort.signal });
  const code = await command.run(context, args);
  return invocation.isForSkill ? 0 : code;
}

type ContextParts = Omit<Dispatch, 'words'> & { name: string | undefined; signal: AbortSignal };

function createContext({ host, terminal, invocation, verbs, name, signal }: ContextParts): CommandContext {
  const locations = findLocations(host.env, name);
  const bundlePath = ownPath(host);
  const installRoot = dirname(dirname(bundlePath));
  const names = verbs.map((verb) => verb.name);
  return {
    env: host.env,
    cwd: ownFolder(host.env, () => host.cwd()) || '/',
    home: homeOf(host.env),
    terminal,
    locations,
    invocation,
    hint: (text) => adaptHint(text, invocation.program, names),
    daemon: createDaemonAccess({ env: host.env, name, bundlePath }),
    installRoot,
    bundlePath,
    signal,
    now: Date.now,
    readStdin: () => readAll(host.stdin),
  };
}

type Front = { before: string[]; verb: string | undefined; after: string[] };

/** Options before the verb are for the program, everything after it for the verb. How it answers may stand in front. */
function splitFront(words: readonly string[]): Front {
  let at = 0;
  while (words[at]?.startsWith('-')) at += words[at] === '--daemon' ? 2 : 1;
  const verb = words[at];
  const isForVerb = (word: string) => verb !== undefined && word === '--json';
  const front = words.slice(0, at);
  return {
    before: front.filter((word) => !isForVerb(word)),
    verb,
    after: [...front.filter(isForVerb), ...words.slice(at + 1)],
  };
}

/** The slash command hands the typed line over on stdin, where no shell can read it as anything but text. */
function readTyped(words: string[], isForSkill: boolean): string[] {
  return isForSkill && words.length === 1 && words[0] === lineOnStdin ? readSkillWords() : words;
}

/** More was not typed by a person. */
const maxStdinBytes = 16 * 1024 * 1024;

async function readAll(stdin: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk));
    bytes += chunk.length;
    if (bytes > maxStdinBytes) throw badArgument(`stdin holds more than ${maxStdinBytes} bytes.`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The slash command marks itself; behind `--` the word belongs to a server's command. */
function takeSkillMark(words: readonly string[]): { isForSkill: boolean; words: string[] } {
  const end = words.indexOf('--');
  const at = words.indexOf('--from-skill');
  const isForSkill = at >= 0 && (end < 0 || at < end);
  return { isForSkill, words: isForSkill ? words.filter((_, i) => i !== at) : [...words] };
}

function findVerb(wanted: string, verbs: readonly Verb[]): Verb {
  const verb = verbs.find((entry) => entry.name === wanted);
  if (verb) return verb;
  const names = verbs.map((entry) => entry.name);
  const close = nearest(wanted, names);
  throw badArgument(
    `There is no command ${JSON.stringify(wanted)}.`,
    `${close ? `Did you mean \`mcp-proxy ${close}\`? ` : ''}Commands: ${names.join(' ')}`,
  );
}

function errorLines(error: unknown, terminal: Terminal, hint: (text: string) => string): string[] {
  // Escape sequences go first: one in the middle of a word would hide a secret from the redactor.
  const { redact } = createRedactor();
  const clean = (text: string) => hint(plainLine(redact(withoutSequences(text))));
  const lines = [
    `${terminal.paint('red', 'Failed:')} ${clean(error instanceof Error ? error.message : String(error))}`,
  ];
  if (error instanceof AppError && error.hint) lines.push(...wrapText(clean(error.hint), terminal.width));
  return lines;
}

/** `mcp-proxy list | head` closes our stdout: not an error of ours. */
function ignoreClosedPipe({ stdout, stderr }: Host): void {
  for (const stream of [stdout, stderr]) {
    stream.on('error', (error) => {
      if (systemCode(error) !== 'EPIPE') throw error;
    });
  }
}

function ownInvocation(host: Host, isForSkill: boolean): Invocation {
  const { binDir } = locate(host.env);
  return resolveInvocation({ isForSkill, binDir, ownPath: ownPath(host), home: homeOf(host.env) });
}

function ownPath(host: Host): string {
  const path = resolve(host.argv[1] ?? '');
  try {
    return realpathSync(path); // a link in a folder of the PATH leads here
  } catch {
    return path;
  }
}

function homeOf(env: Environment): string {
  return env['HOME'] || homedir();
}
