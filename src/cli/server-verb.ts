// start, stop and restart of one server: the same request, the same answer for people.
import { resolve } from 'node:path';
import { AppError } from '../base/errors.ts';
import { isNamed } from '../config/visibility.ts';
import type { InstanceStatus } from '../link/control.ts';
import { realFolder } from '../link/project-root.ts';
import type { CommandContext, ExitCode } from './command.ts';
import { getConfigured, readConfigured } from './configured.ts';
import type { DaemonClient } from './daemon-access.ts';
import { failedListLines } from './render/failed-list.ts';
import { shortPath } from './render/format.ts';
import { problemLines, readerOf } from './render/reader.ts';

export type ServerVerb = {
  verb: 'start' | 'stop' | 'restart';
  name: string;
  project: string | undefined;
  isJson: boolean;
};

const words = { start: 'Starting', stop: 'Stopping', restart: 'Restarting' } as const;

export async function serverVerb(
  context: CommandContext,
  { verb, name, project, isJson }: ServerVerb,
): Promise<ExitCode> {
  const { terminal, cwd } = context;
  const client = verb === 'start' ? await ensureFor(context, name) : await getRunning(context);
  const projectDir = resolve(cwd, project ?? '.');
  await terminal.progress(`${words[verb]} ${name}`, () => client.change(verb, { name, projectDir }));
  return printServer(context, client, { verb, name, projectDir, isJson });
}

/** The daemon, started if need be, but not for a server that nobody knows. */
export async function ensureFor(context: CommandContext, name: string): Promise<DaemonClient> {
  const { daemon, terminal } = context;
  const running = await terminal.progress('Asking the daemon', () => daemon.find());
  if (running) return running;
  const configured = readConfigured(context);
  if (!configured.config.servers.some((entry) => isNamed(entry, name))) getConfigured(configured, name);
  return terminal.progress('Starting the daemon', () => daemon.ensure());
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
  { verb, name, projectDir, isJson }: Omit<ServerVerb, 'project'> & { projectDir: string },
): Promise<ExitCode> {
  const { terminal, home } = context;
  const server = (await client.status()).servers.find((entry) => entry.name === name);
  if (!server) return 0;
  const folder = realFolder(projectDir);
  const copies = server.instances.filter((copy) => copy.projectRoot === undefined || copy.projectRoot === folder);
  const error = server.state === 'failed' || server.state === 'invalid' ? server.lastError : undefined;
  const failed = verb === 'stop' ? [] : (server.listFailures ?? []);
  if (isJson) {
    const instances = copies.map(({ state, pid, projectRoot }) => ({ state, pid, projectRoot }));
    const lists = failed.length > 0 ? { listFailures: failed } : {};
    terminal.json({ name, state: server.state, instances, error, ...lists });
    return error ? 1 : 0;
  }
  terminal.print(
    `${name}: ${copies.length === 0 ? server.state : copies.map((copy) => copyText(copy, home)).join('; ')}`,
  );
  terminal.print(...failedListLines(name, failed, readerOf(context)));
  if (!error) return 0;
  terminal.print(...problemLines(error, readerOf(context)));
  return 1;
}

function copyText({ state, pid, projectRoot }: InstanceStatus, home: string): string {
  const facts = [...(pid === undefined ? [] : [`pid ${pid}`]), ...(projectRoot ? [shortPath(projectRoot, home)] : [])];
  return facts.length === 0 ? state : `${state} (${facts.join(', ')})`;
}
