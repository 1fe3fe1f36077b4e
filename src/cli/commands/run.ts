import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { AppError } from '../../base/errors.ts';
import { findDaemonFile, findDaemonNode, ownRuntime } from '../../daemon-client/daemon-program.ts';
import { badArgument, takePositionals } from '../args.ts';
import type { Command } from '../command.ts';

export const run: Command = {
  usage: ['run'],
  about:
    'Runs the daemon in this terminal and shows what it logs, for services and for looking at trouble. Ctrl-C ends it. Usually not needed: the first session starts the daemon by itself.',
  options: [],
  examples: [{ line: 'run', does: 'The daemon in the foreground' }],
  ownsInterrupt: true,
  run: async ({ env, locations, bundlePath, invocation, daemon, signal, terminal }, args) => {
    takePositionals(args, [], 'run');
    if (invocation.isForSkill) throw badArgument('`run` never ends.', 'Run it in a terminal.');
    if (await daemon.find()) {
      throw new AppError({
        code: 'DAEMON_BUSY',
        message: 'A daemon runs already.',
        hint: 'End it first: `mcp-proxy stop`',
      });
    }
    const file = findDaemonFile(bundlePath, locations.appDir);
    const node = await findDaemonNode({ own: ownRuntime(), env, pidPath: locations.pidPath });
    terminal.note('The daemon runs in this terminal; Ctrl-C ends it.');
    const child = spawn(node, [file, '--name', locations.name, '--foreground'], {
      env: { ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    // Ctrl-C reaches the daemon from the terminal as well; a second SIGTERM changes nothing.
    signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
    const ended: unknown[] = await once(child, 'exit');
    return ended[0] === 0 || signal.aborted ? 0 : 1;
  },
};
