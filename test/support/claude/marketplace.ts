// The plugin as people get it: a git marketplace, cloned by the client, installed into its versioned cache.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { root as projectRoot } from '../../../scripts/build-defines.ts';
import { runPluginCommand } from './run-client.ts';
import { plainEnv, type World, writeJson } from './world.ts';

export const pluginId = 'mcp-proxy@aitkit';

export type Marketplace = {
  /** Commits a tree of files as the marketplace's newest state. */
  publish: (tree: string) => void;
  /** What `claude plugin marketplace add` is given. */
  source: string;
};

export function makeMarketplace(world: World): Marketplace {
  const work = join(world.root, 'marketplace');
  const bare = join(world.root, 'marketplace.git');
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.invalid', ...args], {
      cwd: work,
      env: plainEnv(world.home),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  mkdirSync(work);
  git('init', '-q', '-b', 'main');
  git('init', '-q', '--bare', '-b', 'main', bare);
  // The client refuses file:// as a marketplace; git itself may be told that this address is a local one.
  writeFileSync(
    join(world.home, '.gitconfig'),
    `[url "file://${bare}"]\n\tinsteadOf = https://git.invalid/aitkit.git\n`,
  );
  return {
    source: 'https://git.invalid/aitkit.git',
    publish: (tree) => {
      git('rm', '-rq', '--ignore-unmatch', '.');
      cpSync(tree, work, { recursive: true });
      git('add', '-A', '-f');
      git('commit', '-qm', 'publish');
      git('push', '-q', bare, 'main');
    },
  };
}

/** Adds the marketplace and installs the plugin, as the README says. */
export async function installPlugin(world: World, marketplace: Marketplace): Promise<void> {
  await runPluginCommand(world, 'marketplace', 'add', marketplace.source);
  await runPluginCommand(world, 'install', pluginId);
}

/** Where the client loads an installed version from. */
export function installedRoot(world: World, version: string): string {
  return join(world.home, '.claude', 'plugins', 'cache', 'aitkit', 'mcp-proxy', version);
}

export function pluginVersion(): string {
  const text = readFileSync(join(projectRoot, '.claude-plugin', 'plugin.json'), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}

/** Copies what a clone of this repository would hold, with the bundles that are built now. */
export function copyTree(target: string): string {
  const options = { cwd: projectRoot, encoding: 'utf8' } as const;
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], options);
  const files = listed.split('\0').filter((name) => isShipped(name) && existsSync(join(projectRoot, name)));
  for (const file of files) {
    mkdirSync(dirname(join(target, file)), { recursive: true });
    cpSync(join(projectRoot, file), join(target, file));
  }
  return target;
}

/** The tests' own files would only slow the many copies down; the plugin holds none of them. */
function isShipped(file: string): boolean {
  return file !== '' && !/^(test|\.ci)\//.test(file);
}

/** A tree of the same sources under a later version, built: what an update brings. */
export function buildTreeAs(version: string, target: string): string {
  copyTree(target);
  symlinkSync(join(projectRoot, 'node_modules'), join(target, 'node_modules'));
  for (const manifest of ['package.json', '.claude-plugin/plugin.json']) {
    const path = join(target, manifest);
    writeJson(path, { ...z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(path, 'utf8'))), version });
  }
  execFileSync(process.execPath, ['--import', 'tsx', 'scripts/build.ts'], { cwd: target, stdio: 'pipe' });
  rmSync(join(target, 'node_modules'));
  return target;
}
