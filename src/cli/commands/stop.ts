import { takePositionals } from '../args.ts';
import type { Command, CommandContext, ExitCode } from '../command.ts';
import { isNotRunning } from '../daemon-access.ts';
import { awaitEnd, findDaemonProcess } from '../daemon-end.ts';
import { plural } from '../render/format.ts';
import { wrapText } from '../render/text-width.ts';
import { serverVerb } from '../server-verb.ts';

const usage = 'stop [server] [--project DIR] [--force] [--json]';

export const stop: Command = {
  usage: [usage],
  about:
    'Without a name: ends the daemon and all servers; running calls are finished first. Open sessions stay, and the next call of one starts a daemon again. With a name: ends the copies of that server until they are needed again.',
  options: [
    { long: 'project', value: 'DIR', help: 'Whose copy of a server that is shared by project (default: here)' },
    { long: 'force', help: 'Do not wait for running calls' },
    { long: 'json', help: 'For programs' },
  ],
  examples: [
    { line: 'stop', does: 'End the daemon' },
    { line: 'stop memory', does: 'End the server "memory"' },
  ],
  run: async (context, args) => {
    const [name] = takePositionals(args, ['server?'], usage);
    if (name !== undefined)
      return serverVerb(context, { verb: 'stop', name, project: args.value('project'), isJson: args.has('json') });
    return stopDaemon(context, { isForced: args.has('force'), isJson: args.has('json') });
  },
};

async function stopDaemon(
  context: CommandContext,
  { isForced, isJson }: { isForced: boolean; isJson: boolean },
): Promise<ExitCode> {
  const { daemon, terminal } = context;
  const found = await terminal
    .progress('Asking the daemon', async () => {
      const client = await daemon.find();
      return client && { client, ...(await client.health()) };
    })
    .catch((error: unknown) => {
      if (isNotRunning(error)) return undefined; // it ended just now, after its last session
      throw error;
    });
  if (!found) {
    if (isJson) terminal.json({ stopped: false }, 0);
    else terminal.print('No daemon runs.');
    return 0;
  }
  const { client, pid, sessions } = found;
  const process = findDaemonProcess(context);
  await terminal.progress('Waiting for the daemon to end', async () => {
    await client.drain({ restart: false, force: isForced });
    if (process?.pid === pid) await awaitEnd(process);
  });
  if (isJson) {
    terminal.json({ stopped: true, pid, sessions }, 0);
    return 0;
  }
  terminal.print(`${terminal.paint('green', 'Stopped')} (pid ${pid}).`);
  if (sessions > 0) {
    const text = `${plural(sessions, 'session')} stayed open; the next call from ${sessions === 1 ? 'it' : 'one of them'} starts a daemon again.`;
    terminal.print(...wrapText(text, terminal.width));
  }
  return 0;
}
