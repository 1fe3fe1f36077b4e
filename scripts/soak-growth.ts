// Whether something grows with each session that comes and goes, or with each restart of a copy. Warmed up first, heap
// collected before each look, so that what is compared is what is held.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { DaemonRig, fixture } from '../test/support/daemon-rig.ts';
import { eventually } from '../test/support/eventually.ts';
import { copyPlugin, daemonPid, removePlugin } from '../test/support/fault-rig.ts';
import { type Footprint, footprint } from '../test/support/footprint.ts';
import { LinkSession } from '../test/support/link-session.ts';
import { type McpClient, textOf } from '../test/support/mcp-client.ts';
import type { Table } from './soak-table.ts';

const sessions = Number(process.env['MCP_PROXY_SOAK_SESSIONS'] ?? 10_000);
const restarts = Number(process.env['MCP_PROXY_SOAK_RESTARTS'] ?? 1_000);
const allowedGrowth = 1.05;
/** `heldBytes`: what the program's objects take after a collection. */
type Look = Footprint & { heldBytes: number };
type Row = { cells: string[]; isReached: boolean };

/**
 * As it is released, the engine compiles the more the longer it runs, and what that takes looks like growth. With its
 * compilers off, all that grows is what somebody holds.
 */
const variants: readonly { name: string; flags: readonly string[]; warmUp: number }[] = [
  { name: 'as released', flags: [], warmUp: 1 },
  { name: 'compilers off', flags: ['--no-opt', '--no-sparkplug', '--no-maglev'], warmUp: 0.1 },
];

/** Runs in the daemon. The heap is collected when we say. */
const observer = (file: string, flags: readonly string[]) => `{
  const v8 = require('node:v8');
  for (const flag of ${JSON.stringify(['--expose-gc', ...flags])}) v8.setFlagsFromString(flag);
  const collect = require('node:vm').runInNewContext('gc');
  const { writeFileSync, renameSync } = require('node:fs');
  process.on('SIGUSR2', () => {
    collect();
    setTimeout(() => {
      collect();
      const { heapUsed, external } = process.memoryUsage();
      writeFileSync(${JSON.stringify(`${file}.part`)}, String(heapUsed + external));
      renameSync(${JSON.stringify(`${file}.part`)}, ${JSON.stringify(file)});
    }, 50);
  });
}`;

export async function measureGrowth(): Promise<Table> {
  const rows: Row[] = [];
  for (const variant of variants) rows.push(...(await measureVariant(variant)));
  return {
    title: 'Growth of the daemon: after a warm-up, heap collected; no process was left at the end',
    rows: [['work', 'what', 'before', 'after', 'growth', 'at most 5 %'], ...rows.map(({ cells }) => cells)],
    isReached: rows.every(({ isReached }) => isReached),
  };
}

async function measureVariant({ name, flags, warmUp }: (typeof variants)[number]): Promise<Row[]> {
  const plugin = copyPlugin();
  const rig = new DaemonRig();
  try {
    const heldFile = join(rig.home, 'held');
    const daemonFile = join(plugin, 'dist', 'daemon.cjs');
    writeFileSync(daemonFile, `${observer(heldFile, flags)}\n${readFileSync(daemonFile, 'utf8')}`);
    rig.writeConfig({ c: fixture('echo.mjs') });
    const keeper = await rig.open({ plugin, args: ['--mode', 'all'] });
    await keeper.call('c__pid');
    const pid = await daemonPid(rig);
    const measured = async (count: number, work: (count: number) => Promise<void>): Promise<[Look, Look]> => {
      const cold = await settled(pid, heldFile);
      await work(Math.ceil(count * warmUp));
      const before = await settled(pid, heldFile);
      process.stderr.write(`${name}: warm-up ${mib(cold.ownBytes)} -> ${mib(before.ownBytes)}\n`);
      await work(count);
      return [before, await settled(pid, heldFile)];
    };
    const bySession = await measured(sessions, (count) => openAndClose(rig, count));
    const byRestart = await measured(restarts, (count) => restartCopies(keeper, count));
    await rig.closeSessions();
    // This process is the host of the short sessions and lives on, so its record does too.
    await eventually(() => rig.processes().length === 0, { timeoutMs: 15_000, what: 'every process to end' });
    return [
      ...rowsOf(`${sessions} sessions opened and closed, ${name}`, bySession),
      ...rowsOf(`${restarts} restarts of a copy, ${name}`, byRestart),
    ];
  } finally {
    await rig.dispose();
    removePlugin(plugin);
  }
}

async function openAndClose(rig: DaemonRig, count: number): Promise<void> {
  const project = rig.project('p');
  const atOnce = 20;
  for (let n = 0; n < count; n += atOnce) {
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        const session = await LinkSession.open(rig.locations.socketPath, project);
        await session.call('c__echo', { text: 'x' });
        session.close();
      }),
    );
  }
  await rig.statusUntil((status) => status.sessions.length === 1, 'the sessions to be gone', 30_000);
}

/** Killed from outside, as no limit of the supervisor counts that. */
async function restartCopies(client: McpClient, count: number): Promise<void> {
  let former = Number(textOf(await client.call('c__pid')));
  for (let n = 0; n < count; n += 1) {
    process.kill(former, 'SIGKILL');
    const gone = former;
    former = await eventually(
      async () => {
        const answer = await client.call('c__pid');
        const pid = 'result' in answer ? Number(textOf(answer)) : Number.NaN;
        return Number.isInteger(pid) && pid !== gone ? pid : undefined;
      },
      { timeoutMs: 20_000, what: `copy ${n}`, intervalMs: 1 },
    );
  }
}

/** What is kept for sessions that may come back goes after 10 s, so the least of 15 s is what is held. */
async function settled(pid: number, heldFile: string): Promise<Look> {
  let least: Look | undefined;
  for (let n = 0; n < 30; n += 1) {
    rmSync(heldFile, { force: true });
    process.kill(pid, 'SIGUSR2');
    await eventually(() => existsSync(heldFile), { timeoutMs: 10_000, what: 'a collection' });
    const now = { ...footprint(pid), heldBytes: Number(readFileSync(heldFile, 'utf8')) };
    least = {
      fds: Math.min(least?.fds ?? now.fds, now.fds),
      processes: Math.min(least?.processes ?? now.processes, now.processes),
      pssBytes: Math.min(least?.pssBytes ?? now.pssBytes, now.pssBytes),
      ownBytes: Math.min(least?.ownBytes ?? now.ownBytes, now.ownBytes),
      heldBytes: Math.min(least?.heldBytes ?? now.heldBytes, now.heldBytes),
    };
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  if (!least) throw new Error('nothing was looked at');
  return least;
}

function rowsOf(work: string, [before, after]: [Look, Look]): Row[] {
  const parts: [string, keyof Look, (value: number) => string][] = [
    ['descriptors', 'fds', String],
    ['processes', 'processes', String],
    ['objects', 'heldBytes', mib],
    ['own memory', 'ownBytes', mib],
    ['PSS', 'pssBytes', mib],
  ];
  return parts.map(([what, key, show]) => {
    const [from, to] = [before[key], after[key]];
    const isReached = to <= from * allowedGrowth;
    const growth = `${((to / from - 1) * 100).toFixed(1)} %`;
    return { cells: [work, what, show(from), show(to), growth, isReached ? 'yes' : 'no'], isReached };
  });
}

function mib(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(2)} MiB`;
}
