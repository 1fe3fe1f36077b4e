import { resolve } from 'node:path';
import type { TokensReport } from '../../link/control.ts';
import { takePositionals } from '../args.ts';
import type { Command, CommandContext } from '../command.ts';
import { shortPath } from '../render/format.ts';
import { renderTable } from '../render/table.ts';
import { wrapText } from '../render/text-width.ts';
import { type CountTokens, openTokenizer } from '../tokenizer.ts';

const usage = 'tokens [--project DIR] [--json]';

/** o200k_base over the 30 recorded results of the tests (`npm run bench:tokens` prints it). */
const usualBytesPerToken = 4.1;
/** Fewer bytes say more about their own words than about what else was sent. */
const minSampleBytes = 512;
/** As Claude Code names them before the model asks for one. */
const hostPrefix = 'mcp__plugin_mcp-proxy_s__';

type Results = TokensReport['sessions'][number]['results'];

type Counted = {
  method: string;
  isExact: boolean;
  projectRoot: string;
  modes: { mode: string; tools: number; tokens: number }[];
  servers: { server: string; tools: number; tokens: number }[];
  sessions: {
    id: string;
    client: string;
    projectRoot: string;
    mode: string;
    reason: string;
    tools: number;
    /** In every request of the session. */
    definitionTokens: number;
    calls: number;
    /** Of all answers to its calls so far, as given; what they are made of is below. */
    resultTokens: number;
    sentTokens: Results['sent'];
    /** Of what servers answered, what the session was not given; less what it read back and what its jobs cost. */
    savedTokens: number;
    bytesPerToken: number;
    /** From a sample of this session's own answers. */
    isMeasured: boolean;
  }[];
};

export const tokens: Command = {
  usage: [usage],
  about:
    'Counts what the definitions of the tools cost a model in every request, for each mode, server and open session, and what the results of each session have cost so far. Starts nothing.',
  options: [
    { long: 'project', value: 'DIR', help: 'For sessions in this folder (default: the one you are in)' },
    { long: 'json', help: 'For programs' },
  ],
  examples: [{ line: 'tokens', does: 'What your tools cost in each mode' }],
  run: async (context, args) => {
    takePositionals(args, [], usage);
    const { daemon, terminal, cwd } = context;
    const client = await terminal.progress('Asking the daemon', () => daemon.find());
    if (!client) {
      terminal.print(context.hint('No daemon runs; open a session, or run: mcp-proxy start'));
      return 1;
    }
    const report = await client.tokens({ projectDir: resolve(cwd, args.value('project') ?? '.') });
    const counted = countReport(report, openTokenizer(context.installRoot));
    if (args.has('json')) terminal.json(counted);
    else print(context, counted);
    return 0;
  },
};

function countReport(report: TokensReport, exact: CountTokens | undefined): Counted {
  const count = exact ?? ((text: string) => Math.round(text.length / 4));
  const lists = new Map(
    Object.entries(report.lists).map(([key, { tools, names, text }]) => {
      const deferred = count(names.map((name) => hostPrefix + name).join('\n'));
      return [key, { tools, deferred, tokens: count(text) }];
    }),
  );
  const listOf = (key: string) => lists.get(key) ?? { tools: 0, tokens: 0, deferred: 0 };
  const all = report.modes.find(({ mode }) => mode === 'all');
  const names = { mode: 'all, names only (Claude Code)', ...pick(listOf(all?.list ?? ''), true) };
  return {
    isExact: exact !== undefined,
    method: methodOf(exact !== undefined),
    projectRoot: report.projectRoot,
    modes: [...report.modes.map(({ mode, list }) => ({ mode, ...pick(listOf(list), false) })), names],
    servers: report.servers
      .map(({ server, tools, text }) => ({ server, tools, tokens: count(text) }))
      .sort((a, b) => b.tokens - a.tokens),
    sessions: report.sessions.map(({ id, client = '', projectRoot, mode, reason, list, results }) => {
      const isDeferred = client === 'claude-code' && mode === 'all';
      const { tools, tokens } = pick(listOf(list), isDeferred);
      return {
        ...{ id, client, projectRoot, mode, reason, tools, definitionTokens: tokens, calls: results.count },
        ...countResults(results, exact),
      };
    }),
  };
}

function countResults({ bytes, sent, sample }: Results, count: CountTokens | undefined) {
  const isMeasured = count !== undefined && sample !== undefined && sample.bytes >= minSampleBytes;
  const sampled = isMeasured ? sample.pieces.reduce((sum, piece) => sum + count(piece), 0) : 0;
  const bytesPerToken = isMeasured ? sample.bytes / sampled : usualBytesPerToken;
  const tokensOf = (size: number): number => Math.round(size / bytesPerToken);
  const { results, fetched, searches, jobs } = sent;
  return {
    resultTokens: tokensOf(results + fetched + searches + jobs),
    sentTokens: {
      ...{ results: tokensOf(results), fetched: tokensOf(fetched) },
      ...{ searches: tokensOf(searches), jobs: tokensOf(jobs) },
    },
    savedTokens: tokensOf(bytes - results - fetched - jobs),
    bytesPerToken: Math.round(bytesPerToken * 100) / 100,
    isMeasured,
  };
}

function pick({ tools, tokens, deferred }: { tools: number; tokens: number; deferred: number }, isDeferred: boolean) {
  return { tools, tokens: isDeferred ? deferred : tokens };
}

function methodOf(isExact: boolean): string {
  const definitions = isExact
    ? 'Definitions: name, description and argument schema of each tool as JSON, counted with o200k_base; other models count some percent more or less.'
    : 'Definitions: ESTIMATED at four characters a token, because the vocabulary file (dist/o200k.br) is missing beside this program.';
  const sample = isExact
    ? `a random sample of up to 16 KiB of what that session was sent, which the daemon holds in memory alone (${usualBytesPerToken}, as over recorded results of real servers, where there is too little)`
    : `recorded results of real servers (${usualBytesPerToken})`;
  return `${definitions} Claude Code gives its model only the names until it asks for a tool. Results: ESTIMATED from their bytes, at the bytes a token takes in ${sample}; pictures and sound not counted. READ BACK: parts of shortened results that were asked for again. SEARCHES: finding and describing tools. JOBS: their states and results. NOT SENT: what servers answered, less RESULTS, READ BACK and JOBS.`;
}

function print({ terminal, home }: CommandContext, counted: Counted): void {
  const options = { width: terminal.width, paint: terminal.paint, indent: '  ' };
  const number = (value: number) => value.toLocaleString('en-US');
  const columns = (first: string) => [
    { header: first, shrinkTo: 16 },
    { header: 'TOOLS', align: 'right' as const },
    { header: 'TOKENS', align: 'right' as const },
  ];
  const row = (name: string, { tools, tokens }: { tools: number; tokens: number }) => [
    name,
    number(tools),
    number(tokens),
  ];
  const title = (text: string) => terminal.paint('bold', text);
  terminal.print(
    title(`Definitions in every request, ${shortPath(counted.projectRoot, home) || 'without a project'}`),
    ...renderTable(
      columns('MODE'),
      counted.modes.map((one) => row(one.mode, one)),
      options,
    ),
    '',
    title('Definitions by server'),
    ...renderTable(
      columns('SERVER'),
      counted.servers.map((one) => row(one.server, one)),
      options,
    ),
    '',
    title(`Sessions (${counted.sessions.length})`),
  );
  const sessionColumns = [
    { header: 'PROJECT', shrinkTo: 12, cutFrom: 'start' as const },
    { header: 'CLIENT', shrinkTo: 8 },
    { header: 'MODE' },
    { header: 'DEFINITIONS', align: 'right' as const },
    { header: 'CALLS', align: 'right' as const },
    { header: 'RESULTS', align: 'right' as const },
    { header: 'READ BACK', align: 'right' as const },
    { header: 'SEARCHES', align: 'right' as const },
    { header: 'JOBS', align: 'right' as const },
    { header: 'NOT SENT', align: 'right' as const },
  ];
  const about = (value: number) => (value === 0 ? '' : `~${number(value)}`);
  const rows = counted.sessions.map((one) => [
    ...[shortPath(one.projectRoot, home), one.client, one.mode, number(one.definitionTokens), number(one.calls)],
    ...[one.sentTokens.results, one.sentTokens.fetched, one.sentTokens.searches, one.sentTokens.jobs].map(about),
    about(one.savedTokens),
  ]);
  terminal.print(...renderTable(sessionColumns, rows, options), '', ...wrapText(counted.method, terminal.width));
}
