// Sessions that call without pause while a test takes things away from under them, and the books that are kept of it.
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root as repository } from '../../scripts/build-defines.ts';
import { isRecord } from '../../src/base/guards.ts';
import type { DaemonRig, SessionOptions } from './daemon-rig.ts';
import { eventually } from './eventually.ts';
import type { McpClient, Message } from './mcp-client.ts';

/** The released programs in a folder of their own, as one version of a plugin is installed. */
export function copyPlugin(version?: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-proxy-plugin-'));
  for (const part of ['bin', 'dist']) cpSync(join(repository, part), join(folder, part), { recursive: true });
  if (version === undefined) return folder;
  for (const file of ['dist/wrapper.cjs', 'bin/mcp-proxy', 'dist/daemon-program.cjs']) {
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8');
    const changed = text.replace(
      /version: "\d+\.\d+\.\d+", fingerprint: "\w+"/,
      `version: "${version}", fingerprint: "test"`,
    );
    if (changed === text) throw new Error(`${file} names no build`);
    writeFileSync(path, changed);
  }
  return folder;
}

export function removePlugin(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

export type Outcome = {
  tag: string;
  answers: number;
  isGood: boolean;
  mayHaveRun: boolean;
  ms: number;
  doneAt: number;
};

/** One session that sends the next call when it has the answer to the last. */
export class Caller {
  readonly client: McpClient;
  readonly outcomes: Outcome[] = [];
  goodCalls = 0;
  readonly #name: string;
  #isStopped = false;
  #done: Promise<void> | undefined;

  constructor(client: McpClient, name: string) {
    this.client = client;
    this.#name = name;
  }

  static async open(rig: DaemonRig, name: string, options: SessionOptions = {}): Promise<Caller> {
    return new Caller(await rig.open({ ...options, args: ['--mode', 'all', ...(options.args ?? [])] }), name);
  }

  start(tool = 'c__count', timeoutMs = 30_000): void {
    this.#done = (async () => {
      for (let n = 1; !this.#isStopped; n += 1) {
        const tag = `${this.#name}-${n}`;
        const begin = performance.now();
        const answer = await this.client.call(tool, { tag }, timeoutMs);
        this.outcomes.push({
          ...{ tag, answers: 1, isGood: isGood(answer), mayHaveRun: mayHaveRun(answer) },
          ...{ ms: performance.now() - begin, doneAt: Date.now() },
        });
        if (isGood(answer)) this.goodCalls += 1;
        // The books need the ids only; a minute of answers is a lot of memory.
        if (this.client.messages.length > 2_000) this.#forget();
      }
    })();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#done;
  }

  /** Ids that were answered more than once. */
  doubled(): string[] {
    this.#forget();
    return [...this.#seen].filter(([, count]) => count > 1).map(([id]) => id);
  }

  readonly #seen = new Map<string, number>();

  #forget(): void {
    for (const { id, method } of this.client.messages) {
      if (typeof id !== 'string' || method !== undefined) continue;
      this.#seen.set(id, (this.#seen.get(id) ?? 0) + 1);
    }
    this.client.messages.length = 0;
    this.client.lines.length = 0;
  }
}

/** What the counting server wrote: how often each tag ran. */
export function countRuns(file: string): Map<string, number> {
  const runs = new Map<string, number>();
  if (!existsSync(file)) return runs;
  for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
    const tag = line.slice(line.indexOf(' ') + 1);
    runs.set(tag, (runs.get(tag) ?? 0) + 1);
  }
  return runs;
}

/** Lines that do not add up; none, if every call ran as often as its answer says. */
export function auditCalls(callers: readonly Caller[], runs: ReadonlyMap<string, number>): string[] {
  const wrong: string[] = [];
  for (const caller of callers) {
    for (const id of caller.doubled()) wrong.push(`${id} was answered more than once`);
    for (const { tag, isGood: good, mayHaveRun: maybe } of caller.outcomes) {
      const ran = runs.get(tag) ?? 0;
      if (ran > 1) wrong.push(`${tag} ran ${ran} times`);
      if (good && ran !== 1) wrong.push(`${tag} was answered and ran ${ran} times`);
      if (!good && !maybe && ran > 0) wrong.push(`${tag} was said not to have run, and ran`);
    }
    if (caller.client.garbage.length > 0) wrong.push(`garbage on stdout: ${caller.client.garbage[0]}`);
    if (caller.client.child.exitCode !== null) wrong.push('a wrapper ended');
  }
  return wrong;
}

/** What an answer says about its failure: a JSON-RPC error's data, or the note in a tool's result. */
export function errorData(answer: Message): Record<string, unknown> {
  const { error, result } = answer;
  if (isRecord(error)) return isRecord(error['data']) ? error['data'] : {};
  const meta = isRecord(result) && isRecord(result['_meta']) ? result['_meta'] : {};
  return isRecord(meta['aitkit/error']) ? meta['aitkit/error'] : {};
}

export function isGood(answer: Message): boolean {
  return isRecord(answer['result']) && answer['result']['isError'] !== true;
}

/** An error without a word about it says nothing, so it counts as "may". */
function mayHaveRun(answer: Message): boolean {
  return errorData(answer)['mayHaveRun'] !== false;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Ends every daemon of this home at once, as `kill -9` does. */
export function killDaemons(rig: DaemonRig): number {
  const pids = rig.daemons();
  for (const pid of pids) signal(pid, 'SIGKILL');
  return pids.length;
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // it ended meanwhile
  }
}

/** The daemon that serves now. */
export function daemonPid(rig: DaemonRig): Promise<number> {
  return eventually(
    () => {
      const pids = rig.daemons();
      return pids.length === 1 ? pids[0] : undefined;
    },
    { what: 'one daemon' },
  );
}
