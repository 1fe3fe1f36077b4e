// The same servers without sharing: once for each session, started directly, measured in the same moment, then ended.

import { execFileSync } from 'node:child_process';
import { readSystemFile } from '../../base/system-file.ts';
import { formatBytes, plural } from '../render/format.ts';
import type { Paint } from '../render/style.ts';
import { renderTable } from '../render/table.ts';
import { wrapText } from '../render/text-width.ts';
import { type McpSession, openMcpSession } from './mcp-session.ts';
import { type Cast, type Demo, rememberCopies, type StartedCopies } from './story.ts';

export type Comparison = {
  kind: 'pss' | 'rss';
  shared: { servers: Cost; daemon: Cost; wrappers: Cost };
  direct: Cost;
};
type Cost = { processes: number; bytes: number };

export async function compare(demo: Demo, cast: Cast): Promise<Comparison> {
  const wrapperPids = [cast.a, cast.b, cast.c].map((session) => session.pid);
  const copies: StartedCopies = await rememberCopies(demo);
  const direct: McpSession[] = [];
  try {
    const opened = await Promise.allSettled(directServers(demo).map((open) => open()));
    for (const result of opened) if (result.status === 'fulfilled') direct.push(result.value);
    for (const result of opened) if (result.status === 'rejected') throw result.reason;
    const directPids = direct.map((session) => session.pid);
    // All at once, while all of them run: shared pages are then divided over both sides alike.
    const groups = [copies.serverPids, [copies.daemonPid], wrapperPids, directPids];
    const { kind, bytes } = measure(groups);
    const cost = (i: number): Cost => ({ processes: groups[i]?.length ?? 0, bytes: bytes[i] ?? 0 });
    return { kind, shared: { servers: cost(0), daemon: cost(1), wrappers: cost(2) }, direct: cost(3) };
  } finally {
    await Promise.all(direct.map((session) => session.close()));
  }
}

/** Each of the three sessions with a notes, a team-notes and a project-files server of its own. */
function directServers({ scratch, started, signal }: Demo): (() => Promise<McpSession>)[] {
  const { shop, blog } = scratch.projects;
  return [shop, shop, blog].flatMap((cwd, i) =>
    [scratch.notesArgs(`direct-${i}.json`), scratch.notesArgs(`direct-team-${i}.json`), scratch.filesArgs(cwd)].map(
      (args) => async () => {
        const session = await openMcpSession({ args, env: scratch.env, cwd }, signal);
        started.add(session.pid);
        return session;
      },
    ),
  );
}

export function comparisonLines({ kind, shared, direct }: Comparison, width: number, paint: Paint): string[] {
  const row = (name: string, cost: Cost) => [name, String(cost.processes), formatBytes(cost.bytes)];
  const table = renderTable(
    [
      { header: '' },
      { header: 'PROCESSES', align: 'right' },
      { header: kind === 'pss' ? 'PSS' : 'RSS', align: 'right' },
    ],
    [
      row('servers, one copy for each session', direct),
      row('servers, shared', shared.servers),
      row('  the daemon', shared.daemon),
      row(`  ${plural(shared.wrappers.processes, 'wrapper')}`, shared.wrappers),
    ],
    { width, paint },
  );
  return [...table, '', ...wrapText(verdict(shared, direct), width)];
}

function verdict({ servers, daemon, wrappers }: Comparison['shared'], direct: Cost): string {
  const saved = direct.bytes - servers.bytes;
  const overhead = daemon.bytes + wrappers.bytes;
  const each = (cost: Cost) => formatBytes(cost.bytes / wrappers.processes);
  const copies = direct.processes / wrappers.processes;
  return [
    `${direct.processes - servers.processes} server processes fewer, ${formatBytes(Math.abs(saved))} ${saved >= 0 ? 'less' : 'more'} for servers.`,
    `Daemon and wrappers cost ${formatBytes(overhead)}, however many servers there are${overhead > saved ? ' (more than these tiny ones save)' : ''}.`,
    `Each further session here costs a wrapper of ${each(wrappers)} instead of ${copies} servers of ${each(direct)}.`,
  ].join(' ');
}

/** `kind` is what all of them could be measured in: PSS counts shared pages once, RSS in every process. */
export type Measured = { bytes: number; kind: 'pss' | 'rss' };

/** Memory of processes by pid, the same way for both sides of the comparison. */
export function measure(groups: readonly (readonly number[])[]): { kind: Measured['kind']; bytes: number[] } {
  const pss = groups.map((pids) => pids.map((pid) => proportional(pid)));
  if (pss.flat().every((bytes) => bytes !== undefined)) {
    return { kind: 'pss', bytes: pss.map((group) => group.reduce((sum: number, bytes) => sum + (bytes ?? 0), 0)) };
  }
  return { kind: 'rss', bytes: groups.map((pids) => pids.reduce((sum, pid) => sum + resident(pid), 0)) };
}

function proportional(pid: number): number | undefined {
  const kib = /^Pss:\s+(\d+) kB$/m.exec(readSystemFile(`/proc/${pid}/smaps_rollup`))?.[1];
  return kib === undefined ? undefined : Number(kib) * 1_024;
}

function resident(pid: number): number {
  try {
    const out = execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' });
    return Number(out.trim()) * 1_024;
  } catch {
    return 0; // gone
  }
}
