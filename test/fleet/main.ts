// `npm run fleet`: published servers one after the other, direct and through us. Writes bench/results/fleet.json and prints
// the table of docs/servers.md; exit code 1: something differs that nobody explained.
//   --only NAME   one server, as often as wanted; the rows of the others stay
//   --skip NAME   all but that
//   --json        the rows in place of the table
//   --keep        the homes of the runs stay
import '../../scripts/define-globals.ts';

import { rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { serversTable } from '../../scripts/server-document.ts';
import { describeError } from '../../src/base/errors.ts';
import { startCompanion } from './companion.ts';
import { write } from './exact-text.ts';
import { download, placeless, searchPath } from './launch.ts';
import { type DirectResult, type FleetRow, faultsOf, writeResult } from './result.ts';
import { type DirectRun, runDirect } from './run-direct.ts';
import { runProxied } from './run-proxied.ts';
import type { FleetServer } from './server-row.ts';
import { fleetServers } from './servers/table.ts';
import { freePort, World } from './world.ts';

/** Ends a row that hangs; a slow one on a loaded machine takes less. */
const rowMs = 420_000;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    skip: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  const path = await searchPath();
  const wanted = fleetServers.filter(
    ({ name }) => (options.only?.includes(name) ?? true) && !(options.skip?.includes(name) ?? false),
  );
  const rows: FleetRow[] = [];
  for (const [i, server] of wanted.entries()) {
    say(`[${i + 1}/${wanted.length}] ${server.name}: ${server.package} ${server.version}`);
    const row = await runRow(server, path);
    rows.push(row);
    for (const fault of row.reason ? [`cannot be started here: ${row.reason}`] : faultsOf(row)) say(`  ${fault}`);
    const head = { node: process.version, cores: cpus().length };
    writeResult(
      head,
      rows,
      fleetServers.map(({ name }) => name),
    );
  }
  console.log(options.json ? JSON.stringify(rows, null, 2) : serversTable(rows).join('\n'));
  if (rows.some((row) => faultsOf(row).length > 0)) process.exitCode = 1;
}

async function runRow(server: FleetServer, path: string): Promise<FleetRow> {
  const row: FleetRow = {
    name: server.name,
    package: server.package,
    version: server.version,
    ranAt: new Date().toISOString(),
    right: server.right[0],
    rightReason: server.right[1],
  };
  const missing = await download(server, path);
  if (missing !== undefined) return { ...row, reason: missing };
  const world = new World(server, { path, port: await freePort() });
  const companion = await startCompanion(server, { path, port: world.places.port });
  try {
    return { ...row, ...(await withDeadline(compareRuns(world))) };
  } catch (error) {
    return { ...row, reason: describeError(error) };
  } finally {
    companion?.end();
    world.sweep();
    if (options.keep) say(`  kept: ${world.rig.home}`);
    else rmSync(world.rig.home, { recursive: true, force: true, maxRetries: 5 });
  }
}

function withDeadline<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${rowMs / 1_000} s`)), rowMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

async function compareRuns(world: World): Promise<Pick<FleetRow, 'reason' | 'direct' | 'proxied'>> {
  let runs: [DirectRun, DirectRun];
  try {
    runs = [await runDirect(world), await runDirect(world)];
  } catch (error) {
    return { reason: placeless(describeError(error), world.rig.home).slice(0, 300) };
  }
  const [first, second] = runs;
  const direct = directResult(first, second);
  say(`  direct: ${direct.tools} tools, ${direct.listMs} ms, ${direct.memoryMiB} MiB`);
  try {
    const run = await runProxied(world, { direct: first.face, again: second.face });
    say(
      `  here: ${run.coldMs} / ${run.warmMs} ms, ${run.sharing}, ${run.copies} copies; after kill -9: ${run.afterKill}`,
    );
    const { allowed = [] } = world.server;
    const differences = run.differences.map(({ what, ...rest }) => {
      const difference = { ...rest, what: placeless(what, world.rig.home) };
      const why = allowed.find(([where]) => difference.where.replace(/^--server /, '').startsWith(where))?.[1];
      return why === undefined ? difference : { ...difference, why };
    });
    return { direct, proxied: { ...run, differences } };
  } catch (error) {
    say(`  here: ${describeError(error)}`);
    return { direct };
  }
}

function directResult(first: DirectRun, second: DirectRun): DirectResult {
  const tools = first.face.lists.get('tools');
  const text = ({ face }: DirectRun) =>
    [...face.lists.values(), face.call]
      .map(({ items, error }) => [...items, error].map((one) => write(one)).join())
      .join();
  const { memoryMiB, processes, endsAtEof, left } = first;
  return {
    tools: tools?.error ? write(tools.error).slice(0, 200) : (tools?.items.length ?? 0),
    listMs: Math.min(first.listMs, second.listMs),
    ...{ memoryMiB, processes, endsAtEof, left },
    isSteady: text(first) === text(second),
  };
}

function say(line: string): void {
  console.error(`${new Date().toISOString().slice(11, 19)} ${line}`);
}

await main();
