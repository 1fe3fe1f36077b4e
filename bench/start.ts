// From spawn to the answer of tools/list: what a person waits for when a session opens.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../scripts/build-defines.ts';
import { handshake, startRpc } from './rpc-process.ts';
import { median, type Row } from './statistics.ts';
import { createWorld, everything } from './world.ts';

const rounds = 32;

async function timeToTools(command: Parameters<typeof startRpc>[0]): Promise<number> {
  const rpc = startRpc(command);
  await handshake(rpc);
  const ms = performance.now() - rpc.startedAt;
  await rpc.close();
  return ms;
}

function emptyNode(): number {
  const from = performance.now();
  spawnSync(process.execPath, ['-e', '0']);
  return performance.now() - from;
}

export async function measureStart(): Promise<Row[]> {
  const world = createWorld({ everything });
  const slow = createWorld({ everything, slow: slowServer(10_000) });
  try {
    const holder = startRpc(world.wrapper);
    await handshake(holder);
    const slowHolder = startRpc(slow.wrapper);
    await handshake(slowHolder);
    const [empty, direct, ours, oursSlow]: [number[], number[], number[], number[]] = [[], [], [], []];
    const steps = [
      async () => empty.push(emptyNode()),
      async () => direct.push(await timeToTools(everything)),
      async () => ours.push(await timeToTools(world.wrapper)),
      async () => oursSlow.push(await timeToTools(slow.wrapper)),
    ];
    for (let i = 0; i < rounds; i += 1) {
      // Another one first each time: what follows a large program starts a little slower.
      for (let k = 0; k < steps.length; k += 1) await steps[(i + k) % steps.length]?.();
    }
    await holder.close();
    await slowHolder.close();
    const [nodeMs, directMs, oursMs, slowMs] = [median(empty), median(direct), median(ours), median(oursSlow)];
    return [
      row('further session, spawn to tools/list', directMs, oursMs, '≤ 0.2 × direct', oursMs / directMs, 0.2),
      row('the same against an empty `node -e 0`', nodeMs, oursMs, '≤ 1.5 × empty', oursMs / nodeMs, 1.5),
      row('the same while a server needs 10 s to start', nodeMs, slowMs, '≤ 1.5 × empty', slowMs / nodeMs, 1.5),
    ];
  } finally {
    await world.close();
    await slow.close();
  }
}

function row(what: string, direct: number, ours: number, goal: string, ratio: number, limit: number): Row {
  return { what, direct, ours, unit: 'ms', ratio, goal, isReached: ratio <= limit };
}

/** Answers initialize only after that time. */
function slowServer(ms: number): { command: string; args: string[] } {
  const program = `
    const answer = (id, result) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, method } = JSON.parse(line);
      const info = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'slow', version: '1' } };
      if (method === 'initialize') setTimeout(() => answer(id, info), ${ms});
      else if (method === 'tools/list') answer(id, { tools: [{ name: 'wait', inputSchema: { type: 'object' } }] });
      else if (id !== undefined) answer(id, {});
    });`;
  return { command: process.execPath, args: ['-e', program] };
}

/** 100 sessions in one instant with nothing running before. */
export async function measureStampede(): Promise<Row[]> {
  const count = 100;
  const world = createWorld({ everything });
  try {
    const from = performance.now();
    const sessions = Array.from({ length: count }, () => startRpc(world.wrapper));
    await Promise.all(sessions.map(handshake));
    const ms = performance.now() - from;
    await Promise.all(sessions.map((session) => session.close()));
    return [
      {
        what: `${count} sessions at once from cold, all ready`,
        ours: ms / 1000,
        unit: 's',
        goal: '≤ 5 s',
        isReached: ms <= 5_000,
      },
    ];
  } finally {
    await world.close();
  }
}

/** What a session start and end wait for: the hook's whole life beside that of an empty program. */
export async function measureHook(): Promise<Row[]> {
  const world = createWorld({});
  const hook = (event: string, rest: Record<string, string>) => {
    const input = JSON.stringify({ hook_event_name: event, session_id: 'bench', cwd: world.project, ...rest });
    const from = performance.now();
    spawnSync(process.execPath, [join(root, 'dist/hook.cjs')], { input, env: { ...process.env, ...world.env } });
    return performance.now() - from;
  };
  try {
    const [empty, start, end]: number[][] = [[], [], []];
    for (let i = 0; i < rounds; i += 1) {
      empty?.push(emptyNode());
      start?.push(hook('SessionStart', { source: 'startup' }));
      end?.push(hook('SessionEnd', { reason: 'other' }));
    }
    const [emptyMs, startMs, endMs] = [median(empty ?? []), median(start ?? []), median(end ?? [])];
    const none = Number.POSITIVE_INFINITY;
    return [
      row('hook at session start, against an empty `node -e 0`', emptyMs, startMs, 'none set', startMs / emptyMs, none),
      row('hook at session end', emptyMs, endMs, 'inside the 1.5 s of a host', endMs / emptyMs, 1_500 / emptyMs),
    ];
  } finally {
    await world.close();
  }
}
