// When two entries are the same server, and what of them fits one machine or one folder only.

import { basename, isAbsolute } from 'node:path';
import { canonicalJson } from '../../base/canonical-json.ts';
import { definitionHash } from '../../config/server-entry.ts';
import { findProjectRoot } from '../../link/project-root.ts';
import type { Declared, LaunchEntry } from '../programs/declared.ts';
import { mapTexts } from '../programs/entry-codecs.ts';

/** The folder whose sessions may see a server that was declared for `folder`. */
export function projectOf(folder: string, home: string): string {
  return findProjectRoot(folder, home) || folder;
}

/** The launch with the project's own path written as ${PROJECT_ROOT}, so that every checkout has its own. */
export function portableEntry(server: Declared, home: string): LaunchEntry {
  const { project, scope } = server.place;
  // A sub-folder of a repository is not what ${PROJECT_ROOT} becomes in its sessions.
  if (project === undefined || scope === 'plugin' || projectOf(project, home) !== project) return server.entry;
  return mapTexts(server.entry, (text) => replacePath(text, project));
}

function replacePath(text: string, folder: string): string {
  let result = '';
  let from = 0;
  for (let at = text.indexOf(folder); at >= 0; at = text.indexOf(folder, at + 1)) {
    const before = text[at - 1];
    const after = text[at + folder.length];
    const isWhole =
      (before === undefined || /[=:,;"' ]/.test(before)) && (after === undefined || /[/\\:,;"' ]/.test(after));
    if (!isWhole) continue;
    result += `${text.slice(from, at)}\${PROJECT_ROOT}`;
    from = at + folder.length;
  }
  return result + text.slice(from);
}

/** Equal keys, same server: command, arguments, environment, folder, address and headers. */
export function specKey(entry: LaunchEntry): string {
  const { command, args = [], env = {}, cwd, url, headers = {} } = entry;
  return definitionHash({ command, args, env, cwd, url, headers });
}

/** What a person approves: every byte that decides what runs, and where it was found. */
export function approvalHash(server: Declared): string {
  return definitionHash({
    file: server.place.file,
    path: server.place.path,
    raw: JSON.parse(canonicalJson(server.raw)),
  });
}

/** Parts that hold on this machine only. */
export function notPortable(entry: LaunchEntry): string[] {
  const words = [entry.command ?? '', ...(entry.args ?? [])].map((word) => word.replace(/^--?[\w-]+=/, ''));
  const scripts = words.filter((word) => isAbsolute(word) && /\.(?:[cm]?[jt]s|py|sh|rb|pl|exe|jar)$/i.test(word));
  const command = entry.command ?? '';
  const isOwnProgram = isAbsolute(command) && !/^\/(?:usr|bin|opt|snap|Applications|nix)\b/.test(command);
  return [...new Set([...(isOwnProgram ? [command] : []), ...scripts])];
}

/** Words that stand for a value which somebody still has to fill in. */
const placeholder = /^(?:<[^<>]+>|YOUR[_-].*|REPLACE[_-]?ME|CHANGE[_-]?ME|XXX+|\.\.\.|…|\/path\/to\/.*)$/i;

export type LaunchMistake = { why: string; instead?: LaunchEntry };

/** Why this entry cannot have worked, with the one that does where we know it. */
export function findMistake(entry: LaunchEntry): LaunchMistake | undefined {
  const texts = [
    ...(entry.args ?? []),
    ...Object.values(entry.env ?? {}),
    ...Object.values(entry.headers ?? {}).map((value) => value.replace(/^Bearer\s+/i, '')),
  ];
  const unfilled = texts.find((text) => placeholder.test(text.trim()));
  if (unfilled !== undefined) return { why: `${JSON.stringify(unfilled)} is a placeholder that was never filled in` };
  return findSerenaMistake(entry);
}

function findSerenaMistake(entry: LaunchEntry): LaunchMistake | undefined {
  const args = entry.args ?? [];
  const program = basename(entry.command ?? '').replace(/\.exe$/i, '');
  const isSerena =
    program === 'serena' ||
    args.some((arg) => arg === 'serena' || /\bserena-agent\b|\/serena(?:\.git)?(?:@|$)/.test(arg));
  if (!isSerena || program === 'docker' || program === 'node') return undefined;
  const fixed = serenaThatWorks(entry);
  const wrong = args.find((arg) => /^--(?:workspace|project-root)(?:=|$)/.test(arg));
  if (wrong) return { why: `Serena has no option ${wrong.replace(/=.*/, '')}; it is --project`, instead: fixed };
  if (!args.includes('start-mcp-server') && !args.includes('serena-mcp-server') && program !== 'serena-mcp-server') {
    return { why: 'Serena only speaks MCP after the word start-mcp-server', instead: fixed };
  }
  const isPlainUvx = program === 'uvx' && !args.includes('--from') && args[0] === 'serena';
  return isPlainUvx
    ? { why: 'the package is called serena-agent, `uvx serena` installs another one', instead: fixed }
    : undefined;
}

function serenaThatWorks(entry: LaunchEntry): LaunchEntry {
  const args = entry.args ?? [];
  const from = args.indexOf('--from');
  const source = from >= 0 ? (args[from + 1] ?? 'serena-agent') : 'serena-agent';
  const start = ['start-mcp-server', '--context', 'claude-code', '--project', '${PROJECT_ROOT}'];
  const quiet = ['--open-web-dashboard', 'False'];
  const runsItself = basename(entry.command ?? '').startsWith('serena');
  return {
    command: runsItself ? (entry.command ?? 'serena') : 'uvx',
    args: runsItself ? [...start, ...quiet] : ['--from', source, 'serena', ...start, ...quiet],
    ...(entry.env ? { env: entry.env } : {}),
  };
}

// Declarations of the same launch become one server with all its places.
export type LaunchGroup = { id: string; entry: LaunchEntry; declared: Declared[] };

export function groupServers(servers: readonly Declared[], home: string): LaunchGroup[] {
  const groups = new Map<string, LaunchGroup>();
  for (const server of servers) {
    const entry = portableEntry(server, home);
    // What cannot be read is like nothing else, and is shown as it is.
    const id = server.invalid === undefined ? specKey(entry) : specKey({ command: JSON.stringify(server.place) });
    const group = groups.get(id) ?? { id: id.slice(0, 12), entry, declared: [] };
    group.declared.push(server);
    groups.set(id, group);
  }
  return [...groups.values()];
}

/** The name most of its places use; the person's own places count first. */
export function givenName(group: LaunchGroup): string {
  const rank = { user: 0, local: 1, plugin: 2, project: 3 };
  const first = [...group.declared].sort((a, b) => rank[a.place.scope] - rank[b.place.scope])[0];
  return first?.place.name ?? '';
}
