// Proportional memory of ten sessions: wrappers, daemon, and the same servers once for each session.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { handshake, startRpc } from './rpc-process.ts';
import type { Row } from './statistics.ts';
import { createWorld, everything, filesystem, memory, pssKib } from './world.ts';

const sessionsCount = 10;

export async function measureMemory(): Promise<Row[]> {
  const scratch = createWorld({});
  const file = join(scratch.folder, 'memory.json');
  const world = createWorld({ everything, memory: memory(file), filesystem: filesystem('${PROJECT_ROOT}') });
  try {
    // The first session compiles, and keeps what it compiled for the others: it is not a further one.
    const first = startRpc(world.wrapper);
    await handshake(first);
    await settle();
    const further = Array.from({ length: sessionsCount - 1 }, () => startRpc(world.wrapper));
    const own = [first, ...further];
    await Promise.all(further.map(handshake));
    for (const session of own)
      await session.call('tools/call', { name: 'everything__echo', arguments: { message: 'x' } });
    await settle();
    const wrappers = own.map(({ pid }) => pssKib(pid));
    const daemonPid = world.daemonPid() ?? 0;
    const daemon = pssKib(daemonPid);
    const servers = childrenOf(daemonPid).map(pssKib);
    await Promise.all(own.map((session) => session.close()));
    const direct = Array.from({ length: sessionsCount }, () =>
      [everything, memory(file), filesystem(scratch.project)].map(startRpc),
    ).flat();
    await Promise.all(direct.map(handshake));
    await settle();
    const directTotal = sum(direct.map(({ pid }) => pssKib(pid)));
    await Promise.all(direct.map((rpc) => rpc.close()));
    const perSession = sum(wrappers.slice(1)) / further.length / 1024;
    const total = (sum(wrappers) + daemon + sum(servers)) / 1024;
    const perServer = directTotal / 1024 / sessionsCount;
    return [
      {
        what: 'memory (PSS) of a further session, three servers',
        direct: perServer,
        ours: perSession,
        unit: 'MiB',
        ratio: perSession / perServer,
        goal: '≤ 10 MiB',
        isReached: perSession <= 10,
      },
      {
        what: 'daemon (PSS) with ten sessions',
        ours: daemon / 1024,
        unit: 'MiB',
        goal: '≤ 45 MiB',
        isReached: daemon / 1024 <= 45,
      },
      {
        what: 'all processes (PSS), ten sessions, three servers',
        direct: directTotal / 1024,
        ours: total,
        unit: 'MiB',
        ratio: total / (directTotal / 1024),
        goal: 'none set',
        isReached: true,
      },
      {
        what: 'processes, ten sessions, three servers',
        direct: direct.length,
        ours: wrappers.length + 1 + servers.length,
        unit: '',
        goal: 'none set',
        isReached: true,
      },
    ];
  } finally {
    await world.close();
    await scratch.close();
  }
}

/** Memory is read after the garbage of the start is collected or at least no longer growing. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1_500));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(/\s+/).filter(Boolean).map(Number);
}
