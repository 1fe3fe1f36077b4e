// `npm run bench [-- names]`: ratios against direct stdio in the same run, medians, Linux. Writes bench/results/.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { root } from '../scripts/build-defines.ts';
import { measureCalls, measureThroughput } from './calls.ts';
import { measureMemory } from './memory.ts';
import { measureRecovery } from './recovery.ts';
import { measureHook, measureStampede, measureStart } from './start.ts';
import type { Row } from './statistics.ts';

const benches: Record<string, () => Promise<Row[]>> = {
  start: measureStart,
  hook: measureHook,
  calls: measureCalls,
  throughput: measureThroughput,
  memory: measureMemory,
  recovery: measureRecovery,
  stampede: measureStampede,
};

// Node 20 parses it at every start (45 ms): with it set, every ratio would look better than it is.
delete process.env['NODE_EXTRA_CA_CERTS'];
const wanted = process.argv.slice(2).filter((arg) => !arg.startsWith('-'));
// Published figures are of the committed bundles.
if (wanted.length === 0) {
  execFileSync(process.execPath, ['--import', 'tsx', 'scripts/build.ts', '--check'], { cwd: root, stdio: 'inherit' });
}
const rows: Row[] = [];
for (const [name, bench] of Object.entries(benches)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  process.stderr.write(`${name} …\n`);
  rows.push(...(await bench()));
}
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const machine = { cores: cpus().length, model: cpus()[0]?.model, node: process.version, platform: process.platform };
const table = render(rows);
console.log(table);
if (wanted.length === 0) {
  mkdirSync(join(root, 'bench/results'), { recursive: true });
  const report = { date: new Date().toISOString().slice(0, 10), version, machine, rows };
  writeFileSync(join(root, 'bench/results/latest.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  const head = `Measured ${report.date} with version ${version}, Node ${process.version.slice(1)}, ${machine.cores} cores. Ratios are against direct stdio to server-everything in the same run.\n`;
  writeFileSync(join(root, 'bench/results/latest.md'), `${head}\n${table}\n`);
}

function render(all: readonly Row[]): string {
  const format = (value: number | undefined) =>
    value === undefined ? '' : value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
  const lines = all.map((row) => {
    const ratio = row.ratio === undefined ? '' : `${row.ratio.toFixed(2)} ×`;
    const direct = row.direct === undefined ? '' : `${format(row.direct)} ${row.unit}`;
    return `| ${row.what} | ${direct} | ${format(row.ours)} ${row.unit} | ${ratio} | ${row.goal} | ${row.isReached ? 'yes' : 'no'} |`;
  });
  return [
    '| what | direct | through mcp-proxy | ratio | goal | reached |',
    '| --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}
