// One entry of `mcpServers` checked and brought into the form that the rest of the program reads.

import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { isAbsolute, join, normalize } from 'node:path';
import { canonicalJson } from '../base/canonical-json.ts';
import { type Flaw, flawsOf, type JsonPath, quote } from './problems.ts';
import { type ServerDefinition, type SharingChoice, serverSchema } from './schema.ts';
import { serverSlug, whyBadName } from './server-name.ts';
import { closedPart, folderNames, refersTo } from './template.ts';
import { findUnknownKeys } from './unknown-keys.ts';

export type ServerKind = 'stdio' | 'http' | 'sse' | 'ws' | 'started-http' | 'started-sse';

export type ServerEntry = Readonly<{
  name: string;
  /** `[a-z0-9-]`, unique: for files and folders. */
  slug: string;
  /** What sessions see; unique only among those of one project. */
  shownName: string;
  /** The same as it stands in tool names. */
  shownSlug: string;
  kind: ServerKind;
  command?: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  inheritEnv: readonly string[];
  cwd?: string;
  url?: string;
  headers: Readonly<Record<string, string>>;
  oauth?: NonNullable<ServerDefinition['oauth']>;
  enabled: boolean;
  sharing: SharingChoice;
  /** Absolute, links resolved. Absent: every folder. */
  projects?: readonly string[];
  timeoutMs?: number;
  startTimeoutMs?: number;
  idleStopMs: number;
  keepAlive: boolean;
  maxConcurrent?: number;
  onAmbiguous: 'refuse' | 'serialize';
  sampling: boolean;
  tools: Readonly<{ allow?: readonly string[]; deny: readonly string[] }>;
  shield?: boolean;
  alwaysLoad: boolean;
  /** Of the definition as written, whatever its layout: the same hash is the same definition. */
  definitionHash: string;
}>;

export type CheckedServer = { entry?: ServerEntry; errors: Flaw[]; warnings: Flaw[] };

/** Claude Code ignores a `timeout` below one second; the same file must mean the same here. */
const leastClaudeTimeoutMs = 1_000;

export function checkServer(name: string, raw: unknown, home: string): CheckedServer {
  const path: JsonPath = ['mcpServers', name];
  const errors = nameFlaws(path, name);
  const parsed = serverSchema.safeParse(raw);
  const unknown = findUnknownKeys(serverSchema, raw, path);
  if (!parsed.success) return { errors: [...errors, ...flawsOf(parsed.error.issues, raw, path)], warnings: unknown };
  const { data } = parsed;
  const { kind, flaws } = resolveKind(data, path);
  errors.push(...flaws, ...checkFolders(data, path), ...checkPort(data, path));
  if (data.as !== undefined) errors.push(...nameFlaws([...path, 'as'], data.as));
  const warnings = [...unknown, ...contradictions(data, path)];
  if (kind === undefined || errors.length > 0) return { errors, warnings };
  return { entry: normaliseServer(name, kind, data, { home, hash: definitionHash(raw) }), errors, warnings };
}

function nameFlaws(path: JsonPath, name: string): Flaw[] {
  const badName = whyBadName(name);
  const hint = 'Give the server a short plain name such as "github".';
  return badName ? [{ path, what: `cannot be used: ${badName}`, hint }] : [];
}

/** sha256 of the definition with sorted keys. */
export function definitionHash(raw: unknown): string {
  return createHash('sha256').update(canonicalJson(raw)).digest('hex');
}

type KindResult = { kind?: ServerKind; flaws: Flaw[] };

function resolveKind(data: ServerDefinition, path: JsonPath): KindResult {
  const { command, url } = data;
  const type = data.type === 'streamable-http' ? 'http' : data.type;
  const fail = (at: JsonPath, what: string, hint: string): KindResult => ({ flaws: [{ path: at, what, hint }] });
  if (command === undefined && url === undefined) {
    const needs = type === undefined ? 'command or url' : type === 'stdio' ? 'command' : 'url';
    const example = needs === 'url' ? '"url": "https://…"' : '"command": "npx"';
    return fail(path, `has no ${needs}`, `Add ${example}${type === undefined ? ' or "url": "https://…"' : ''}.`);
  }
  if (command === undefined) {
    if (type === 'stdio') return fail(path, 'has type "stdio" and a url but no command', 'Write "type": "http".');
    return checkUrl(url ?? '', type ?? remoteType(url ?? ''), [...path, 'url']);
  }
  if (url === undefined) {
    if (type === undefined || type === 'stdio') return { kind: 'stdio', flaws: [] };
    return fail(path, `has type "${data.type}" but no url`, 'Add "url", or write "type": "stdio" for a command.');
  }
  if (type === 'stdio') {
    return fail(path, 'has type "stdio" and a url', 'Remove the url, or the type if the command speaks HTTP there.');
  }
  if (type === 'ws') return fail([...path, 'type'], 'is "ws" for a command', 'Started servers speak "http" or "sse".');
  return checkStartedUrl(url, type ?? remoteType(url), [...path, 'url']);
}

function remoteType(url: string): 'http' | 'sse' | 'ws' {
  if (/^wss?:/i.test(url)) return 'ws';
  return /\/sse\/?(?:[?#]|$)/.test(url) ? 'sse' : 'http';
}

function checkUrl(url: string, type: 'http' | 'sse' | 'ws', path: JsonPath): KindResult {
  const schemes = type === 'ws' ? ['ws:', 'wss:'] : ['http:', 'https:'];
  const parsed = parseTemplateUrl(url);
  // Its start is a variable: what it becomes is checked when it is known.
  if (parsed === 'later') return { kind: type, flaws: [] };
  if (parsed && schemes.includes(parsed.protocol)) return { kind: type, flaws: [] };
  const what = parsed ? `starts with ${quote(parsed.protocol)} but the type is "${type}"` : 'is not a URL';
  return { flaws: [{ path, what, hint: `Write a URL that starts with ${schemes.join('// or ')}//.` }] };
}

function checkStartedUrl(url: string, type: 'http' | 'sse' | 'ws', path: JsonPath): KindResult {
  const checked = checkUrl(url, type === 'ws' ? 'http' : type, path);
  const parsed = parseTemplateUrl(url);
  if (checked.kind === undefined || parsed === 'later' || parsed === undefined) return checked;
  if (!['127.0.0.1', 'localhost', '[::1]'].includes(parsed.hostname)) {
    const hint = 'Write "http://127.0.0.1:${PORT}/mcp", or remove the command if the server runs elsewhere.';
    return { flaws: [{ path, what: `names the host ${quote(parsed.hostname)} for a server started here`, hint }] };
  }
  return { kind: type === 'sse' ? 'started-sse' : 'started-http', flaws: [] };
}

function parseTemplateUrl(url: string): URL | 'later' | undefined {
  if (/^\$?\{/.test(url)) return 'later';
  // A number fits wherever a reference may stand: host, port, path, query.
  const closed = closedPart(url);
  const filled = closed.replace(/\$\{[^}]*\}|\{env:[^}]*\}/g, '1') + url.slice(closed.length);
  return URL.canParse(filled) ? new URL(filled) : undefined;
}

function checkFolders(data: ServerDefinition, path: JsonPath): Flaw[] {
  return (data.projects ?? []).flatMap((folder, i): Flaw[] => {
    if (isAbsolute(folder) || folder === '~' || folder.startsWith('~/')) return [];
    const hint = 'Write it from the root or from your home: "~/work".';
    return [{ path: [...path, 'projects', i], what: `is ${quote(folder)}, a relative folder`, hint }];
  });
}

function checkPort(data: ServerDefinition, path: JsonPath): Flaw[] {
  const isStarted = data.command !== undefined && data.url !== undefined;
  const templates = launchTemplates(data);
  if (isStarted || !refersTo(templates, 'PORT') || templates.some((text) => /\$\{PORT:-/.test(text))) return [];
  const hint = 'Add "url": "http://127.0.0.1:${PORT}/mcp" beside the command.';
  return [{ path, what: 'mentions ${PORT}, which exists only for a server with command and url', hint }];
}

function contradictions(data: ServerDefinition, path: JsonPath): Flaw[] {
  const warnings: Flaw[] = [];
  const own = (['SESSION_ID', ...folderNames] as const).find((name) => refersTo(launchTemplates(data), name));
  if (data.sharing === 'shared' && own) {
    const what = `is "shared" but the entry mentions \${${own}}: each value gets its own copy all the same`;
    warnings.push({ path: [...path, 'sharing'], what });
  }
  if (data.timeout !== undefined && data.timeout < leastClaudeTimeoutMs && data.timeoutMs === undefined) {
    warnings.push({ path: [...path, 'timeout'], what: `is ${data.timeout} ms and is ignored, as in Claude Code` });
  }
  if (data.timeout !== undefined && data.timeoutMs !== undefined && data.timeout !== data.timeoutMs) {
    warnings.push({ path: [...path, 'timeout'], what: 'is ignored because timeoutMs is there too' });
  }
  if (data.disabled !== undefined && data.enabled === data.disabled) {
    const what = 'says the opposite of "enabled"; the server stays off';
    if (data.disabled) warnings.push({ path: [...path, 'disabled'], what });
  }
  return warnings;
}

/** Every text of the entry in which references are filled in. */
export function launchTemplates(data: {
  command?: string | undefined;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd?: string | undefined;
  url?: string | undefined;
  headers: Readonly<Record<string, string>>;
  oauth?: ServerDefinition['oauth'];
}): string[] {
  const { clientId, clientSecret, authServerMetadataUrl } = data.oauth ?? {};
  const single = [data.command, data.cwd, data.url, clientId, clientSecret, authServerMetadataUrl].filter(
    (text) => text !== undefined,
  );
  return [...single, ...data.args, ...Object.values(data.env), ...Object.values(data.headers)];
}

function normaliseServer(
  name: string,
  kind: ServerKind,
  data: ServerDefinition,
  context: { home: string; hash: string },
): ServerEntry {
  const { command, url, oauth, startTimeoutMs, maxConcurrent, shield } = data;
  const claudeTimeout = data.timeout !== undefined && data.timeout >= leastClaudeTimeoutMs ? data.timeout : undefined;
  const timeoutMs = data.timeoutMs ?? claudeTimeout;
  return {
    name,
    slug: serverSlug(name),
    shownName: data.as ?? name,
    shownSlug: serverSlug(data.as ?? name),
    kind,
    ...(command !== undefined && { command }),
    args: data.args,
    env: data.env,
    inheritEnv: data.inheritEnv,
    ...(data.cwd !== undefined && { cwd: fromHome(data.cwd, context.home) }),
    ...(url !== undefined && { url }),
    headers: data.headers,
    ...(oauth !== undefined && { oauth }),
    enabled: data.enabled && data.disabled !== true,
    sharing: data.sharing,
    ...(data.projects && { projects: data.projects.map((folder) => realFolder(folder, context.home)) }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(startTimeoutMs !== undefined && { startTimeoutMs }),
    idleStopMs: data.idleStopMs,
    keepAlive: data.keepAlive,
    ...(maxConcurrent !== undefined && { maxConcurrent }),
    onAmbiguous: data.onAmbiguous,
    sampling: data.sampling,
    tools: data.tools.allow ? { allow: data.tools.allow, deny: data.tools.deny } : { deny: data.tools.deny },
    ...(shield !== undefined && { shield }),
    alwaysLoad: data.alwaysLoad,
    definitionHash: context.hash,
  };
}

function fromHome(folder: string, home: string): string {
  if (folder === '~') return home;
  return folder.startsWith('~/') ? join(home, folder.slice(2)) : folder;
}

function withoutSlashes(path: string): string {
  let end = path.length;
  while (end > 1 && (path[end - 1] === '/' || path[end - 1] === '\\')) end -= 1;
  return path.slice(0, end);
}

/** Project roots of sessions have their links resolved, so these must too. */
function realFolder(folder: string, home: string): string {
  const plain = withoutSlashes(normalize(fromHome(folder, home)));
  try {
    return realpathSync(plain);
  } catch {
    return plain; // not there (yet): matches once it exists under this name
  }
}
