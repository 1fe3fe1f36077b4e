import { resolve } from 'node:path';
import type { TokensReport } from '../../link/control.ts';
import type { Command, CommandContext } from '../command.ts';
import { takePositionals } from '../positionals.ts';
import { shortPath } from '../render/format.ts';
import { renderTable } from '../render/table.ts';
import { wrapText } from '../render/text-width.ts';
import { type CountTokens, openTokenizer } from '../tokenizer.ts';

const usage = 'tokens [--project DIR] [--json]';

/** o200k_base over the 30 recorded results of the tests (`npm run bench:tokens` prints it). */
const resultBytesPerToken = 4.1;
/** As Claude Code names them before the model asks for one. */
const hostPrefix = 'mcp__plugin_mcp-proxy_s__';

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
    /** Of all results so far, as given. */
    resultTokens: number;
    savedTokens: number;
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
    if (args.has('json')) terminal.print(JSON.stringify(counted, null, 2));
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
        resultTokens: Math.round(results.sentBytes / resultBytesPerToken),
        savedTokens: Math.round((results.bytes - results.sentBytes) / resultBytesPerToken),
      };
    }),
  };
}

function pick({ tools, tokens, deferred }: { tools: number; tokens: number; deferred: number }, isDeferred: boolean) {
  return { tools, tokens: isDeferred ? deferred : tokens };
}

function methodOf(isExact: boolean): string {
  const definitions = isExact
    ? 'Definitions: name, description and argument schema of each tool as JSON, counted with o200k_base; other models count some percent more or less.'
    : 'Definitions: ESTIMATED at four characters a token, because the vocabulary file (dist/o200k.br) is missing beside this program.';
  return `${definitions} Claude Code gives its model only the names until it asks for a tool. Results: ESTIMATED at ${resultBytesPerToken} bytes a token, as counted over recorded results of real servers; pictures and sound not counted.`;
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
    { header: 'NOT SENT', align: 'right' as const },
  ];
  const rows = counted.sessions.map((one) => [
    ...[shortPath(one.projectRoot, home), one.client, one.mode, number(one.definitionTokens), number(one.calls)],
    ...[`~${number(one.resultTokens)}`, one.savedTokens === 0 ? '' : `~${number(one.savedTokens)}`],
  ]);
  terminal.print(...renderTable(sessionColumns, rows, options), '', ...wrapText(counted.method, terminal.width));
}
