// What a misbehaving server costs the calls of another one: quiet and noisy rounds in turn, so that whatever else the
// machine does meets both. In a quiet round the same second session calls a well-behaved server at the same pace.
import { DaemonRig, fixture, type ServerConfig } from '../test/support/daemon-rig.ts';
import { copyPlugin, percentile, removePlugin } from '../test/support/fault-rig.ts';
import { LinkSession } from '../test/support/link-session.ts';
import type { McpClient } from '../test/support/mcp-client.ts';
import type { Table } from './soak-table.ts';

const rounds = Number(process.env['MCP_PROXY_SOAK_ROUNDS'] ?? 10);
const roundMs = 2_000;
/** Pace of the second session, and how long it waits for an answer that may never come. */
const pause = { betweenMs: 5, answerMs: 1_000 };
const allowedRatio = 2;

const soonGivenUp = { startTimeoutMs: 1_000, timeoutMs: 1_000 };
const kinds: Readonly<Record<string, ServerConfig>> = {
  'ignores SIGTERM': fixture('stubborn.mjs', {}, soonGivenUp),
  'double-forks': fixture('double-fork.mjs'),
  'closes its output': fixture('half-frame.mjs', { HALF_MODE: 'close' }, soonGivenUp),
  'writes half a frame and dies': fixture('half-frame.mjs'),
  'writes half a frame and hangs': fixture('half-frame.mjs', { HALF_MODE: 'hang' }, soonGivenUp),
  'prints what is no JSON': fixture('garbage.mjs'),
  'floods stderr': fixture('flood.mjs'),
  'answers twice': fixture('answers-wrong.mjs', { WRONG: 'twice' }),
  'answers unknown ids': fixture('answers-wrong.mjs', { WRONG: 'unknown' }),
  'never answers': fixture('silent.mjs', {}, soonGivenUp),
  // What a start and an end cost by themselves: the measure for those that are ended and started all the time.
  'behaves, and is restarted each round': fixture('echo.mjs'),
};

type Spread = { p50: number; p99: number };

export async function measureNeighbours(): Promise<Table> {
  const rows: { cells: string[]; isReached: boolean }[] = [];
  for (const [kind, server] of Object.entries(kinds)) {
    process.stderr.write(`${kind} …\n`);
    rows.push(await measureKind(kind, server));
  }
  const title = `Calls of one session beside another whose server misbehaves: medians of ${rounds} rounds each, quiet and noisy in turn`;
  const head = [
    'the server',
    'p50 quiet',
    'p50 noisy',
    'p99 quiet',
    'p99 noisy',
    'p99 ratio',
    `at most ${allowedRatio} ×`,
  ];
  return {
    title,
    rows: [head, ...rows.map(({ cells }) => cells)],
    isReached: rows.every(({ isReached }) => isReached),
  };
}

async function measureKind(kind: string, server: ServerConfig): Promise<{ cells: string[]; isReached: boolean }> {
  const plugin = copyPlugin();
  const rig = new DaemonRig();
  try {
    rig.writeConfig({ c: fixture('echo.mjs'), twin: fixture('echo.mjs'), bad: server });
    const client = await rig.open({ plugin, args: ['--mode', 'all'] });
    await callFor(client, roundMs);
    const other = await LinkSession.open(rig.locations.socketPath, rig.project('other'));
    await other.call('twin__echo', {});
    const quiet: Spread[] = [];
    const noisy: Spread[] = [];
    for (let n = 0; n < rounds; n += 1) {
      await rig.http('POST', '/stop', { body: { name: 'bad' } });
      quiet.push(await beside(other, 'twin__echo', () => callFor(client, roundMs)));
      // Out of `failed` too: each round has its five deaths.
      const restarted = rig.http('POST', '/restart', { body: { name: 'bad' } });
      noisy.push(await beside(other, 'bad__echo', () => callFor(client, roundMs)));
      await restarted;
    }
    other.close();
    await rig.closeSessions();
    return rowOf(kind, middle(quiet), middle(noisy));
  } finally {
    await rig.dispose();
    removePlugin(plugin);
  }
}

/** Runs `work` while `session` calls that tool; what it is answered does not matter. */
async function beside<T>(session: LinkSession, tool: string, work: () => Promise<T>): Promise<T> {
  let isOver = false;
  const calling = (async () => {
    while (!isOver) {
      await Promise.race([session.call(tool, { text: 'beside' }), wait(pause.answerMs)]);
      await wait(pause.betweenMs);
    }
  })();
  try {
    return await work();
  } finally {
    isOver = true;
    await calling;
  }
}

/** One call after the other. */
async function callFor(client: McpClient, ms: number): Promise<Spread> {
  const times: number[] = [];
  for (const until = performance.now() + ms; performance.now() < until; ) {
    const begin = performance.now();
    await client.call('c__echo', { text: 'x' });
    times.push(performance.now() - begin);
    client.messages.length = 0;
    client.lines.length = 0;
  }
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

function middle(spreads: readonly Spread[]): Spread {
  const of = (key: keyof Spread) =>
    percentile(
      spreads.map((spread) => spread[key]),
      0.5,
    );
  return { p50: of('p50'), p99: of('p99') };
}

function rowOf(kind: string, quiet: Spread, noisy: Spread): { cells: string[]; isReached: boolean } {
  const ratio = noisy.p99 / quiet.p99;
  const isReached = ratio <= allowedRatio;
  const times = [quiet.p50, noisy.p50, quiet.p99, noisy.p99].map((ms) => `${ms.toFixed(2)} ms`);
  return { cells: [kind, ...times, `${ratio.toFixed(2)} ×`, isReached ? 'yes' : 'no'], isReached };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
