// The administrator's lists of Claude Code hold for our servers too: what may not run there must not run through us.
import { basename } from 'node:path';
import { isRecord } from '../../base/guards.ts';
import { matchesWildcard } from '../../config/wildcard.ts';
import { isFolder, readClientFile, type World } from '../world.ts';
import type { ClaudeSettings } from './claude-settings.ts';
import type { LaunchEntry } from './declared.ts';

type Matcher = { serverName?: string; serverCommand?: string[]; serverUrl?: string };

/** Why the administrator's lists keep this server from running through the daemon, or undefined. */
export function whyManagedAway(
  settings: ClaudeSettings,
  names: readonly string[],
  entry: LaunchEntry,
): string | undefined {
  const managed = settings.files.filter((file) => file.kind === 'managed' && file.exists);
  const denied = managed.flatMap((file) => matchersOf(file.value['deniedMcpServers']));
  if (denied.some((matcher) => matches(matcher, names, entry)))
    return 'your administrator denies it (deniedMcpServers)';
  const lists = managed.map((file) => file.value['allowedMcpServers']).filter(Array.isArray);
  if (lists.length === 0) return undefined;
  const isAllowed = lists.flatMap(matchersOf).some((matcher) => matches(matcher, names, entry));
  return isAllowed ? undefined : 'your administrator does not allow it (allowedMcpServers)';
}

/** Why nothing can be moved at all on this machine. */
export function whyPluginManagedAway(world: World, settings: ClaudeSettings): string | undefined {
  const exclusive = `${world.managedDir}/managed-mcp.json`;
  if (isFolder(world.managedDir) && readClientFile(exclusive, { inside: world.managedDir }).kind !== 'absent') {
    return `${exclusive} has exclusive control of MCP servers, plugins' ones included`;
  }
  // Claude Code knows our server under either form.
  const names = ['plugin:mcp-proxy:s', 's'];
  const entry = { command: 'node', args: ['run-mcp-proxy', 'mcp-user'] };
  return whyManagedAway(settings, names, entry)?.replace(/ it /, " this plugin's server ");
}

/** Whether one entry of such a list means this server. */
export function isListed(list: unknown, names: readonly string[], entry: LaunchEntry): boolean {
  return matchersOf(list).some((matcher) => matches(matcher, names, entry));
}

function matchersOf(list: unknown): Matcher[] {
  if (!Array.isArray(list)) return [];
  return list.filter(isRecord).map((entry) => {
    const { serverName, serverCommand, serverUrl } = entry;
    return {
      ...(typeof serverName === 'string' ? { serverName } : {}),
      ...(Array.isArray(serverCommand)
        ? { serverCommand: serverCommand.filter((word) => typeof word === 'string') }
        : {}),
      ...(typeof serverUrl === 'string' ? { serverUrl } : {}),
    };
  });
}

function matches(matcher: Matcher, names: readonly string[], entry: LaunchEntry): boolean {
  if (matcher.serverName !== undefined) return names.includes(matcher.serverName);
  if (matcher.serverUrl !== undefined) return entry.url !== undefined && matchesWildcard(matcher.serverUrl, entry.url);
  if (matcher.serverCommand === undefined || entry.command === undefined) return false;
  const words = [entry.command, ...(entry.args ?? [])];
  const wanted = matcher.serverCommand;
  const isSame = wanted.length === words.length && wanted.every((word, i) => word === words[i]);
  return isSame || (wanted.length === 1 && wanted[0] === basename(entry.command));
}
