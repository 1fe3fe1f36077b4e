// Servers that enabled Claude Code plugins bring (the official Serena plugin among them).
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isRecord } from '../../link/hello.ts';
import type { ClaudeSettings } from '../claude-settings.ts';
import type { Collected, Declared } from '../declared.ts';
import { lineOfPath, readJsonc } from '../documents/jsonc-document.ts';
import { allTexts } from '../entry-codecs.ts';
import { claudeDir } from '../hosts.ts';
import { isInside, readClientFile, type World } from '../world.ts';
import { readServersOf, serversIn } from './read-entries.ts';

/** Ours is a plugin too. */
export const ownPlugin = 'mcp-proxy';

export function collectClaudePlugins(world: World, settings: ClaudeSettings): Collected {
  const servers: Declared[] = [];
  const problems: Collected['problems'] = [];
  for (const id of enabledPlugins(settings)) {
    if (id.split('@')[0] === ownPlugin) continue;
    const root = pluginRoot(world, id);
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

/** Installed copy, or the marketplace's own folder for a plugin that is loaded in place. */
export function pluginRoot(world: World, id: string): string | undefined {
  const folder = join(claudeDir(world), 'plugins');
  const installed = readRecord(join(folder, 'installed_plugins.json'), world);
  const plugins = isRecord(installed?.['plugins']) ? installed['plugins'] : {};
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

/** What the plugin gives besides servers: switching the whole plugin off would take that away. */
function otherParts(root: string): string[] {
  const parts = ['skills', 'commands', 'agents', 'hooks', 'lspServers', 'output-styles', 'SKILL.md'];
  return parts.filter((name) => {
    try {
      return readdirSync(root).includes(name);
    } catch {
      return false;
    }
  });
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

function readRecord(file: string, world: World): Record<string, unknown> | undefined {
  const reading = readClientFile(file, { inside: world.home });
  if (reading.kind !== 'file') return undefined;
  const parsed = readJsonc(reading.document.text);
  return 'reason' in parsed ? undefined : parsed.value;
}
