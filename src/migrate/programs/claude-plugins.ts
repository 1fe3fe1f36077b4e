// Servers that enabled Claude Code plugins bring (the official Serena plugin among them).
import { join, resolve } from 'node:path';
import { isRecord } from '../../base/guards.ts';
import { isInside } from '../../base/inside.ts';
import { listFolder } from '../../base/list-folder.ts';
import { lineOfPath, readJsonc } from '../documents/jsonc-document.ts';
import { readClientFile, type World } from '../world.ts';
import type { ClaudeSettings } from './claude-settings.ts';
import type { Collected, Declared, SourceProblem } from './declared.ts';
import { allTexts } from './entry-codecs.ts';
import { claudeDir } from './hosts.ts';
import { readServersOf, serversIn } from './read-entries.ts';

/** Ours is a plugin too. */
export const ownPlugin = 'mcp-proxy';

export function collectClaudePlugins(world: World, settings: ClaudeSettings): Collected {
  const servers: Declared[] = [];
  const ids = enabledPlugins(settings).filter((id) => id.split('@')[0] !== ownPlugin);
  const installed = readInstalled(world);
  const problems: Collected['problems'] = installed.problem && ids.length > 0 ? [installed.problem] : [];
  for (const id of ids) {
    const root = rootOf(installed, id);
    if (root === undefined) continue;
    const found = serversOfPlugin(root, id);
    problems.push(...found.problems);
    const extras = otherParts(root);
    servers.push(...found.servers.map((server) => withLimits(server, extras)));
  }
  return { servers, problems };
}

/** Enabled for the person; a project's own settings count too, as Claude Code merges them. */
export function enabledPlugins(settings: ClaudeSettings): string[] {
  const states = new Map<string, boolean>();
  for (const kind of ['user', 'managed'] as const) {
    for (const file of settings.files.filter((entry) => entry.kind === kind)) {
      const plugins = file.value['enabledPlugins'];
      if (!isRecord(plugins)) continue;
      for (const [id, state] of Object.entries(plugins)) states.set(id, state === true || Array.isArray(state));
    }
  }
  return [...states].filter(([, isEnabled]) => isEnabled).map(([id]) => id);
}

export type InstalledPlugins = { file: string; plugins: Record<string, unknown>; problem?: SourceProblem };

/** Claude Code's own list. */
export function readInstalled(world: World): InstalledPlugins {
  const file = join(claudeDir(world), 'plugins', 'installed_plugins.json');
  const reading = readClientFile(file, { inside: world.home });
  if (reading.kind === 'absent') return { file, plugins: {} };
  if (reading.kind === 'refused') return { file, plugins: {}, problem: { file, reason: reading.reason } };
  const parsed = readJsonc(reading.document.text);
  if ('reason' in parsed) return { file, plugins: {}, problem: { file, ...parsed } };
  const { plugins } = parsed.value;
  return { file, plugins: isRecord(plugins) ? plugins : {} };
}

/** Installed copy, or the marketplace's own folder for a plugin that is loaded in place. */
export function rootOf({ plugins }: InstalledPlugins, id: string): string | undefined {
  const entry = plugins[id];
  const records = (Array.isArray(entry) ? entry : [entry]).filter(isRecord);
  const paths = records.map((record) => record['installPath']).filter((path) => typeof path === 'string');
  return paths.at(-1);
}

export function serversOfPlugin(root: string, id: string): Collected {
  const boundary = { inside: root };
  const base = {
    host: 'claude-plugin' as const,
    scope: 'plugin' as const,
    format: 'jsonc' as const,
    boundary,
    plugin: id,
  };
  const container = ['mcpServers'];
  const manifestPath = join(root, '.claude-plugin', 'plugin.json');
  const manifest = readClientFile(manifestPath, boundary);
  const named: string[] = ['.mcp.json'];
  const collected: Collected = { servers: [], problems: [] };
  if (manifest.kind === 'refused') collected.problems.push({ file: manifestPath, reason: manifest.reason });
  if (manifest.kind === 'file') {
    const parsed = readJsonc(manifest.document.text);
    if ('reason' in parsed) collected.problems.push({ file: manifestPath, ...parsed });
    else {
      const declared = parsed.value['mcpServers'];
      const lineAt = (path: string[]) => lineOfPath(manifest.document.text, parsed.root, path);
      if (isRecord(declared)) {
        const place = { ...base, file: manifestPath, container };
        collected.servers.push(...serversIn(place, parsed.value, container, lineAt).servers);
      }
      named.push(...[declared].flat().filter((path) => typeof path === 'string'));
    }
  }
  for (const path of new Set(named.map((name) => resolve(root, name)))) {
    if (!isInside(path, root)) continue;
    const found = readServersOf({ ...base, file: path, container });
    // A plugin may write the servers without the outer key.
    const isBare = found.servers.length === 0 && found.exists && found.problems.length === 0;
    const bare = isBare ? readServersOf({ ...base, file: path, container: [] }) : found;
    collected.servers.push(...bare.servers.filter((server) => server.invalid === undefined || !isBare));
    collected.problems.push(...found.problems);
  }
  return collected;
}

/** A plugin has a dozen. */
const maxPluginEntries = 10_000;

/** What the plugin gives besides servers: switching the whole plugin off would take that away. */
function otherParts(root: string): string[] {
  const parts = ['skills', 'commands', 'agents', 'hooks', 'lspServers', 'output-styles', 'SKILL.md'];
  const names = listFolder(root, maxPluginEntries).entries.map((entry) => entry.name);
  return parts.filter((name) => names.includes(name));
}

function withLimits(server: Declared, extras: readonly string[]): Declared {
  const reasons: string[] = [];
  if (extras.length > 0) {
    reasons.push(`its plugin also brings ${extras.join(', ')}, and the server alone cannot be switched off for you`);
  }
  const own = /\$\{(?:CLAUDE_PLUGIN_ROOT|CLAUDE_PLUGIN_DATA|user_config\.\w+)/;
  if (allTexts(server.entry).some((text) => own.test(text))) {
    reasons.push("it runs from the plugin's own folder, which changes with every version");
  }
  return { ...server, uncarried: [...server.uncarried, ...reasons] };
}
