// The launchers in ~/.aitkit/bin, which entries in other programs name. The wrapper puts them there; a command that is
// about to write such an entry sees to it that they exist.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../base/errors.ts';
import type { CommandContext } from './command.ts';

/** The wrapper installs a few seconds after its start, when its session has its tools; copying takes well below one. */
const installTimeoutMs = 20_000;
const lookAgainMs = 50;

/** Idempotent. Throws MIGRATION_REFUSED if there is nothing that could install them. */
export async function ensureLauncher({ env, locations, installRoot, terminal, signal }: CommandContext): Promise<void> {
  const launcher = join(locations.binDir, process.platform === 'win32' ? 'run-mcp-proxy.cmd' : 'run-mcp-proxy');
  if (existsSync(launcher)) return;
  const wrapper = join(installRoot, 'bin', 'run-mcp-proxy');
  const child = spawn(process.execPath, [wrapper, locations.name], { env, stdio: ['pipe', 'ignore', 'ignore'] });
  child.on('error', () => {}); // the deadline tells
  child.stdin.on('error', () => {});
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  try {
    await terminal.progress('Installing the launchers', () => awaitFile(launcher, signal));
  } finally {
    child.stdin.end();
    await ended;
  }
}

async function awaitFile(path: string, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + installTimeoutMs;
  while (!existsSync(path)) {
    if (signal.aborted || Date.now() > deadline) {
      throw new AppError({
        code: 'MIGRATION_REFUSED',
        message: `${path} is not there, and entries in other programs need it.`,
        hint: 'Open one Claude Code session with the plugin, then run the command again.',
      });
    }
    await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
  }
}
