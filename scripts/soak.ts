// `npm run soak [-- growth neighbours]`: what takes too long for the gate, against the released programs in homes of
// their own. Growth: 10,000 sessions opened and closed, 1,000 restarts of a server's copy. Neighbours: what each kind of
// misbehaving server costs the calls of another. Writes bench/results/soak-*.md. Exit code 1: a bound is missed.
import './define-globals.ts';

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

import { root } from './build-defines.ts';
import { measureGrowth } from './soak-growth.ts';
import { measureNeighbours } from './soak-neighbours.ts';
import { render, type Table } from './soak-table.ts';

const soaks: Record<string, () => Promise<Table>> = { growth: measureGrowth, neighbours: measureNeighbours };

const wanted = process.argv.slice(2);
const isShortened = Object.keys(process.env).some((name) => name.startsWith('MCP_PROXY_SOAK_'));
const { version }: { version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
for (const [name, soak] of Object.entries(soaks)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const table = await soak();
  if (!table.isReached) process.exitCode = 1;
  const measured = `Measured ${new Date().toISOString().slice(0, 10)} with version ${version}, Node ${process.version.slice(1)}, ${cpus().length} cores, by \`npm run soak -- ${name}\`.`;
  const text = `${measured}\n\n${render(table)}\n`;
  console.log(text);
  // A shorter run is for whoever works on it.
  if (isShortened) continue;
  mkdirSync(join(root, 'bench/results'), { recursive: true });
  writeFileSync(join(root, 'bench/results', `soak-${name}.md`), text);
}
