// start, stop and restart of one server: the same request, the same answer for people.
import { resolve } from 'node:path';
import { AppError } from '../base/errors.ts';
import type { InstanceStatus } from '../link/control.ts';
import { findProjectRoot } from '../link/project-root.ts';
import type { CommandContext, ExitCode } from './command.ts';
import type { DaemonClient } from './daemon-access.ts';
import { shortPath } from './render/format.ts';
import { problemLines } from './render/view.ts';
import { viewOf } from './view-of.ts';

export type ServerVerb = { verb: 'start' | 'stop' | 'restart'; name: string; project: string | undefined };

const words = { start: 'Starting', stop: 'Stopping', restart: 'Restarting' } as const;

export async function serverVerb(context: CommandContext, { verb, name, project }: ServerVerb): Promise<ExitCode> {
  const { daemon, terminal, cwd } = context;
  const client =
    verb === 'start'
      ? await terminal.progress('Starting the daemon', () => daemon.ensure())
      : await getRunning(context);
  const projectDir = resolve(cwd, project ?? '.');
  await terminal.progress(`${words[verb]} ${name}`, () => client.change(verb, { name, projectDir }));
  return printServer(context, client, { name, projectDir });
}

/** The running daemon, or NOT_RUNNING: what it should stop does not run either. */
export async function getRunning({
  daemon,
  terminal,
}: Pick<CommandContext, 'daemon' | 'terminal'>): Promise<DaemonClient> {
  const client = await terminal.progress('Asking the daemon', () => daemon.find());
  if (client) return client;
  throw new AppError({
    code: 'NOT_RUNNING',
    message: 'No daemon runs, so no server does.',
    hint: 'Start it: `mcp-proxy start`',
  });
}

async function printServer(
  context: CommandContext,
  client: DaemonClient,
  { name, projectDir }: { name: string; projectDir: string },
): Promise<ExitCode> {
  const { terminal, home } = context;
  const server = (await client.status()).servers.find((entry) => entry.name === name);
  if (!server) return 0;
  const root = findProjectRoot(projectDir, home);
  const copies = server.instances.filter((copy) => copy.projectRoot === undefined || copy.projectRoot === root);
  terminal.print(
    `${name}: ${copies.length === 0 ? server.state : copies.map((copy) => copyText(copy, home)).join('; ')}`,
  );
  const error = server.state === 'failed' || server.state === 'invalid' ? server.lastError : undefined;
  if (!error) return 0;
  terminal.print(...problemLines(error, viewOf(context)));
  return 1;
}

function copyText({ state, pid, projectRoot }: InstanceStatus, home: string): string {
  const facts = [...(pid === undefined ? [] : [`pid ${pid}`]), ...(projectRoot ? [shortPath(projectRoot, home)] : [])];
  return facts.length === 0 ? state : `${state} (${facts.join(', ')})`;
}
