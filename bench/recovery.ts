// kill -9 of the daemon under a session: how long until the next answer.
import { existsSync } from 'node:fs';
import { handshake, startRpc } from './rpc-process.ts';
import { median, type Row } from './statistics.ts';
import { createWorld, everything } from './world.ts';

const rounds = 15;

export async function measureRecovery(): Promise<Row[]> {
  const world = createWorld({ everything });
  const session = startRpc(world.wrapper);
  try {
    await handshake(session);
    const [hello, call, serverStart]: [number[], number[], number[]] = [[], [], []];
    for (let i = 0; i < rounds; i += 1) {
      const direct = startRpc(everything);
      await handshake(direct);
      serverStart.push(performance.now() - direct.startedAt);
      await direct.close();
      await session.call('tools/call', { name: 'everything__echo', arguments: { message: 'x' } });
      const pid = world.daemonPid();
      if (pid === undefined) throw new Error('no daemon');
      process.kill(pid, 'SIGKILL');
      while (existsSync(`/proc/${pid}/exe`)) await new Promise((resolve) => setTimeout(resolve, 1));
      const from = performance.now();
      // A list is answered by the new daemon itself; a call also starts the server.
      await session.call('tools/list', {});
      hello.push(performance.now() - from);
      await session.call('tools/call', { name: 'everything__echo', arguments: { message: 'x' } });
      call.push(performance.now() - from);
    }
    return [
      {
        what: 'kill -9 of the daemon to the next answer, p50',
        ours: median(hello) / 1000,
        unit: 's',
        goal: '≤ 0.3 s',
        isReached: median(hello) <= 300,
      },
      {
        what: 'the same to the next good call, p50 (direct: the start of that server)',
        direct: median(serverStart) / 1000,
        ours: median(call) / 1000,
        unit: 's',
        goal: '≤ 0.3 s + its start',
        isReached: median(call) <= 300 + median(serverStart),
      },
    ];
  } finally {
    await session.close();
    await world.close();
  }
}
