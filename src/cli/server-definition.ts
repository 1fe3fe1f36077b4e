// From the words of `add` to the entry that stands in the config file. Pure.
import { badArgument } from './args.ts';

export type Wanted = {
  /** A preset to start from. */
  base?: Readonly<Record<string, unknown>>;
  /** Command and arguments, or one URL. */
  target: readonly string[];
  transport?: string | undefined;
  env: readonly string[];
  headers: readonly string[];
  clientId?: string | undefined;
  callbackPort?: string | undefined;
  sharing?: string | undefined;
  projects?: readonly string[] | undefined;
};

const transports = ['stdio', 'http', 'streamable-http', 'sse', 'ws'];

export function isUrl(word: string): boolean {
  return /^(?:https?|wss?):\/\//i.test(word);
}

export function buildDefinition(wanted: Wanted): Record<string, unknown> {
  const start = wanted.base ? { ...wanted.base } : startOf(wanted);
  const isRemote = !('command' in start);
  const env = readPairs(wanted.env, '--env', /^([A-Za-z_]\w*)=(.*)$/s, 'KEY=VALUE');
  const headers = readPairs(wanted.headers, '--header', /^([^\s:]+):\s*(.*)$/s, '"Name: value"');
  const oauth = readOauth(wanted);
  if (isRemote && env.length > 0) {
    throw badArgument('--env has no meaning for a remote server.', 'Use --header, where ${NAME} is filled in as well.');
  }
  if (!('url' in start) && (headers.length > 0 || oauth)) {
    throw badArgument(`${oauth ? '--client-id and --callback-port are' : '--header is'} for servers with a URL.`);
  }
  return {
    ...start,
    ...(env.length > 0 ? { env: { ...recordIn(start, 'env'), ...Object.fromEntries(env) } } : {}),
    ...(headers.length > 0 ? { headers: { ...recordIn(start, 'headers'), ...Object.fromEntries(headers) } } : {}),
    ...(oauth ? { oauth } : {}),
    ...(wanted.sharing === undefined ? {} : { sharing: wanted.sharing }),
    ...(wanted.projects === undefined ? {} : { projects: [...wanted.projects] }),
  };
}

function startOf({ target, transport }: Wanted): Record<string, unknown> {
  const [first, ...args] = target;
  if (transport !== undefined && !transports.includes(transport)) {
    throw badArgument(`--transport is stdio, http, sse or ws, not ${JSON.stringify(transport)}.`);
  }
  if (first === undefined) {
    throw badArgument(
      'The command or URL is missing.',
      'Write it behind the name: mcp-proxy add <name> -- npx -y <package>',
    );
  }
  if (first.startsWith('{"'))
    throw badArgument('That is JSON, not a command.', 'Use `mcp-proxy add-json <name> <json>`.');
  const kind = transport ?? (isUrl(first) ? (/^ws/i.test(first) ? 'ws' : 'http') : 'stdio');
  if (kind === 'stdio') {
    if (isUrl(first))
      throw badArgument(`${first} is a URL, not a command.`, 'Write --transport http, or leave it out.');
    return { command: first, args };
  }
  // A variable may stand for the whole URL or its start.
  if (!isUrl(first) && !/^\$?\{/.test(first)) {
    throw badArgument(`--transport ${kind} needs a URL, not ${JSON.stringify(first)}.`);
  }
  if (args[0] !== undefined) throw badArgument(`${JSON.stringify(args[0])} is one word too many behind the URL.`);
  return { type: kind === 'streamable-http' ? 'http' : kind, url: first };
}

function readPairs(words: readonly string[], option: string, shape: RegExp, form: string): [string, string][] {
  return words.map((word) => {
    const match = shape.exec(word);
    // The value may be a secret: only the name part is repeated.
    if (!match?.[1]) throw badArgument(`${option} takes ${form}, not ${JSON.stringify(word.split(/[=:]/)[0] ?? '')}….`);
    return [match[1], match[2] ?? ''];
  });
}

function readOauth({ clientId, callbackPort }: Wanted): Record<string, unknown> | undefined {
  if (clientId === undefined && callbackPort === undefined) return undefined;
  if (callbackPort !== undefined && !/^\d{1,5}$/.test(callbackPort)) {
    throw badArgument(`--callback-port is a port number, not ${JSON.stringify(callbackPort)}.`);
  }
  return {
    ...(clientId === undefined ? {} : { clientId }),
    ...(callbackPort === undefined ? {} : { callbackPort: Number(callbackPort) }),
  };
}

function recordIn(start: Readonly<Record<string, unknown>>, key: string): object {
  const value = start[key];
  return typeof value === 'object' && value !== null ? value : {};
}
