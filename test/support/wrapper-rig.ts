// The bundled wrapper as a host starts it, beside a fake daemon, in a home of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { buildDefines, moduleFunction, root as repository } from '../../scripts/build-defines.ts';
import { makeBuiltinsLazy } from '../../scripts/lazy-builtins.ts';
import { isRecord } from '../../src/base/guards.ts';
import { eventually } from './eventually.ts';
import { processesOf } from './no-leftovers.ts';

export type Message = Record<string, unknown>;
export type LogEntry = {
  pid: number;
  nonce: string;
  event: string;
  line?: string;
  argv?: string[];
  env?: string[];
  bytes?: number;
};

/** bin/run-mcp-proxy and dist/hook.cjs as they are released, and the fake daemon in the place of dist/daemon.cjs. */
export async function buildFakePlugin(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-proxy-plugin-'));
  const entries = [
    ['src/wrapper/boot.ts', 'bin/run-mcp-proxy'],
    ['src/wrapper/main.ts', 'dist/wrapper.cjs'],
    ['src/hooks/main.ts', 'dist/hook.cjs'],
    ['test/support/fake-daemon.ts', 'dist/daemon.cjs'],
    // Never run: the fake daemon is whole. A version without it is not one that can be installed.
    ['src/daemon/boot.ts', 'dist/daemon-program.cjs'],
  ] as const;
  for (const [entry, out] of entries) {
    const { outputFiles } = await build({
      entryPoints: [join(repository, entry)],
      write: false,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node18',
      define: buildDefines('test'),
      ...(out === 'dist/wrapper.cjs'
        ? { banner: { js: moduleFunction.head }, footer: { js: moduleFunction.tail } }
        : {}),
      logLevel: 'warning',
    });
    mkdirSync(dirname(join(folder, out)), { recursive: true });
    writeFileSync(join(folder, out), makeBuiltinsLazy(outputFiles[0]?.text ?? ''));
  }
  writeFileSync(join(folder, 'bin', 'package.json'), '{ "type": "commonjs" }\n');
  return folder;
}

export class Wrapper {
  readonly child: ChildProcess;
  readonly messages: Message[] = [];
  /** As they came, for what JSON.parse would change. */
  readonly lines: string[] = [];
  stderr = '';
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  #rest = '';

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const parts = (this.#rest + text).split('\n');
      this.#rest = parts.pop() ?? '';
      for (const line of parts) {
        this.lines.push(line);
        const message: unknown = JSON.parse(line);
        if (isRecord(message)) this.messages.push(message);
      }
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    child.stdin?.on('error', () => {});
    this.exited = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal })));
  }

  send(message: Message | string | Buffer): void {
    const line = typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message);
    this.child.stdin?.write(Buffer.concat([Buffer.from(line), Buffer.from('\n')]));
  }

  request(id: unknown, method: string, params: Message = {}): void {
    this.send({ jsonrpc: '2.0', id, method, params });
  }

  call(id: unknown, name: string, args: Message = {}): void {
    this.request(id, 'tools/call', { name, arguments: args });
  }

  answers(id: unknown): Message[] {
    return this.messages.filter((message) => message['id'] === id && message['method'] === undefined);
  }

  async answer(id: unknown): Promise<Message> {
    return eventually(() => this.answers(id)[0], {
      what: `an answer to ${String(id)}; stderr: ${this.stderr}`,
    });
  }

  async initialize(): Promise<Message> {
    this.request('init', 'initialize', {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 't', version: '1' },
    });
    const answer = await this.answer('init');
    this.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return answer;
  }
}

export class Rig {
  readonly home = mkdtempSync(join(tmpdir(), 'mcp-proxy-home-'));
  readonly root = join(this.home, '.aitkit');
  readonly plugin: string;
  readonly #wrappers: Wrapper[] = [];

  constructor(plugin: string) {
    this.plugin = plugin;
    mkdirSync(join(this.home, 'project'));
  }

  start(
    options: {
      node?: string | undefined;
      args?: string[];
      env?: Record<string, string>;
      fake?: Record<string, unknown>;
    } = {},
  ): Wrapper {
    const child = spawn(
      options.node ?? process.execPath,
      [join(this.plugin, 'bin', 'run-mcp-proxy'), ...(options.args ?? [])],
      {
        cwd: join(this.home, 'project'),
        env: {
          ...this.environment,
          ...(options.fake ? { MCPPROXY_FAKE: JSON.stringify(options.fake) } : {}),
          ...options.env,
        },
        stdio: 'pipe',
      },
    );
    const wrapper = new Wrapper(child);
    this.#wrappers.push(wrapper);
    return wrapper;
  }

  get environment(): Record<string, string> {
    return { PATH: process.env['PATH'] ?? '', HOME: this.home, AITKIT_ROOT: this.root };
  }

  /** What a fake daemon waits for before it begins, and what lets it. */
  get held(): { readyAfter: string } {
    return { readyAfter: join(this.home, 'may-begin') };
  }

  letBegin(): void {
    writeFileSync(this.held.readyAfter, '');
  }

  hold(): void {
    rmSync(this.held.readyAfter, { force: true });
  }

  log(): LogEntry[] {
    const path = join(this.root, 'fake-daemon.log');
    if (!existsSync(path)) return [];
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  starts(): LogEntry[] {
    return this.log().filter((entry) => entry.event === 'start');
  }

  /** Processes that were started as a daemon, the losers of a race included. */
  spawns(): LogEntry[] {
    return this.log().filter((entry) => entry.event === 'spawn');
  }

  /** Parsed lines that daemons heard, optionally of one method. */
  heard(method?: string): Message[] {
    const lines = this.log().flatMap(({ event, line }) => (event === 'line' && line?.startsWith('{') ? [line] : []));
    const messages: Message[] = lines.map((line) => JSON.parse(line));
    return method === undefined ? messages : messages.filter((message) => message['method'] === method);
  }

  /** Ends what was started and fails if something stays. */
  async dispose(): Promise<void> {
    for (const { child } of this.#wrappers) child.kill('SIGKILL');
    await Promise.all(this.#wrappers.map((wrapper) => wrapper.exited));
    // Also one that has just been started and has written nothing yet.
    await eventually(
      () => {
        const left = processesOf(this.home);
        for (const { pid } of left) process.kill(pid, 'SIGKILL');
        return left.length === 0;
      },
      { what: 'all fake daemons gone' },
    );
    rmSync(this.home, { recursive: true, force: true });
  }
}
