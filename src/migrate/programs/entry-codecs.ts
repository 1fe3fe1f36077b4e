// From each program's own way to write a server to ours. What an entry says beyond its launch is sorted into what we
// cannot carry (the server then stays where it is) and what only decorates.

import { isRecord } from '../../base/guards.ts';
import { closedPart, folderChoiceOf } from '../../config/template.ts';
import type { HostId, LaunchEntry } from './declared.ts';

export type EntryReading = {
  entry: LaunchEntry;
  isOff: boolean;
  uncarried: string[];
  leftBehind: string[];
  invalid?: string;
};

/** Names, descriptions, approval shortcuts and view settings of the programs: losing them changes no server. */
const decoration = new Set([
  '$schema',
  'alwaysAllow',
  'alwaysLoad',
  'autoApprove',
  'description',
  'directTools',
  'displayName',
  'gallery',
  'icon',
  'id',
  'lifecycle',
  'name',
  'note',
  'title',
  'version',
  'startup_timeout_ms',
  'startup_timeout_sec',
  '_comment',
]);

export function readEntry(host: HostId, raw: unknown): EntryReading {
  if (!isRecord(raw)) return broken('is not an object');
  if (host === 'codex') return readCodex(raw);
  if (host === 'opencode') return readOpencode(raw);
  return readStandard(raw, host);
}

function readStandard(raw: Record<string, unknown>, host: HostId): EntryReading {
  const taken = new Set(['type', 'command', 'args', 'env', 'cwd', 'url', 'headers', 'timeout', 'disabled', 'enabled']);
  const texts = textsOf(raw, ['command', 'cwd', 'url']);
  const lists = listsOf(raw, ['args']);
  const maps = mapsOf(raw, ['env', 'headers']);
  const invalid = texts.invalid ?? lists.invalid ?? maps.invalid;
  if (invalid) return broken(invalid);
  const type = readType(raw['type'], texts.values['url']);
  if (type === undefined) return broken(`has the unknown type ${JSON.stringify(raw['type'])}`);
  const entry = compact({
    ...(type === 'stdio' ? {} : { type }),
    ...texts.values,
    ...lists.values,
    ...maps.values,
    // Claude Code's is in milliseconds; other programs count differently, so theirs is left behind.
    ...(isClaude(host) && typeof raw['timeout'] === 'number' ? { timeout: raw['timeout'] } : {}),
  });
  const isOff = raw['disabled'] === true || raw['enabled'] === false;
  return finish(raw, taken, translateReferences(entry, host), isOff);
}

function readCodex(raw: Record<string, unknown>): EntryReading {
  const taken = new Set(['command', 'args', 'env', 'env_vars', 'cwd', 'url', 'http_headers', 'env_http_headers']);
  for (const key of ['bearer_token_env_var', 'enabled', 'transport', 'tool_timeout_sec']) taken.add(key);
  const texts = textsOf(raw, ['command', 'cwd', 'url', 'bearer_token_env_var']);
  const lists = listsOf(raw, ['args', 'env_vars']);
  const maps = mapsOf(raw, ['env', 'http_headers', 'env_http_headers']);
  const invalid = texts.invalid ?? lists.invalid ?? maps.invalid;
  if (invalid) return broken(invalid);
  const fromEnv = Object.entries(maps.values['env_http_headers'] ?? {}).map(([key, name]) => [key, `\${${name}}`]);
  const token = texts.values['bearer_token_env_var'];
  const headers = {
    ...maps.values['http_headers'],
    ...Object.fromEntries(fromEnv),
    ...(token === undefined ? {} : { Authorization: `Bearer \${${token}}` }),
  };
  const seconds = raw['tool_timeout_sec'];
  const entry = compact({
    ...(texts.values['url'] === undefined ? {} : { type: 'http' as const }),
    ...pick(texts.values, ['command', 'cwd', 'url']),
    ...pick(lists.values, ['args']),
    ...pick(maps.values, ['env']),
    ...(lists.values['env_vars'] ? { inheritEnv: lists.values['env_vars'] } : {}),
    ...(Object.keys(headers).length > 0 ? { headers } : {}),
    ...(typeof seconds === 'number' ? { timeout: seconds * 1000 } : {}),
  });
  // Codex does not substitute, so `${X}` there is plain text; our config has no way to say so.
  const literal = Object.values({ ...entry.env, a: entry.args?.join(' ') ?? '' }).some((text) => /\$\{\w/.test(text));
  const reading = finish(raw, taken, entry, raw['enabled'] === false);
  return literal ? { ...reading, uncarried: [...reading.uncarried, 'text that looks like ${a reference}'] } : reading;
}

function readOpencode(raw: Record<string, unknown>): EntryReading {
  const taken = new Set(['type', 'command', 'environment', 'cwd', 'url', 'headers', 'enabled', 'timeout']);
  const texts = textsOf(raw, ['cwd', 'url']);
  const lists = listsOf(raw, ['command']);
  const maps = mapsOf(raw, ['environment', 'headers']);
  const invalid = texts.invalid ?? lists.invalid ?? maps.invalid;
  if (invalid) return broken(invalid);
  const [command, ...args] = lists.values['command'] ?? [];
  const environment = maps.values['environment'];
  const entry = compact({
    ...(raw['type'] === 'remote' || texts.values['url'] !== undefined ? { type: 'http' as const } : {}),
    ...(command === undefined ? {} : { command, args }),
    ...pick(texts.values, ['cwd', 'url']),
    ...pick(maps.values, ['headers']),
    ...(environment ? { env: environment } : {}),
  });
  return finish(raw, taken, translateReferences(entry, 'opencode'), raw['enabled'] === false);
}

function finish(
  raw: Record<string, unknown>,
  taken: ReadonlySet<string>,
  entry: LaunchEntry,
  isOff: boolean,
): EntryReading {
  const others = Object.keys(raw).filter((key) => !taken.has(key));
  const uncarried = others.filter((key) => !decoration.has(key));
  const asks = allTexts(entry).some((text) => /\$\{input:/.test(text));
  // A folder of that name there; in our config the bare word means another.
  const folder = folderChoiceOf(entry.cwd);
  const reading: EntryReading = {
    entry: folder ? { ...entry, cwd: `./${folder}` } : entry,
    isOff,
    uncarried: asks ? [...uncarried, '${input:…} (a value the editor asks for)'] : uncarried,
    leftBehind: others.filter((key) => decoration.has(key)),
  };
  if (entry.command === undefined && entry.url === undefined)
    return { ...reading, invalid: 'has neither command nor url' };
  if (entry.command === '') return { ...reading, invalid: 'has an empty command' };
  return reading;
}

/** `${workspaceFolder}`, `${env:X}` and `${userHome}` of editors, `${CLAUDE_PROJECT_DIR}` of Claude Code, in our words. */
function translateReferences(entry: LaunchEntry, host: HostId): LaunchEntry {
  return mapTexts(entry, (text) => {
    let result = closedPart(text);
    const open = text.slice(result.length);
    if (isClaude(host)) result = result.replace(/\$\{CLAUDE_PROJECT_DIR(?::-[^}]*)?\}/g, () => '${SESSION_FOLDER}');
    if (host === 'vscode' || host === 'cursor') {
      result = result
        .replace(/\$\{workspaceFolder\}/g, () => '${SESSION_FOLDER}')
        .replace(/\$\{userHome\}/g, () => '${HOME}')
        .replace(/\$\{env:(\w+)\}/g, (_, name: string) => `\${${name}}`);
    }
    if (host === 'opencode') result = result.replace(/\{env:(\w+)\}/g, (_, name: string) => `\${${name}}`);
    return result + open;
  });
}

export function mapTexts(entry: LaunchEntry, change: (text: string) => string): LaunchEntry {
  const map = (record: Record<string, string>) =>
    Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
  return {
    ...entry,
    ...(entry.command === undefined ? {} : { command: change(entry.command) }),
    ...(entry.args ? { args: entry.args.map(change) } : {}),
    ...(entry.env ? { env: map(entry.env) } : {}),
    ...(entry.cwd === undefined ? {} : { cwd: change(entry.cwd) }),
    ...(entry.url === undefined ? {} : { url: change(entry.url) }),
    ...(entry.headers ? { headers: map(entry.headers) } : {}),
  };
}

export function allTexts(entry: LaunchEntry): string[] {
  const single = [entry.command, entry.cwd, entry.url].filter((text) => text !== undefined);
  return [...single, ...(entry.args ?? []), ...Object.values(entry.env ?? {}), ...Object.values(entry.headers ?? {})];
}

function isClaude(host: HostId): boolean {
  return host === 'claude-code' || host === 'claude-plugin';
}

function readType(type: unknown, url: string | undefined): 'stdio' | 'http' | 'sse' | 'ws' | undefined {
  if (type === undefined) return url === undefined ? 'stdio' : /\/sse\/?(?:[?#]|$)/.test(url) ? 'sse' : 'http';
  if (type === 'streamable-http' || type === 'streamableHttp') return 'http';
  return type === 'stdio' || type === 'http' || type === 'sse' || type === 'ws' ? type : undefined;
}

function broken(reason: string): EntryReading {
  return { entry: {}, isOff: false, uncarried: [], leftBehind: [], invalid: reason };
}

type Read<T> = { values: Record<string, T>; invalid?: string };

function textsOf(raw: Record<string, unknown>, keys: readonly string[]): Read<string> {
  const values: Record<string, string> = {};
  for (const key of keys) {
    const value = raw[key];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'string') return { values, invalid: `has a ${key} that is no text` };
    values[key] = value;
  }
  return { values };
}

function listsOf(raw: Record<string, unknown>, keys: readonly string[]): Read<string[]> {
  const values: Record<string, string[]> = {};
  for (const key of keys) {
    const value = raw[key];
    if (value === undefined || value === null) continue;
    if (!Array.isArray(value)) return { values, invalid: `has ${key} that are no list` };
    const texts = value.filter((entry) => typeof entry === 'string');
    if (texts.length !== value.length) return { values, invalid: `has something in ${key} that is no text` };
    values[key] = texts;
  }
  return { values };
}

function mapsOf(raw: Record<string, unknown>, keys: readonly string[]): Read<Record<string, string>> {
  const values: Record<string, Record<string, string>> = {};
  for (const key of keys) {
    const value = raw[key];
    if (value === undefined || value === null) continue;
    if (!isRecord(value)) return { values, invalid: `has ${key} that is no object` };
    const texts: Record<string, string> = {};
    for (const [name, entry] of Object.entries(value)) {
      if (!['string', 'number', 'boolean'].includes(typeof entry)) {
        return { values, invalid: `has ${key}.${name} that is no text` };
      }
      texts[name] = String(entry);
    }
    values[key] = texts;
  }
  return { values };
}

function pick<T, K extends string>(values: Record<string, T>, keys: readonly K[]): Partial<Record<K, T>> {
  const picked: Partial<Record<K, T>> = {};
  for (const key of keys) if (values[key] !== undefined) picked[key] = values[key];
  return picked;
}

function compact(entry: LaunchEntry): LaunchEntry {
  return {
    ...entry,
    ...(entry.args && entry.args.length === 0 ? { args: undefined } : {}),
    ...(entry.env && Object.keys(entry.env).length === 0 ? { env: undefined } : {}),
    ...(entry.headers && Object.keys(entry.headers).length === 0 ? { headers: undefined } : {}),
  };
}
