import { AppError } from '../../base/errors.ts';
import { takePositionals } from '../args.ts';
import type { Command, CommandContext, ExitCode } from '../command.ts';
import type { DaemonClient } from '../daemon-access.ts';
import { awaitEnd, findDaemonProcess, killDaemon } from '../daemon-end.ts';
import { serverVerb } from '../server-verb.ts';

const usage = 'restart [server] [--project DIR] [--force] [--json]';

export const restart: Command = {
  usage: [usage],
  about:
    'Without a name: ends the daemon when running calls are done, and starts a new one; sessions stay open and notice nothing but a pause. With a name: the same for one server.',
  options: [
    { long: 'project', value: 'DIR', help: 'Whose copy of a server that is shared by project (default: here)' },
    { long: 'force', help: 'Do not wait for running calls, and end a daemon that does not answer' },
    { long: 'json', help: 'For programs' },
  ],
  examples: [
    { line: 'restart serena', does: 'A fresh copy of Serena for this project' },
    { line: 'restart --force', does: 'When the daemon hangs' },
  ],
  run: async (context, args) => {
    const [name] = takePositionals(args, ['server?'], usage);
    if (name !== undefined)
      return serverVerb(context, { verb: 'restart', name, project: args.value('project'), isJson: args.has('json') });
    return restartDaemon(context, { isForced: args.has('force'), isJson: args.has('json') });
  },
};

async function restartDaemon(
  context: CommandContext,
  { isForced, isJson }: { isForced: boolean; isJson: boolean },
): Promise<ExitCode> {
  const { daemon, terminal } = context;
  const former = findDaemonProcess(context);
  await terminal.progress('Waiting for the daemon to end', async () => {
    const client = await findOrKill(context, isForced);
    if (!client) return;
    await client.drain({ restart: true, force: isForced });
    if (former) await awaitEnd(former);
  });
  const client = await terminal.progress('Starting the daemon', () => daemon.ensure());
  const report = await client.health();
  if (isJson) {
    terminal.json(report);
    return 0;
  }
  const { pid, build } = report;
  const before = former && former.pid !== pid ? ` (was ${former.pid})` : '';
  terminal.print(`${terminal.paint('green', 'Running')}: pid ${pid}${before}, version ${build.version}`);
  return 0;
}

/** The daemon if it answers. One that does not is ended, but only by force: it may just be busy. */
async function findOrKill(context: CommandContext, isForced: boolean): Promise<DaemonClient | undefined> {
  try {
    return await context.daemon.find();
  } catch (error) {
    const hung = findDaemonProcess(context);
    if (isForced && hung) {
      await killDaemon(hung);
      return undefined;
    }
    if (!(error instanceof AppError) || error.code !== 'DAEMON_BUSY' || !hung) throw error;
    const hint = `Wait a moment, or end it (pid ${hung.pid}): \`mcp-proxy restart --force\``;
    throw new AppError({ code: error.code, message: error.message, hint, cause: error });
  }
}
