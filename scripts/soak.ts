// `npm run soak`: 10,000 sessions opened and closed, 1,000 restarts of a server's copy, against the released programs in a
// home of their own. Fails when descriptors, processes or memory of the daemon grew by more than 5 %.
import './define-globals.ts';

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { DaemonRig, fixture } from '../test/support/daemon-rig.ts';
import { eventually } from '../test/support/eventually.ts';
import { copyPlugin, daemonPid, removePlugin } from '../test/support/fault-rig.ts';
import { type Footprint, footprint } from '../test/support/footprint.ts';
import { LinkSession } from '../test/support/link-session.ts';
import { type McpClient, textOf } from '../test/support/mcp-client.ts';

const sessions = Number(process.env['MCP_PROXY_SOAK_SESSIONS'] ?? 10_000);
const restarts = Number(process.env['MCP_PROXY_SOAK_RESTARTS'] ?? 1_000);
const allowedGrowth = 1.05;

const plugin = copyPlugin();
// The heap is collected when we say: what is left then is what is held.
const daemonFile = join(plugin, 'dist', 'daemon.cjs');
const collector =
  "require('node:v8').setFlagsFromString('--expose-gc'); const collect = require('node:vm').runInNewContext('gc'); process.on('SIGUSR2', () => collect());";
writeFileSync(daemonFile, `{ ${collector} }\n${readFileSync(daemonFile, 'utf8')}`);
const rig = new DaemonRig();
try {
  rig.writeConfig({ c: fixture('echo.mjs') });
  const keeper = await rig.open({ plugin, args: ['--mode', 'all'] });
  await keeper.call('c__pid');
  const pid = await daemonPid(rig);

  // The heap finds its size before it is measured: as much as will follow, up to a bound.
  await openAndClose(Math.min(sessions, 5_000));
  const [beforeSessions, afterSessions] = await measured(pid, () => openAndClose(sessions));
  report(`${sessions} sessions opened and closed`, beforeSessions, afterSessions);

  await restartCopies(keeper, Math.min(restarts, 1_000));
  const [beforeRestarts, afterRestarts] = await measured(pid, () => restartCopies(keeper, restarts));
  report(`${restarts} restarts of a copy`, beforeRestarts, afterRestarts);

  await rig.closeSessions();
  // This process is the host of the short sessions and lives on, so its record does too.
  await eventually(() => rig.processes().length === 0, { timeoutMs: 15_000, what: 'every process to end' });
  console.log('no process left behind');
} finally {
  await rig.dispose();
  removePlugin(plugin);
}

async function openAndClose(count: number): Promise<void> {
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

async function measured(pid: number, work: () => Promise<void>): Promise<[Footprint, Footprint]> {
  const before = await settled(pid);
  await work();
  return [before, await settled(pid)];
}

/** The least of some seconds of collections: the allocator gives pages back a little later. */
async function settled(pid: number): Promise<Footprint> {
  let least = footprint(pid);
  for (let n = 0; n < 20; n += 1) {
    process.kill(pid, 'SIGUSR2');
    await new Promise((resolve) => setTimeout(resolve, 500));
    const now = footprint(pid);
    least = {
      fds: Math.min(least.fds, now.fds),
      processes: Math.min(least.processes, now.processes),
      pssBytes: Math.min(least.pssBytes, now.pssBytes),
      ownBytes: Math.min(least.ownBytes, now.ownBytes),
    };
  }
  return least;
}

function report(what: string, before: Footprint, after: Footprint): void {
  const mib = (bytes: number) => `${(bytes / 1_048_576).toFixed(1)} MiB`;
  const rows = [
    ['descriptors', before.fds, after.fds, `${before.fds} -> ${after.fds}`],
    ['processes', before.processes, after.processes, `${before.processes} -> ${after.processes}`],
    ['own memory', before.ownBytes, after.ownBytes, `${mib(before.ownBytes)} -> ${mib(after.ownBytes)}`],
  ] as const;
  console.log(`${what} (PSS ${mib(before.pssBytes)} -> ${mib(after.pssBytes)}):`);
  for (const [name, from, to, text] of rows) {
    const isGrown = to > from * allowedGrowth;
    if (isGrown) process.exitCode = 1;
    console.log(`  ${name.padEnd(14)} ${text}  ${((to / from - 1) * 100).toFixed(1)} %${isGrown ? '  GROWN' : ''}`);
  }
}
