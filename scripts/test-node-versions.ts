// `npm run test:node-versions`: what programs, hosts and remote servers see of the product, on each Node that it is tested
// with. The line of the Node that runs this is left out: there `npm test` runs everything.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { $ } from 'zx';
import { fetchNode } from '../test/support/fetched-package.ts';
import { failedListVariable } from '../test/support/plain-summary.ts';
import { root } from './build-defines.ts';
import { lineOf, testedNodes } from './tested-nodes.ts';

/** Beginnings of paths: where the lines of Node differ is their HTTP, their streams and how programs start. */
const files = [
  'test/unit/daemon/mcp-http/',
  'test/integration/http-',
  'test/integration/modern-downstream',
  'test/integration/modern-gateway',
  'test/integration/modern-headers',
  'test/integration/modes-http-clients',
  'test/integration/subscriptions',
  'test/integration/tasks',
  'test/integration/upstream-http',
  'test/integration/upstream-sse-ws',
  'test/integration/wrapper-daemon-client',
  'test/integration/wrapper-hooks',
];

type Outcome = { version: string; seconds: number; ok: boolean; failed: string[] };

$.verbose = false;
$.cwd = root;
if (process.env['MCP_PROXY_TEST_BUILT'] !== '1')
  await $({ stdio: ['ignore', 'ignore', 'inherit'] })`tsx scripts/build.ts`;
const others = testedNodes.filter((version) => lineOf(version) !== lineOf(process.version));
// At the same time: each of them waits for most of its time.
const outcomes = await Promise.all(others.map(async (version) => run(version, await fetchNode(version))));
console.log(`\nNode ${lineOf(process.version)} is this one (${process.version}): \`npm test\` runs everything there.`);
for (const { version, seconds, ok, failed } of outcomes) {
  console.log(
    `Node ${version}: ${ok ? 'passed' : 'FAILED'} in ${seconds} s${failed.map((file) => `\n  ${file}`).join('')}`,
  );
}
process.exitCode = outcomes.every(({ ok }) => ok) ? 0 : 1;

async function run(version: string, node: string): Promise<Outcome> {
  const scratch = mkdtempSync(path.join(tmpdir(), 'mcp-proxy-node-'));
  const list = path.join(scratch, 'failed.json');
  const env = {
    ...process.env,
    // What the tests start by name is that Node too.
    PATH: `${path.dirname(node)}${path.delimiter}${process.env['PATH'] ?? ''}`,
    MCP_PROXY_TEST_BUILT: '1',
    VITEST_MAX_WORKERS: '2',
    [failedListVariable]: list,
  };
  const started = performance.now();
  try {
    const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
    const projects = ['--project', 'unit', '--project', 'integration'];
    const { exitCode, stdall } = await $({ nothrow: true, env })`${node} ${vitest} run ${projects} ${files}`;
    console.log(`\n== Node ${version}\n${stdall}`);
    const seconds = Math.round((performance.now() - started) / 1_000);
    return { version, seconds, ok: exitCode === 0, failed: exitCode === 0 ? [] : readList(list) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function readList(file: string): string[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return []; // it failed as a whole
  }
}
