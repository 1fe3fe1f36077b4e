// One call after the other, and as many as go through.

import { handshake, type RpcProcess, startRpc } from './rpc-process.ts';
import { median, quantile, type Row } from './statistics.ts';
import { createWorld, everything } from './world.ts';

const echo = (rpc: RpcProcess, name: string) => rpc.call('tools/call', { name, arguments: { message: 'hello' } });

async function time(act: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await act();
  return performance.now() - from;
}

export async function measureCalls(): Promise<Row[]> {
  const world = createWorld({ everything });
  const [direct, proxied] = [startRpc(everything), startRpc(world.wrapper)];
  try {
    await handshake(direct);
    await handshake(proxied);
    const [directMs, oursMs]: [number[], number[]] = [[], []];
    for (let i = 0; i < 300; i += 1) {
      await echo(direct, 'echo');
      await echo(proxied, 'everything__echo');
    }
    for (let i = 0; i < 3_000; i += 1) {
      directMs.push(await time(() => echo(direct, 'echo')));
      oursMs.push(await time(() => echo(proxied, 'everything__echo')));
    }
    const ratio = median(oursMs) / median(directMs);
    const tail = quantile(oursMs, 0.99) / quantile(directMs, 0.99);
    return [
      {
        what: 'one call, p50',
        direct: median(directMs),
        ours: median(oursMs),
        unit: 'ms',
        ratio,
        goal: '≤ 1.8 × direct',
        isReached: ratio <= 1.8,
      },
      {
        what: 'one call, p99',
        direct: quantile(directMs, 0.99),
        ours: quantile(oursMs, 0.99),
        unit: 'ms',
        ratio: tail,
        goal: 'none set',
        isReached: true,
      },
    ];
  } finally {
    await direct.close();
    await proxied.close();
    await world.close();
  }
}

const window = 64;

/** Calls a second with `window` calls under way over all sessions together. */
async function saturate(sessions: readonly RpcProcess[], name: string, total: number): Promise<number> {
  let started = 0;
  const worker = async (rpc: RpcProcess): Promise<void> => {
    while (started < total) {
      started += 1;
      await echo(rpc, name);
    }
  };
  const from = performance.now();
  await Promise.all(
    Array.from({ length: window }, (_, i) => worker(sessions[i % sessions.length] ?? sessions[0] ?? never())),
  );
  return total / ((performance.now() - from) / 1000);
}

export async function measureThroughput(): Promise<Row[]> {
  const world = createWorld({ everything });
  const direct = startRpc(everything);
  const sessions = Array.from({ length: 10 }, () => startRpc(world.wrapper));
  try {
    await handshake(direct);
    await Promise.all(sessions.map(handshake));
    await saturate([direct], 'echo', 2_000);
    await saturate(sessions, 'everything__echo', 2_000);
    const [one, ten]: [number[], number[]] = [[], []];
    for (let i = 0; i < 7; i += 1) {
      one.push(await saturate([direct], 'echo', 4_000));
      ten.push(await saturate(sessions, 'everything__echo', 4_000));
    }
    const ratio = median(ten) / median(one);
    return [
      {
        what: 'calls per second, 10 sessions on one server',
        direct: median(one),
        ours: median(ten),
        unit: '/s',
        ratio,
        goal: '≥ 0.9 × one pipe',
        isReached: ratio >= 0.9,
      },
    ];
  } finally {
    await direct.close();
    await Promise.all(sessions.map((session) => session.close()));
    await world.close();
  }
}

function never(): never {
  throw new Error('no session');
}
