// The same server through us: three sessions in two projects, a kill of its process, one session with `--server`, the end.

import type { InstanceStatus, ServerStatus, Sharing } from '../../src/link/control.ts';
import { qualifyName } from '../../src/mcp/tool-name.ts';
import { eventually } from '../support/eventually.ts';
import { compareAnswers, compareLists, compareText, type Difference } from './compare.ts';
import { memberOf, textOf, type Value, write } from './exact-text.ts';
import { type Answer, type Host, type ListName, listNames } from './host.ts';
import type { ProxiedResult } from './result.ts';
import { type Face, faceOf } from './run-direct.ts';
import { type Project, realProcess, type World } from './world.ts';

/** A cold start of a large server on a loaded machine. */
const firstListMs = 120_000;
/** For a server whose list is an error, or that has no tools. */
const noListMs = 15_000;
const idleExitMs = 300;
const endMs = 5_000;
/** Its name in our configuration: a long one leaves less of the names of its tools. */
const serverName = 'x';
const prefix = `${serverName}__`;

export type Pair = { direct: Face; again: Face };

export async function runProxied(world: World, pair: Pair): Promise<ProxiedResult> {
  world.reset();
  const { command, args, env } = world.command;
  world.rig.writeConfig({ [serverName]: { command, args, env } }, { daemon: { idleExitMs } });
  try {
    const visit = new Visit(world, pair);
    const run = await visit.run();
    await world.rig.closeSessions();
    return { ...run, left: await world.leftAfter(30_000) };
  } finally {
    await world.rig.closeSessions();
    world.sweep();
  }
}

class Visit {
  readonly #world: World;
  readonly #pair: Pair;
  readonly #differences: Difference[] = [];

  constructor(world: World, pair: Pair) {
    this.#world = world;
    this.#pair = pair;
  }

  async run(): Promise<Omit<ProxiedResult, 'left'>> {
    const first = await this.#open('one');
    const coldMs = first.listMs;
    await this.#compareLists(first.host);
    const answer = await this.#call(first.host, 'one');
    this.#differences.push(...compareAnswers('call', { ...this.#both(({ call }) => call), found: answer }));
    const second = await this.#open('two');
    const third = await this.#open('one');
    const other = await this.#call(second.host, 'two');
    await this.#call(third.host, 'one');
    this.#checkFolder(other);
    const server = await this.#server();
    const { copies, memoryMiB } = await this.#measure(server);
    await this.#compareAlone();
    const state = await this.#probeState(first.host, second.host, third.host);
    const afterKill = await this.#kill(first.host);
    this.#note();
    const { sharing, sharingReason } = server;
    const seen = state === undefined ? {} : { state };
    const differences = this.#differences;
    return {
      coldMs,
      warmMs: second.listMs,
      memoryMiB,
      sharing,
      sharingReason,
      copies,
      differences,
      afterKill,
      ...seen,
    };
  }

  #both<T>(part: (face: Face) => T): { direct: T; again: T } {
    return { direct: part(this.#pair.direct), again: part(this.#pair.again) };
  }

  /** Until its tools are in the list, or for a server without any a bounded while. */
  async #open(project: Project): Promise<{ host: Host; listMs: number }> {
    const startedAt = performance.now();
    const host = this.#world.session(project);
    await host.initialize();
    const expected = this.#pair.direct.lists.get('tools')?.items.length ?? 0;
    const ownTools = async () => this.#own((await host.list('tools')).items);
    const until = expected > 0 ? firstListMs : noListMs;
    const deadline = performance.now() + until;
    while ((await ownTools()).length === 0 && performance.now() < deadline) {
      const heard = host.client.notifications('notifications/tools/list_changed').length;
      await host.client.notification('notifications/tools/list_changed', heard, 1_000).catch(() => undefined);
      if (expected === 0 && (await this.#isKnown())) break;
    }
    return { host, listMs: Math.round(performance.now() - startedAt) };
  }

  async #isKnown(): Promise<boolean> {
    const server = await this.#server();
    return server.instances.some(({ state }) => state === 'ready') || (server.listFailures ?? []).length > 0;
  }

  #own(items: readonly Value[]): Value[] {
    return items.filter((item) => textOf(memberOf(item, 'name')).startsWith(prefix));
  }

  async #compareLists(host: Host): Promise<void> {
    for (const name of listNames) {
      const nothing: Answer = { items: [] };
      const { direct, again } = this.#both(({ lists }) => lists.get(name) ?? nothing);
      const found = await this.#listWhenKnown(host, name, direct.items.length);
      const trial = { direct, again, found };
      this.#differences.push(...compareLists(name, trial, { prefix }));
    }
  }

  /** The lists of a server become known one after the other. */
  async #listWhenKnown(host: Host, name: ListName, expected: number): Promise<Answer> {
    const isNamed = name === 'tools' || name === 'prompts';
    let found: Answer = { items: [] };
    const look = async () => {
      const answer = await host.list(name);
      found = isNamed ? { ...answer, items: this.#own(answer.items) } : answer;
      return found.items.length >= expected;
    };
    await eventually(look, { what: name, timeoutMs: noListMs, intervalMs: 300 }).catch(() => undefined);
    return found;
  }

  #call(host: Host, project: Project, call = this.#world.server.call): Promise<Answer> {
    const [tool, args] = this.#world.callIn(project, call);
    return host.call([qualifyName(prefix.replace(/__$/, ''), tool), args]);
  }

  /** A session in another project must not be shown the first one's folder. */
  #checkFolder(answer: Answer): void {
    const folder = this.#world.folder('one');
    const text = write(answer.items[0]) + write(answer.error);
    if (text.includes(folder))
      this.#differences.push({ where: 'folder', what: `the second project is shown ${folder}` });
  }

  async #measure(server: ServerStatus): Promise<{ copies: number; memoryMiB: number }> {
    const running = server.instances.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
    const { memoryMiB } = await this.#world.lookSettled(running);
    const copies = running.length;
    const expected: Record<Sharing, number> = { shared: 1, project: 2, session: 3 };
    if (copies !== expected[server.sharing]) {
      this.#differences.push({ where: 'copies', what: `${copies} for sharing "${server.sharing}"` });
    }
    return { copies, memoryMiB };
  }

  async #probeState(first: Host, second: Host, third: Host): Promise<string | undefined> {
    const { state } = this.#world.server;
    if (!state) return undefined;
    const { mark } = state;
    const shows = async (host: Host, project: Project) => {
      const answer = await this.#call(host, project, state.look);
      return (write(answer.items[0]) + write(answer.error)).includes(mark);
    };
    await this.#call(first, 'one', state.leave);
    const isShownToSecond = await shows(second, 'two');
    const isShownToThird = await shows(third, 'one');
    const isShownToFirst = await shows(first, 'one');
    if (!isShownToFirst) return 'not shown to the session that left it';
    const reached = [
      ...(isShownToThird ? ['another session of the project'] : []),
      ...(isShownToSecond ? ['a session of another project'] : []),
    ];
    if (reached.length === 0) return 'apart';
    return `${state.isMeant ? 'meant' : 'seen'}: ${reached.join(', ')}`;
  }

  /** `kill -9` of the process that is the server, and a call at once. */
  async #kill(host: Host): Promise<string> {
    const before = await this.#call(host, 'one');
    const server = await this.#server();
    const copy = await this.#copyOf(server, host);
    if (copy?.pid === undefined) return 'no process was found';
    this.#note();
    process.kill(realProcess(copy.pid), 'SIGKILL');
    const startedAt = performance.now();
    const first = await this.#call(host, 'one');
    const took = `${((performance.now() - startedAt) / 1_000).toFixed(1)} s`;
    const isSame = (found: Answer) => this.#isAnswered(before, found);
    if (isSame(first)) return `answered, ${took}`;
    const again = await this.#call(host, 'one');
    const told = write(first.error ?? first.items[0]).slice(0, 160);
    return `${isSame(again) ? 'answered by the second call' : 'not answered'}; first: ${told}`;
  }

  #isAnswered(before: Answer, found: Answer): boolean {
    const trials = this.#both(({ call }) => call);
    const isLikeDirect = compareAnswers('call', { ...trials, found }).length === 0;
    if (isLikeDirect || compareAnswers('call', { direct: before, again: before, found }).length === 0) return true;
    const isMeant = this.#world.server.allowed?.some(([where]) => where === 'after kill -9') ?? false;
    return isMeant && found.items.length > 0 && write(memberOf(found.items[0], 'isError')) !== 'true';
  }

  async #copyOf(server: ServerStatus, host: Host): Promise<InstanceStatus | undefined> {
    const { sessions } = await this.#world.rig.status();
    const own = sessions.find(({ hostPid }) => hostPid === host.child.pid);
    const running = server.instances.filter(({ pid }) => pid !== undefined);
    return running.find((copy) => own && copy.sessions.includes(own.id)) ?? running[0];
  }

  /** `--server`: its own names, its own face. */
  async #compareAlone(): Promise<void> {
    const host = this.#world.session('one', ['--server', serverName]);
    const { face } = await faceOf(host, this.#world, performance.now());
    for (const member of ['capabilities', 'serverInfo', 'instructions']) {
      const text = ({ initialized }: Face) => write(memberOf(initialized, 'result', member));
      this.#differences.push(...compareText(`--server ${member}`, { ...this.#both(text), found: text(face) }));
    }
    for (const [list, found] of face.lists) {
      const nothing: Answer = { items: [] };
      const trial = { ...this.#both(({ lists }) => lists.get(list) ?? nothing), found };
      this.#differences.push(...compareLists(`--server ${list}`, trial, {}));
    }
    const trial = { ...this.#both(({ call }) => call), found: face.call };
    this.#differences.push(...compareAnswers('--server call', trial));
    await host.close(endMs);
  }

  async #server(): Promise<ServerStatus> {
    const { servers } = await this.#world.rig.status();
    const found = servers.find(({ name }) => name === serverName);
    if (!found) throw new Error('the server is not in the status');
    return found;
  }

  #note(): void {
    for (const pid of this.#world.rig.daemons()) this.#world.look(pid);
  }
}

/** The daemon goes after the last session, and takes every copy with it. */
