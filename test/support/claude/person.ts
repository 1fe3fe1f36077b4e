// A person as they are before the migration: three servers of their own, one for a folder, one that a plugin brings, one
// that a repository brings, and rules for their tools. Both Serenas are the real one where it can be had.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { root as projectRoot } from '../../../scripts/build-defines.ts';
import type { ClientVersion } from './client-binary.ts';
import { locationsOf } from './daemon-view.ts';
import { copyTree, installPlugin, makeMarketplace } from './marketplace.ts';
import { runPluginCommand } from './run-client.ts';
import { configureSerena, type Serena } from './serena.ts';
import { idleExitMs } from './shared-servers.ts';
import { makeWorld, plainEnv, type World, writeJson } from './world.ts';

export type Person = {
  world: World;
  /** Variables of every session. On a busy machine Serena takes longer than the half minute that the client gives it. */
  env: Record<string, string>;
  files: { state: string; settings: string; repo: string };
  bytes: () => Record<string, Buffer>;
  git: (...args: string[]) => string;
};

const json = z.record(z.string(), z.unknown());
const read = (path: string) => json.parse(JSON.parse(readFileSync(path, 'utf8')));
const program = (name: string) =>
  join(projectRoot, 'node_modules', '@modelcontextprotocol', `server-${name}`, 'dist', 'index.js');
const start = (name: string, ...args: string[]) => ({ command: process.execPath, args: [program(name), ...args] });
const startSerena = ['--from', 'serena-agent', 'serena', 'start-mcp-server'];

export async function personWithServers(version: ClientVersion, serena: Serena): Promise<Person | undefined> {
  if ('reason' in serena) return undefined;
  const world = await makeWorld(version, ['alpha', 'beta']);
  const marketplace = makeMarketplace(world);
  marketplace.publish(copyTree(join(world.root, 'tree')));
  await installPlugin(world, marketplace);
  writeOwnSettings(world);
  configureSerena(world, serena.pyright);
  await installSerenaPlugin(world);
  const alpha = world.project('alpha');
  const files = {
    state: join(world.home, '.claude.json'),
    settings: join(world.home, '.claude', 'settings.json'),
    repo: join(alpha, '.mcp.json'),
  };
  writeServers(world, files);
  const git = (...args: string[]) => runGit(world, ...args);
  writeRepository(alpha, files.repo);
  git('add', '-A');
  git('commit', '-qm', 'project');
  const bytes = () => Object.fromEntries(Object.entries(files).map(([name, path]) => [name, readFileSync(path)]));
  return { world, env: { ...serena.env, MCP_CONNECTION_NONBLOCKING: '0', MCP_TIMEOUT: '180000' }, files, bytes, git };
}

function runGit(world: World, ...args: string[]): string {
  return execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.invalid', ...args], {
    cwd: world.project('alpha'),
    env: plainEnv(world.home),
    encoding: 'utf8',
  });
}

/** The same home once more, as it is now, without our own folder. */
export function controlWorld({ world }: Person): World {
  const home = join(world.root, 'control', 'my home');
  const isClients = (path: string) => !path.startsWith(join(world.home, '.aitkit'));
  const options = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true, filter: isClients };
  cpSync(world.home, home, options);
  return { ...world, home };
}

/** A short life for the daemon and any free port, so that a test sees it go and meets no other. */
function writeOwnSettings(world: World): void {
  const { configPath } = locationsOf(world);
  mkdirSync(dirname(configPath), { recursive: true, mode: 0o700 });
  chmodSync(join(world.home, '.aitkit'), 0o700);
  chmodSync(join(world.home, '.aitkit', 'lib'), 0o700);
  writeJson(configPath, { daemon: { idleExitMs }, http: { port: 0 } });
}

/** In the shape of the official plugin: no outer key, no context, no project. Its package instead of its repository. */
async function installSerenaPlugin(world: World): Promise<void> {
  const folder = join(world.root, 'other');
  mkdirSync(join(folder, '.claude-plugin'), { recursive: true });
  mkdirSync(join(folder, 'serena', '.claude-plugin'), { recursive: true });
  const description = 'Semantic code analysis MCP server';
  writeJson(join(folder, '.claude-plugin', 'marketplace.json'), {
    name: 'other',
    owner: { name: 'somebody' },
    plugins: [{ name: 'serena', source: './serena', description }],
  });
  writeJson(join(folder, 'serena', '.claude-plugin', 'plugin.json'), { name: 'serena', version: '1.0.0', description });
  writeJson(join(folder, 'serena', '.mcp.json'), { serena: { command: 'uvx', args: startSerena } });
  await runPluginCommand(world, 'marketplace', 'add', folder);
  await runPluginCommand(world, 'install', 'serena@other');
}

function writeServers(world: World, files: Person['files']): void {
  const memory = (name: string) => ({
    ...start('memory'),
    env: { MEMORY_FILE_PATH: join(world.root, `${name}.jsonl`) },
  });
  const known = read(files.state);
  const projects = z.record(z.string(), json).parse(known['projects'] ?? {});
  const alpha = world.project('alpha');
  writeJson(files.state, {
    ...known,
    mcpServers: {
      everything: { type: 'stdio', ...start('everything') },
      memory: memory('memory'),
      notes: memory('notes'),
    },
    projects: { ...projects, [alpha]: { ...projects[alpha], mcpServers: { mine: memory('mine') } } },
  });
  writeJson(files.settings, {
    ...read(files.settings),
    permissions: {
      allow: ['mcp__everything', 'mcp__serena__*', 'mcp__plugin_serena_serena__initial_instructions'],
      deny: [
        ...['mcp__everything__get-sum', 'mcp__everything__trigger-long-running-operation'],
        ...['mcp__notes', 'mcp__serena__write_memory'],
      ],
    },
  });
}

function writeRepository(alpha: string, repo: string): void {
  const args = [...startSerena, '--context', 'claude-code', '--project', alpha];
  writeJson(repo, { mcpServers: { serena: { command: 'uvx', args } } });
  mkdirSync(join(alpha, 'app'));
  writeFileSync(join(alpha, 'app', 'basket.py'), 'class Basket:\n    def owner(self):\n        return "alpha"\n');
  mkdirSync(join(alpha, '.serena'));
  writeFileSync(join(alpha, '.serena', 'project.yml'), 'project_name: alpha\nlanguage_servers: ["python"]\n');
  writeFileSync(join(alpha, '.gitignore'), 'node_modules\n.serena/\n');
}
