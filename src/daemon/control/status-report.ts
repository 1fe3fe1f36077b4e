// What runs now and what it costs, for `status` and programs. Measured when asked, never kept.

import type { Forwarder } from '../../calls/forward.ts';
import type { SessionView } from '../../calls/views.ts';
import { faultsIn, type ServerFace, unknownListing } from '../../catalog/server-face.ts';
import type { Config } from '../../config/load.ts';
import type { ServerEntry } from '../../config/server-entry.ts';
import type {
  InstanceStatus,
  ListFailure,
  Memory,
  Problem,
  Savings,
  ServerStatus,
  SessionStatus,
} from '../../link/control.ts';
import { listNames } from '../../mcp/lists.ts';
import type { FailedList } from '../../router/learning.ts';
import type { Session } from '../../sessions/session.ts';
import type { Instance } from '../../upstream/instance.ts';
import { measureMemory, type ProcessMemory } from '../../upstream/process/process-facts.ts';
import { descendantsOf, listProcesses } from '../../upstream/process/process-tree.ts';
import { sharingOf } from '../../upstream/resolve.ts';
import type { Supervisor } from '../../upstream/supervisor.ts';

export type StatusSources = {
  config: Config;
  supervisor: Supervisor;
  forwarder: Forwarder;
  sessions: readonly Session[];
  viewOf: (session: Session) => SessionView;
  hazards: (server: string) => { at: string; what: string }[];
  demoted: (server: string) => string | undefined;
  faceOf: (instance: Instance) => ServerFace | undefined;
  /** Its lists that cannot be had now. */
  failedLists: (server: string) => readonly FailedList[];
  /** Why a server waits for a person to log in, and where; it may answer some requests without. */
  login: (server: string) => Problem | undefined;
};

export async function measureProcess(pid: number): Promise<Memory | undefined> {
  return toMemory(await measureMemory([pid]));
}

export async function reportSessions(
  sessions: readonly Session[],
  modeOf: (session: Session) => string,
): Promise<SessionStatus[]> {
  return Promise.all(
    sessions.map(async (session): Promise<SessionStatus> => {
      const { identity, client, lastCallAt } = session;
      const { address } = identity;
      const memory = address === undefined ? await measureProcess(identity.wrapper.pid) : undefined;
      return {
        id: identity.id,
        ...(address === undefined ? { hostPid: identity.host.pid, wrapperPid: identity.wrapper.pid } : { address }),
        projectDir: identity.projectDir,
        projectRoot: identity.projectRoot,
        since: new Date(session.since).toISOString(),
        isActive: session.calls > 0,
        calls: session.calls,
        ...(lastCallAt ? { lastCallAt: new Date(lastCallAt).toISOString() } : {}),
        ...(client ? { client: client.name } : {}),
        ...(identity.server ? { server: identity.server } : {}),
        mode: modeOf(session),
        ...(memory ? { memory } : {}),
      };
    }),
  );
}

export async function reportServers(sources: StatusSources): Promise<ServerStatus[]> {
  const processes = listProcesses();
  return Promise.all(sources.config.servers.map((entry) => reportServer(entry, sources, processes)));
}

type Processes = ReturnType<typeof listProcesses>;

async function reportServer(entry: ServerEntry, sources: StatusSources, processes: Processes): Promise<ServerStatus> {
  const copies = sources.supervisor.ofServer(entry.name);
  const instances = await Promise.all(copies.map((copy) => reportInstance(copy, sources, processes)));
  const { sharing, reason } = sharingOf(entry, { knownServers: sources.config.knownServers, demoted: sources.demoted });
  const face = copies.map(sources.faceOf).find((found) => found !== undefined) ?? lastFace(entry, sources);
  const definitionFaults = face ? faultsIn(face) : [];
  const lastError =
    sources.login(entry.name) ?? instances.map((instance) => instance.lastError).find((error) => error !== undefined);
  const listFailures = reportLists(sources.failedLists(entry.name));
  return {
    name: entry.name,
    ...(entry.shownName === entry.name ? {} : { shownName: entry.shownName }),
    kind: entry.kind,
    isEnabled: entry.enabled,
    state: entry.enabled ? worstState(instances) : 'disabled',
    sharing,
    sharingReason: reason,
    ...(entry.projects ? { projects: [...entry.projects] } : {}),
    ...(face && face.lists.tools !== unknownListing ? { tools: face.lists.tools.items.length } : {}),
    ...(listFailures.length > 0 ? { listFailures } : {}),
    instances,
    ...(lastError ? { lastError } : {}),
    hazards: sources.hazards(entry.name),
    ...(definitionFaults.length > 0 ? { definitionFaults } : {}),
  };
}

/** Several copies that fail in the same way are one line, and many ways are no more than a few. */
const maxFailures = 8;

function reportLists(failed: readonly FailedList[]): ListFailure[] {
  const now = Date.now();
  const at = (fromNowMs: number) => new Date(now + fromNowMs).toISOString();
  const byReason = new Map<string, FailedList>();
  for (const one of [...failed].sort((a, b) => a.forMs - b.forMs)) byReason.set(`${one.list}\0${one.reason}`, one);
  const order = (list: ListFailure['list']) => listNames.indexOf(list);
  return [...byReason.values()]
    .sort((a, b) => order(a.list) - order(b.list))
    .slice(0, maxFailures)
    .map(({ list, reason, forMs, inMs, shown }) => ({
      ...{ list, reason, since: at(-forMs) },
      ...(inMs === undefined ? {} : { nextAt: at(inMs) }),
      ...(shown === undefined ? {} : { shown }),
    }));
}

function lastFace(entry: ServerEntry, { sessions, viewOf }: StatusSources): ServerFace | undefined {
  for (const session of sessions) {
    const found = viewOf(session).servers.find((server) => server.entry === entry)?.face;
    if (found) return found;
  }
  return undefined;
}

async function reportInstance(copy: Instance, sources: StatusSources, processes: Processes): Promise<InstanceStatus> {
  const { identity, pid, startedAt, lastError } = copy;
  const { command, cwd, environment } = copy.describe();
  const tree = pid === undefined ? [] : [pid, ...descendantsOf(pid, processes).map((process) => process.pid)];
  const measured = pid === undefined ? undefined : await measureMemory(tree);
  const memory = measured && toMemory(measured);
  return {
    id: identity.id,
    key: identity.key.slice(0, 8),
    state: copy.state,
    sharing: identity.sharing,
    ...(identity.folder ? { projectRoot: identity.folder } : {}),
    ...(identity.lifeId ? { sessionId: identity.lifeId } : {}),
    ...(pid === undefined ? {} : { pid }),
    ...(startedAt === undefined ? {} : { since: new Date(startedAt).toISOString() }),
    ...(command ? { command } : {}),
    ...(cwd ? { cwd } : {}),
    environment,
    processes: measured?.processes ?? 0,
    ...(memory ? { memory } : {}),
    sessions: [...sources.supervisor.usersOf(copy)],
    inFlight: copy.inFlight,
    queued: copy.slots().reduce((sum, slot) => sum + sources.forwarder.queuedAt(slot), 0),
    calls: copy.calls,
    restarts: copy.restarts,
    ...(lastError ? { lastError } : {}),
  };
}

function worstState(instances: readonly InstanceStatus[]): InstanceStatus['state'] {
  const order = ['failed', 'starting', 'stopping', 'ready', 'stopped'] as const;
  return order.find((state) => instances.some((instance) => instance.state === state)) ?? 'stopped';
}

/**
 * The same copies once for each session that may see their server: what each host would have started by itself.
 * Memory of a copy that does not exist is taken to be that of the one that does.
 */
export function reportSavings(input: {
  servers: readonly ServerStatus[];
  sessions: readonly SessionStatus[];
  daemon: Memory | undefined;
  /** How many sessions may see that server. */
  audience: (server: string) => number;
}): Savings {
  const { servers, sessions, daemon, audience } = input;
  const wrappers = sessions.reduce((sum, { memory }) => sum + (memory?.pssBytes ?? 0), 0);
  let [processes, processesWithout] = [1 + sessions.filter(({ wrapperPid }) => wrapperPid !== undefined).length, 0];
  let [bytes, bytesWithout] = [(daemon?.pssBytes ?? 0) + wrappers, 0];
  for (const { name, instances } of servers) {
    const running = instances.filter((instance) => instance.processes > 0);
    const [one] = running;
    if (!one) continue;
    processes += running.reduce((sum, instance) => sum + instance.processes, 0);
    bytes += running.reduce((sum, { memory }) => sum + (memory?.pssBytes ?? 0), 0);
    processesWithout += one.processes * audience(name);
    bytesWithout += (one.memory?.pssBytes ?? 0) * audience(name);
  }
  return {
    processes,
    processesWithout,
    ...(daemon ? { memoryBytes: bytes, memoryBytesWithout: bytesWithout } : {}),
    method:
      'Measured now: the daemon, one wrapper for each session and every running copy. Without it: each running server once for each session that may use it, at the memory of the copy measured now.',
  };
}

function toMemory(measured: ProcessMemory): Memory | undefined {
  if (measured.processes === 0) return undefined;
  // 0: the system has no such figure, and readers show RSS as what it is.
  return { pssBytes: measured.pssBytes ?? 0, rssBytes: measured.rssBytes };
}
