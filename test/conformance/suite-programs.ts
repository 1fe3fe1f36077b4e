// The official suite and a Node that runs it (its imports need 22), fetched once into the ignored cache.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../../scripts/build-defines.ts';

export const suiteVersion = '0.2.0-alpha.12';
const nodeVersion = '22.23.3';

export type SuitePrograms = { node: string; suite: string };

const caches = join(root, 'node_modules/.cache/mcp-proxy');
const cache = join(caches, `conformance-${suiteVersion}`);

export async function fetchSuite(): Promise<SuitePrograms> {
  const own = Number(process.versions.node.split('.')[0]);
  const nodePackage = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const node = own >= 22 ? process.execPath : join(cache, 'node_modules', nodePackage, 'bin/node');
  const suite = join(cache, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
  if (existsSync(node) && existsSync(suite)) return { node, suite };
  mkdirSync(caches, { recursive: true });
  const scratch = mkdtempSync(join(caches, 'fetch-'));
  writeFileSync(join(scratch, 'package.json'), '{ "private": true }\n');
  const wanted = [`@modelcontextprotocol/conformance@${suiteVersion}`];
  if (own < 22) wanted.push(`${nodePackage}@${nodeVersion}`);
  // No install scripts: both are complete as they are.
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  try {
    await promisify(execFile)('npm', ['install', ...flags, ...wanted], { cwd: scratch, timeout: 300_000 });
    // What another Node left half fetched is of no use.
    rmSync(cache, { recursive: true, force: true });
    renameSync(scratch, cache);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return { node, suite };
}
