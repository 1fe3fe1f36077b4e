// Serena from its package for the tests with the real client: installed once, with the language server that is here.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { ensurePyright, ensureUv, networkEnv, toolCache, warmUp } from '../real-servers.ts';
import type { World } from './world.ts';

export type Serena = { env: Record<string, string>; pyright: string } | { reason: string };

/** What a session needs to start it, or why it cannot be had here. */
export async function ensureSerena(): Promise<Serena> {
  const uv = await ensureUv();
  if ('reason' in uv) return uv;
  const pyright = await ensurePyright();
  if ('reason' in pyright) return pyright;
  const failed = await warmUp(uv.bin, ['--from', 'serena-agent', 'serena', '--version']);
  if (failed) return failed;
  const env = {
    ...networkEnv,
    PATH: `${uv.bin}:${process.env['PATH'] ?? ''}`,
    XDG_CACHE_HOME: join(toolCache, 'xdg'),
  };
  return { env, pyright: pyright.path };
}

export function skipWithout(serena: Serena, context: TestContext): void {
  if (!('reason' in serena)) return;
  console.log(`Not tested with Serena: ${serena.reason}`);
  context.skip(serena.reason);
}

/** One tool for each operation instead of the REPL, no window, and no download of a language server. */
export function configureSerena(world: World, pyright: string): void {
  mkdirSync(join(world.home, '.serena'), { recursive: true });
  writeFileSync(
    join(world.home, '.serena', 'serena_config.yml'),
    `projects: []\nagent_interface: tools\nweb_dashboard: false\nls_specific_settings:\n  python:\n    ls_path: ${pyright}\n`,
  );
}

/** Ends of its logs, newest last, for the message of a failed test. */
export function serenaLog(world: World): string {
  try {
    const folder = join(world.home, '.serena', 'logs');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.txt'));
    const texts = files
      .sort()
      .slice(-2)
      .map((name) => readFileSync(join(folder, name), 'utf8').slice(-3_000));
    return texts.join('\n---\n');
  } catch {
    return 'Serena wrote no log';
  }
}
