// The verbs that start, end or use a server.
import { AppError } from '../../base/errors.ts';
import { isRecord } from '../../base/guards.ts';
import { ownCommand } from '../../base/own-command.ts';
import type { ServerEntry } from '../../config/server-entry.ts';
import type { CopyState, RestartReport, StartAllReport, StartReport } from '../../link/control.ts';
import { requestLine } from '../../mcp/messages.ts';
import type { Router } from '../../router/router.ts';
import type { Session } from '../../sessions/session.ts';
import type { Instance } from '../../upstream/instance.ts';
import { stopCauses } from '../../upstream/instance-errors.ts';
import type { Supervisor } from '../../upstream/supervisor.ts';
import type { ConfigHolder } from '../config-holder.ts';
import { type ControlSessionDeps, createControlSession } from './control-session.ts';
import type { ControlCall } from './routes.ts';

export type ServerActionsDeps = ControlSessionDeps & {
  holder: ConfigHolder;
  router: Router;
  supervisor: Supervisor;
};

export class ServerActions {
  readonly #deps: ServerActionsDeps;

  constructor(deps: ServerActionsDeps) {
    this.#deps = deps;
  }

  async start(entry: ServerEntry, projectDir: string | undefined): Promise<StartReport> {
    checkEnabled(entry);
    const session = createControlSession(this.#deps, { projectDir, server: entry.name });
    try {
      await this.#deps.router.learn(session, entry);
      return { started: entry.name, instances: this.#deps.supervisor.ofServer(entry.name).map(stateOf) };
    } finally {
      this.#end(session);
    }
  }

  async startAll(projectDir: string | undefined): Promise<StartAllReport> {
    const enabled = this.#deps.holder.config.servers.filter((entry) => entry.enabled);
    const startOne = async (entry: ServerEntry): Promise<StartAllReport['servers'][number]> => {
      try {
        await this.start(entry, projectDir);
        return { name: entry.name, started: true };
      } catch (error) {
        return { name: entry.name, started: false, error: error instanceof Error ? error.message : String(error) };
      }
    };
    return { servers: await Promise.all(enabled.map(startOne)) };
  }

  /** That one, or all. */
  async stop(entry: ServerEntry | undefined): Promise<void> {
    await this.#deps.supervisor.stop(entry?.name, stopCauses.stoppedByPerson);
  }

  async restart(entry: ServerEntry, projectDir: string | undefined): Promise<RestartReport> {
    const { supervisor, router } = this.#deps;
    const copies = supervisor.ofServer(entry.name);
    // Whoever was connected is connected again; a copy that had failed is tried at once.
    const before = copies.map((copy) => ({ copy, owners: ownersOf(copy) }));
    // Before they end: calls that wait for a start go on with the new one, without the pause of the old one.
    for (const copy of copies) copy.reset();
    await Promise.all(copies.map((copy) => copy.stop(stopCauses.restarted)));
    await Promise.all(before.flatMap(({ copy, owners }) => owners.map((owner) => copy.acquire(owner))));
    if (copies.length === 0) return this.start(entry, projectDir);
    await Promise.all(copies.map((copy) => router.listed(copy)));
    return { restarted: entry.name, instances: copies.map(stateOf) };
  }

  /** The result as the server wrote it; throws what it answered instead. */
  async call(entry: ServerEntry, { tool, args, projectDir }: ControlCall): Promise<unknown> {
    checkEnabled(entry);
    let onLine = (_line: Buffer): void => {};
    const session = createControlSession(this.#deps, {
      projectDir,
      server: entry.name,
      onLine: (line) => onLine(line),
    });
    try {
      return await new Promise((resolve, reject) => {
        onLine = (line) => {
          const value: unknown = JSON.parse(line.toString('utf8'));
          if (!isRecord(value) || value['id'] !== 1) return;
          if (isRecord(value['error'])) reject(this.#refused(session, tool, value['error']));
          else resolve(value['result']);
        };
        this.#deps.router.handle(session, requestLine('1', 'tools/call', { name: tool, arguments: args }));
      });
    } finally {
      this.#end(session);
    }
  }

  /** Servers have one code for a wrong name and for wrong arguments, and may name codes of ours: their list tells. */
  #refused(session: Session, tool: string, { message }: Record<string, unknown>): AppError {
    const { items } = this.#deps.router.views.of(session).list('tools');
    const isKnown = items.some(({ name }) => name === tool);
    return new AppError({ code: isKnown ? 'CALL_REFUSED' : 'TOOL_UNKNOWN', message: String(message) });
  }

  #end(session: Session): void {
    session.end();
    this.#deps.supervisor.release(session.identity);
  }
}

function stateOf({ state, pid }: Instance): CopyState {
  return { state, pid };
}

function ownersOf(copy: Instance): readonly string[] {
  const owners = copy.owners();
  return owners.length === 0 && copy.state === 'failed' ? [''] : owners;
}

function checkEnabled(entry: ServerEntry): void {
  if (entry.enabled) return;
  throw new AppError({
    code: 'SERVER_DISABLED',
    message: `Server "${entry.name}" is disabled.`,
    hint: `Run: ${ownCommand(`enable ${entry.name}`)}`,
  });
}
