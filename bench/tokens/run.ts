// npm run bench:tokens: what the definitions of twelve real servers cost a model in each mode, and what the way to a tool
// costs where it must be found first. Counted with o200k_base over what hosts hand to a model: name, description, schema.
import { root } from '../../scripts/build-defines.ts';
import { openTokenizer } from '../../src/cli/tokenizer.ts';
import { gatewayTools } from '../../src/gateway/tools/gateway-tools.ts';
import { gatewayGetResult } from '../../src/gateway/tools/get-result.ts';
import { retrieveTools } from '../../src/gateway/tools/retrieve-tools.ts';
import { shieldResult } from '../../src/results/shield.ts';
import { defaultShieldPolicy } from '../../src/results/shrink.ts';
import { createToolIndex } from '../../src/search/tool-index.ts';
import { readPackedText } from '../../test/support/packed-json.ts';
import { type CatalogServer, loadCatalog } from '../search/corpus.ts';

/** What a developer's sessions have open: browser, files, git, memory, search, documents, packages. */
const names = [
  ...['playwright', 'desktop-commander', 'filesystem', 'git', 'memory', 'basic-memory'],
  ...['npm-sentinel-mcp', 'searxng', 'wikipedia', 'hackernews', 'mcp-server-chart', 'excel'],
];
const task = 'read the file package.json, check which of its dependencies have known vulnerabilities and commit a fix';

type Definition = { name: string; description?: string | null | undefined; inputSchema?: unknown };

const counter = openTokenizer(root);
if (!counter) throw new Error('dist/o200k.br is missing: npm run build');
const count = counter;
const print = (line = ''): void => void process.stdout.write(`${line}\n`);
const shown = ({ name, description, inputSchema }: Definition) => ({ name, description, input_schema: inputSchema });
const cost = (tools: readonly Definition[]) => count(JSON.stringify(tools.map(shown)));
const qualified = ({ server, tools }: CatalogServer) =>
  tools.map((tool) => ({ ...tool, name: `${server}__${tool.name}` }));

const servers = names.map((name) => {
  const found = loadCatalog().find(({ server }) => server === name);
  if (!found) throw new Error(`${name} is not in the catalog`);
  return found;
});
const all = servers.flatMap(qualified);
const index = createToolIndex();
for (const { server, tools, description } of servers) index.set(server, tools, description);
const found = (limit: number) => {
  const ids = new Set(index.search(task, { limit }).map(({ server, name }) => `${server}__${name}`));
  return all.filter(({ name }) => ids.has(name));
};
const hits = index
  .search(task, { limit: 10 })
  .map(({ server, name, ...hit }) => ({ id: `${server}__${name}`, ...hit }));

print(`${servers.length} servers, ${all.length} tools, o200k_base, Node ${process.version}\n`);
print('server                tools   tokens');
for (const server of servers) {
  const tokens = cost(qualified(server));
  print(`${server.server.padEnd(20)} ${String(server.tools.length).padStart(6)} ${String(tokens).padStart(8)}`);
}
const total = cost(all);
const rows: [string, number, number][] = [
  ['all', all.length, total],
  [
    'all, names only (Claude Code until it asks)',
    all.length,
    count(all.map(({ name }) => `mcp__plugin_mcp-proxy_s__${name}`).join('\n')),
  ],
  ['gateway', gatewayTools.length, cost(gatewayTools)],
  ['dynamic, at first', 2, cost([retrieveTools, gatewayGetResult])],
  ['dynamic, after one search', 12, cost([retrieveTools, gatewayGetResult, ...found(10)])],
  ['dynamic, pool full (the best 50)', 52, cost([retrieveTools, gatewayGetResult, ...found(50)])],
];
print('\nin every request                                  tools   tokens   of all');
for (const [mode, tools, tokens] of rows) print(row(mode, tools, tokens));

print(`\nonce for a task ("${task.slice(0, 40)}…"), beside the calls themselves`);
const described = found(3).map(({ name, description, inputSchema }) => ({ id: name, description, inputSchema }));
const search = count(JSON.stringify({ query: task })) + count(JSON.stringify({ tools: hits }));
print(row('gateway_search, ten hits', hits.length, search));
print(row('gateway_describe, three of them', described.length, count(JSON.stringify({ tools: described }))));

const recorded: { result: unknown }[] = JSON.parse(
  readPackedText(`${root}/test/fixtures/tool-results/recorded.json.br`),
);
const texts = recorded.map(({ result }) => textsOf(result));
const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(JSON.stringify(text)), 0);
const whole = texts.reduce((sum, text) => sum + count(text), 0);
const short = recorded.reduce((sum, { result }) => {
  const shielded = shieldResult(result, defaultShieldPolicy, { put: () => 'A'.repeat(22) }).result;
  return sum + count(textsOf(shielded));
}, 0);
print(
  `\n${recorded.length} recorded results: ${whole} tokens (${(bytes / whole).toFixed(2)} bytes a token), shortened ${short}`,
);

function row(name: string, tools: number, tokens: number): string {
  const share = `${((tokens / total) * 100).toFixed(1)} %`;
  return `${name.padEnd(46)} ${String(tools).padStart(8)} ${String(tokens).padStart(8)} ${share.padStart(8)}`;
}

function textsOf(result: unknown): string {
  const content = typeof result === 'object' && result !== null && 'content' in result ? result.content : [];
  const blocks: unknown[] = Array.isArray(content) ? content : [];
  return blocks
    .map((block) => (typeof block === 'object' && block && 'text' in block ? String(block.text) : ''))
    .join('\n');
}
