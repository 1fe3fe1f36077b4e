// Where each program keeps its servers, on each system, and what a person does after a change there.
import { join } from 'node:path';
import type { World } from '../world.ts';
import type { HostId } from './declared.ts';

export type HostFile = {
  host: HostId;
  file: string;
  format: 'jsonc' | 'toml';
  /** Keys that lead to the servers. */
  container: string[];
};

export type ConnectableHost = Exclude<HostId, 'claude-plugin'>;

type Host = {
  title: string;
  nextStep: string;
  userFiles: (world: World) => HostFile[];
  projectFiles: (project: string) => HostFile[];
};

export function claudeDir(world: World): string {
  return world.env['CLAUDE_CONFIG_DIR'] || join(world.home, '.claude');
}

/** With CLAUDE_CONFIG_DIR the state file moves into that folder. */
export function claudeStatePath(world: World): string {
  const dir = world.env['CLAUDE_CONFIG_DIR'];
  return dir ? join(dir, '.claude.json') : join(world.home, '.claude.json');
}

/** Folder in which desktop programs of this system keep their settings. */
function appData(world: World): string {
  if (world.platform === 'darwin') return join(world.home, 'Library', 'Application Support');
  if (world.platform === 'win32') return world.env['APPDATA'] || join(world.home, 'AppData', 'Roaming');
  return xdgConfig(world);
}

function xdgConfig(world: World): string {
  return world.env['XDG_CONFIG_HOME'] || join(world.home, '.config');
}

const json = (host: HostId, file: string, ...container: string[]): HostFile => ({
  host,
  file,
  format: 'jsonc',
  container,
});

export const hosts: Record<ConnectableHost, Host> = {
  'claude-code': {
    title: 'Claude Code',
    nextStep: 'Start a new session; open ones keep what they have.',
    userFiles: (world) => [json('claude-code', claudeStatePath(world), 'mcpServers')],
    projectFiles: (project) => [json('claude-code', join(project, '.mcp.json'), 'mcpServers')],
  },
  'claude-desktop': {
    title: 'Claude Desktop',
    nextStep: 'Quit Claude Desktop (not only its window) and start it again.',
    userFiles: (world) => [
      json('claude-desktop', join(appData(world), 'Claude', 'claude_desktop_config.json'), 'mcpServers'),
    ],
    projectFiles: () => [],
  },
  cursor: {
    title: 'Cursor',
    nextStep: 'Open Settings > MCP and switch the entry on, or restart Cursor.',
    userFiles: (world) => [json('cursor', join(world.home, '.cursor', 'mcp.json'), 'mcpServers')],
    projectFiles: (project) => [json('cursor', join(project, '.cursor', 'mcp.json'), 'mcpServers')],
  },
  vscode: {
    title: 'VS Code',
    nextStep: 'Run "MCP: List Servers" and start the entry, or "Developer: Reload Window".',
    userFiles: (world) => [json('vscode', join(appData(world), 'Code', 'User', 'mcp.json'), 'servers')],
    projectFiles: (project) => [json('vscode', join(project, '.vscode', 'mcp.json'), 'servers')],
  },
  codex: {
    title: 'Codex',
    nextStep: 'Start a new Codex session; /mcp lists it.',
    userFiles: (world) => [
      {
        host: 'codex',
        file: join(world.env['CODEX_HOME'] || join(world.home, '.codex'), 'config.toml'),
        format: 'toml',
        container: ['mcp_servers'],
      },
    ],
    projectFiles: (project) => [
      { host: 'codex', file: join(project, '.codex', 'config.toml'), format: 'toml', container: ['mcp_servers'] },
    ],
  },
  opencode: {
    title: 'opencode',
    nextStep: 'Close opencode and open it again.',
    userFiles: (world) =>
      ['opencode.json', 'opencode.jsonc'].map((name) =>
        json('opencode', join(xdgConfig(world), 'opencode', name), 'mcp'),
      ),
    projectFiles: (project) =>
      ['opencode.json', 'opencode.jsonc'].map((name) => json('opencode', join(project, name), 'mcp')),
  },
  pi: {
    title: 'pi',
    nextStep: 'Run /mcp reconnect in pi, or restart it.',
    userFiles: (world) => [json('pi', join(piDir(world), 'mcp.json'), 'mcpServers')],
    projectFiles: (project) => [json('pi', join(project, '.pi', 'mcp.json'), 'mcpServers')],
  },
};

export const hostIds: readonly ConnectableHost[] = [
  'claude-code',
  'claude-desktop',
  'cursor',
  'vscode',
  'codex',
  'opencode',
  'pi',
];

export function findHost(name: string): ConnectableHost | undefined {
  return hostIds.find((id) => id === name);
}

function piDir(world: World): string {
  return world.env['PI_CODING_AGENT_DIR'] || join(world.home, '.pi', 'agent');
}

/** The same file's place on each system, for people. */
export function filePlaces(host: ConnectableHost, world: World): { system: string; file: string }[] {
  const systems: { system: string; platform: NodeJS.Platform; home: string }[] = [
    { system: 'Linux', platform: 'linux', home: '~' },
    { system: 'macOS', platform: 'darwin', home: '~' },
    { system: 'Windows', platform: 'win32', home: '%USERPROFILE%' },
  ];
  return systems.map(({ system, platform, home }) => {
    const env = platform === 'win32' ? { APPDATA: '%APPDATA%' } : {};
    const file = hosts[host].userFiles({ ...world, platform, home, env })[0]?.file ?? '';
    return { system, file: platform === 'win32' ? file.replaceAll('/', '\\') : file };
  });
}
