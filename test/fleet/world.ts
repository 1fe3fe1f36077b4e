// Where one server of the fleet runs: a home with two projects in it, the same paths for a direct start and for one
// through us, and nothing from the run before.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { isRunning, type ProcessIdentity } from '../../src/base/process-identity.ts';
import { descendantsOf, listProcesses } from '../../src/upstream/process/process-tree.ts';
import { DaemonRig } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { footprint } from '../support/footprint.ts';
import { McpClient } from '../support/mcp-client.ts';
import { Host } from './host.ts';
import { type Command, commandOf, fill, type Places, placeless } from './launch.ts';
import type { FleetServer, ToolCall } from './server-row.ts';

export type Project = 'one' | 'two';
export type Footing = { processes: number; memoryMiB: number };

export class World {
  readonly server: FleetServer;
  readonly rig: DaemonRig;
  readonly places: Places;
  /** Everything that was seen below a start of ours, also what left its parent and its environment since. */
  readonly #seen = new Map<number, ProcessIdentity>();
  readonly #path: string;

  constructor(server: FleetServer, options: { path: string; port: number }) {
    this.server = server;
    this.#path = options.path;
    this.rig = new DaemonRig({ PATH: options.path });
    this.places = { home: this.rig.home, port: options.port };
  }

  get command(): Command {
    return commandOf(this.server, this.places);
  }

  folder(project: Project): string {
    return join(this.rig.home, project);
  }

  /** As the first time: what a run before this one wrote is gone. */
  reset(): void {
    for (const name of readdirSync(this.rig.home)) {
      if (name !== '.aitkit') rmSync(join(this.rig.home, name), { recursive: true, force: true, maxRetries: 5 });
    }
    for (const project of ['one', 'two', 'project'] as const) {
      const folder = this.rig.project(project);
      execFileSync('git', ['init', '--quiet', folder]);
      for (const [name, text] of Object.entries(this.server.files ?? {})) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), text);
      }
    }
  }

  callIn(project: Project, [name, args]: ToolCall): ToolCall {
    const text = fill(JSON.stringify(args), this.places, this.folder(project));
    const filled: Record<string, unknown> = JSON.parse(text);
    return [name, filled];
  }

  direct(project: Project): Host {
    const folder = this.folder(project);
    const { command, args, env } = this.command;
    const own = args.map((arg) => arg.replaceAll('${PROJECT_ROOT}', folder));
    const child = spawn(command, own, {
      cwd: folder,
      env: { PATH: this.#path, HOME: this.rig.home, ...env },
      stdio: 'pipe',
      detached: true,
    });
    child.on('error', () => {}); // said by the exit that follows
    return new Host(new McpClient(child), folder);
  }

  /** A session through us. */
  session(project: Project, args: string[] = []): Host {
    const folder = this.folder(project);
    return new Host(this.rig.session({ project: folder, args, env: { CLAUDE_PROJECT_DIR: folder } }), folder);
  }

  /** Notes everything below `pid`, and says what it holds. */
  look(pid: number): Footing {
    const processes = listProcesses();
    const tree = processes.filter((entry) => entry.pid === pid).concat(descendantsOf(pid, processes));
    for (const { pid: one, startTime } of tree) this.#seen.set(one, { pid: one, startTime });
    const bytes = tree.map((entry) => pssOf(entry.pid)).reduce((sum, one) => sum + one, 0);
    return { processes: tree.length, memoryMiB: Math.round(bytes / 2 ** 20) };
  }

  /** The same once it stays as it is: starters hold more for a moment. */
  async lookSettled(pids: readonly number[]): Promise<Footing> {
    let last: Footing | undefined;
    const settled = async () => {
      const all = pids.map((pid) => this.look(pid));
      const sum = (one: (footing: Footing) => number) => all.map(one).reduce((a, b) => a + b, 0);
      const now = { processes: sum(({ processes }) => processes), memoryMiB: sum(({ memoryMiB }) => memoryMiB) };
      const isSettled = last !== undefined && Math.abs(now.memoryMiB - last.memoryMiB) <= now.memoryMiB * 0.02;
      last = now;
      return isSettled;
    };
    await eventually(settled, { what: 'its memory', timeoutMs: 4_000, intervalMs: 700 }).catch(() => undefined);
    return last ?? { processes: 0, memoryMiB: 0 };
  }

  /** Commands of what still runs. */
  left(): string[] {
    const known = [...this.#seen.values()].filter(isRunning).map(({ pid }) => ({ pid, command: commandLine(pid) }));
    const all = new Map([...known, ...this.rig.processes()].map(({ pid, command }) => [pid, command]));
    return [...all.values()].map((command) => placeless(command, this.rig.home).slice(0, 120));
  }

  /** The same, once it had that long to end. */
  async leftAfter(timeoutMs: number): Promise<string[]> {
    await eventually(() => this.left().length === 0, { what: 'the end of all', timeoutMs }).catch(() => undefined);
    return this.left();
  }

  /** Ends what is left, whoever left it. */
  sweep(): void {
    const pids = [...this.#seen.values()].filter(isRunning).map(({ pid }) => pid);
    for (const pid of [...pids, ...this.rig.processes().map((entry) => entry.pid)]) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // it ended meanwhile
      }
    }
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

/** Behind `npm exec`, `uvx` and shells: the process that is the server. */
export function realProcess(root: number): number {
  const processes = listProcesses();
  for (let at = root; ; ) {
    const child = processes.find((entry) => entry.ppid === at && entry.state !== 'Z');
    if (!child || !/(?:^|[/ ])(?:npm|npx|uvx?|(?:ba|da)?sh)(?: |$)/.test(commandLine(at))) return at;
    at = child.pid;
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
  } catch {
    return ''; // it ended meanwhile
  }
}

function pssOf(pid: number): number {
  try {
    return footprint(pid).pssBytes;
  } catch {
    return 0; // it ended meanwhile
  }
}
