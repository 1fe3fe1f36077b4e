// The released programs as a user runs them: built wrapper, CLI and daemon in a home of their own, with fixture servers.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root as repository } from '../../scripts/build-defines.ts';
import { findLocations } from '../../src/daemon-client/claim.ts';
import type { StatusReport } from '../../src/link/control.ts';
import type { Locations } from '../../src/link/locations.ts';
import { eventually } from './eventually.ts';
import { McpClient } from './mcp-client.ts';
import { isDaemon, type OwnProcess, processesOf } from './no-leftovers.ts';

export type ServerConfig = Record<string, unknown>;
export type SessionOptions = {
  args?: string[];
  env?: Record<string, string>;
  project?: string;
  /** The plugin's folder, if not this repository. */
  plugin?: string;
  /** Put before the wrapper's command, for instance `unshare -n`. */
  within?: string[];
  /** Its daemon is not the one that this rig asks for its status. */
  isElsewhere?: boolean;
};
export type Answer = { status: number; headers: Record<string, unknown>; body: unknown };
export type RequestOptions = { headers?: Record<string, string>; body?: unknown; port?: number; raw?: string };

export const wrapperPath = join(repository, 'bin', 'run-mcp-proxy');
const cliPath = join(repository, 'bin', 'mcp-proxy');

/** A fixture server as an entry of the config, shared by everyone. */
export function fixture(name: string, env: Record<string, string> = {}, extra: ServerConfig = {}): ServerConfig {
  const path = join(repository, 'test', 'fixtures', 'upstreams', name);
  return { command: process.execPath, args: [path], env, sharing: 'shared', ...extra };
}

export class DaemonRig {
  /** Names every process of the test, so it must not be a prefix of another. */
  readonly home = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-proxy-rig-')));
  readonly root = join(this.home, '.aitkit');
  readonly #env: Record<string, string>;
  readonly #clients: McpClient[] = [];
  readonly #children: ChildProcess[] = [];

  constructor(env: Record<string, string> = {}) {
    this.#env = env;
    this.project('project');
  }

  get environment(): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: this.home,
      AITKIT_ROOT: this.root,
      MCPPROXY_PORT: 'off',
      ...this.#env,
    };
  }

  /** Where things are once a daemon or a wrapper claimed the folder. */
  get locations(): Locations {
    return findLocations(this.environment);
  }

  /** A project folder of that name, with `.git`. */
  project(name: string): string {
    const folder = join(this.home, name);
    mkdirSync(join(folder, '.git'), { recursive: true });
    return folder;
  }

  get configPath(): string {
    return this.locations.configPath;
  }

  /** All tools under their own names, whatever the client and their number: other modes have their own tests. */
  writeConfig(servers: Record<string, ServerConfig>, more: Record<string, unknown> = {}): void {
    this.writeConfigText(
      JSON.stringify(
        { mcpServers: servers, daemon: { idleExitMs: 300 }, tools: { mode: 'all' }, ...more },
        undefined,
        2,
      ),
    );
  }

  writeConfigText(text: string): void {
    mkdirSync(dirname(this.configPath), { recursive: true, mode: 0o700 });
    writeFileSync(this.configPath, text);
  }

  /** A wrapper whose host is a shell of its own, as each session has its own host. */
  session(options: SessionOptions = {}): McpClient {
    const wrapper = options.plugin ? join(options.plugin, 'bin', 'run-mcp-proxy') : wrapperPath;
    const command = [...(options.within ?? []), process.execPath, wrapper, ...(options.args ?? [])];
    const client = new McpClient(
      spawn('/bin/sh', ['-c', '"$@"; exit $?', 'host', ...command], {
        cwd: options.project ?? join(this.home, 'project'),
        env: { ...this.environment, ...options.env },
        stdio: 'pipe',
      }),
    );
    this.#clients.push(client);
    return client;
  }

  /** The same, once the daemon knows it: a wrapper answers by itself where its daemon is not there within a second. */
  async connected(options: SessionOptions = {}): Promise<McpClient> {
    const client = this.session(options);
    const { pid } = client.child;
    await eventually(
      async () => hasEnded(client) || (await this.status()).sessions.some(({ hostPid }) => hostPid === pid),
      { what: `the session to be known; stderr: ${client.stderr}`, intervalMs: 10 },
    );
    return client;
  }

  /** The same, with initialize done. */
  async open(
    options: SessionOptions & { name?: string; capabilities?: Record<string, unknown> } = {},
  ): Promise<McpClient> {
    const isElsewhere =
      options.isElsewhere === true ||
      options.within !== undefined ||
      Object.keys(options.env ?? {}).some((name) => /^(?:HOME$|AITKIT_|MCPPROXY_)/.test(name)) ||
      options.args?.includes('--alone');
    const client = isElsewhere ? this.session(options) : await this.connected(options);
    await client.initialize(options);
    return client;
  }

  /** A process of the test's own in this home; ended with the rig. */
  spawn(command: string, args: readonly string[], env: Record<string, string> = {}): ChildProcess {
    const child = spawn(command, args, {
      cwd: join(this.home, 'project'),
      env: { ...this.environment, ...env },
      stdio: 'pipe',
    });
    this.#children.push(child);
    return child;
  }

  cli(
    args: readonly string[],
    env: Record<string, string> = {},
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    const options = { cwd: join(this.home, 'project'), env: { ...this.environment, ...env }, timeout: 60_000 };
    return new Promise((resolve) => {
      execFile(process.execPath, [cliPath, ...args], options, (error, stdout, stderr) => {
        const code = typeof error?.code === 'number' ? error.code : error ? -1 : 0;
        resolve({ code, stdout, stderr });
      }).stdin?.end();
    });
  }

  /** One request to the control API: over the socket, or over TCP when a port is given. */
  http(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const payload = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
    const where =
      options.port === undefined
        ? { socketPath: this.locations.socketPath }
        : { host: '127.0.0.1', port: options.port };
    return new Promise((resolve, reject) => {
      const headers = {
        ...(payload === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) }),
        ...options.headers,
      };
      const sent = request({ ...where, method, path, agent: false, headers }, (response) => {
        let text = '';
        const done = () => {
          response.destroy();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parse(text) });
        };
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
          // An event stream does not end by itself.
          if (response.headers['content-type'] === 'text/event-stream') done();
        });
        response.on('end', done);
        response.on('error', reject);
      });
      sent.on('error', reject);
      sent.end(payload);
    });
  }

  async status(): Promise<StatusReport> {
    const { body } = await this.http('GET', '/status');
    // The daemon's own report, built from that type; a test reads single fields of it.
    return body as StatusReport;
  }

  /** Runs the status until it satisfies `matches`. */
  statusUntil(matches: (status: StatusReport) => boolean, what: string, timeoutMs?: number): Promise<StatusReport> {
    return eventually(
      async () => {
        const status = await this.status();
        return matches(status) ? status : undefined;
      },
      { what, ...(timeoutMs === undefined ? {} : { timeoutMs }) },
    );
  }

  processes(): OwnProcess[] {
    return processesOf(this.home);
  }

  daemons(): number[] {
    return this.processes()
      .filter(isDaemon)
      .map(({ pid }) => pid);
  }

  servers(): OwnProcess[] {
    return this.processes().filter(({ command }) => command.includes('/fixtures/upstreams/'));
  }

  records(): string[] {
    return listing(this.locations.recordsDir);
  }

  log(): { event: string; [field: string]: unknown }[] {
    if (!existsSync(this.locations.logPath)) return [];
    return readFileSync(this.locations.logPath, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  /** No process, no socket, no pid file, no record. */
  async nothingLeft(): Promise<void> {
    await eventually(
      () => {
        const left = this.left();
        if (left.length > 0) throw new Error(left.join('\n'));
        return true;
      },
      { what: `${this.home} to be left by all` },
    );
  }

  left(): string[] {
    const runFolders = ['', ...listing(join(this.root, 'run')).filter((name) => name.startsWith('scope-'))];
    const files = runFolders.flatMap((folder) => {
      const path = join(this.root, 'run', folder);
      const endpoints = listing(path).filter((name) => /\.(pid|sock|children)$/.test(name));
      return [...endpoints, ...listing(join(path, 'mcp-servers')).map((name) => `mcp-servers/${name}`)].map((name) =>
        join(path, name),
      );
    });
    return [...this.processes().map(({ pid, command }) => `process ${pid}: ${command}`), ...files];
  }

  async closeSessions(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  /** Ends everything, and fails if something has to be killed for that. */
  async dispose(): Promise<void> {
    for (const { child } of this.#clients) child.stdin?.end();
    for (const child of this.#children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    const runFolders = ['', ...listing(join(this.root, 'run')).filter((name) => name.startsWith('scope-'))];
    try {
      for (const pid of this.daemons()) tryKill(pid, 'SIGTERM');
      await eventually(() => this.processes().length === 0, { what: `the processes of ${this.home} to end` });
      for (const folder of runFolders) {
        const left = listing(join(this.root, 'run', folder)).filter(
          (name) => name.endsWith('.sock') || name.endsWith('.pid'),
        );
        if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`);
      }
    } catch (error) {
      const left = this.processes();
      for (const { pid } of left) tryKill(pid);
      throw new Error(`${String(error)}\n${left.map(({ pid, command }) => `${pid} ${command}`).join('\n')}`);
    } finally {
      rmSync(this.home, { recursive: true, force: true });
    }
  }
}

function listing(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // never made
  }
}

function hasEnded({ child }: McpClient): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function tryKill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it ended meanwhile
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
