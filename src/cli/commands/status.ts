import { loadConfig } from '../../config/load.ts';
import { badArgument, takePositionals } from '../args.ts';
import type { Command, CommandContext } from '../command.ts';
import { problemLines, readerOf } from '../render/reader.ts';
import { type Absent, absentText, statusText } from '../render/status-text.ts';
import { type FoundStatus, findStatus } from '../running.ts';

/** Often enough to see something move, rare enough to cost nothing. */
const watchEveryMs = 1_000;

export const status: Command = {
  usage: ['status [--json] [--watch]'],
  about:
    'Shows the daemon, the sessions that use it, the servers with their state, sharing and memory, and what was saved against one copy for each session. Memory is PSS (a page used by several processes is divided among them); "rss" marks figures of systems that have no PSS. Starts nothing.',
  options: [
    { long: 'json', help: 'For programs; with --watch one line for each look' },
    { long: 'watch', short: 'w', help: 'Look again every second until Ctrl-C' },
  ],
  examples: [
    { line: 'status', does: 'What runs now' },
    { line: 'status --json', does: 'The same for a program' },
  ],
  run: async (context, args) => {
    takePositionals(args, [], 'status [--json] [--watch]');
    const isJson = args.has('json');
    if (!args.has('watch')) {
      const found = await findStatus(context);
      if (isJson) context.terminal.json(forPrograms(context, found));
      else context.terminal.print(...textOf(context, found));
      return found.problem ? 1 : 0;
    }
    if (context.invocation.isForSkill) throw badArgument('--watch never ends.', 'Run it in a terminal.');
    return watch(context, isJson);
  },
};

async function watch(context: CommandContext, isJson: boolean): Promise<0> {
  for (;;) {
    const found = await findStatus(context);
    if (isJson) context.terminal.json(forPrograms(context, found), 0);
    else context.terminal.redraw(textOf(context, found));
    await new Promise((resolve) => setTimeout(resolve, watchEveryMs));
  }
}

function textOf(context: CommandContext, { status: report, problem }: FoundStatus): string[] {
  const reader = readerOf(context);
  if (report) return statusText(report, reader);
  if (problem) {
    const { message, hint } = problem;
    return [
      'Daemon  does not answer',
      ...problemLines({ code: problem.code, message, ...(hint ? { hint } : {}) }, reader),
    ];
  }
  return absentText(absentFacts(context), reader);
}

function absentFacts({ locations, env }: CommandContext): Absent {
  const result = loadConfig({ locations, env });
  const facts = { configPath: locations.configPath, configured: 0, disabled: 0, hasConfig: true };
  if (!result.ok) return { ...facts, problem: result.problem };
  const { servers } = result.config;
  return {
    ...facts,
    hasConfig: result.exists,
    configured: servers.length + result.invalid.length,
    disabled: servers.filter((server) => !server.enabled).length,
    ...(result.invalid[0] ? { problem: result.invalid[0].problem } : {}),
  };
}

function forPrograms(context: CommandContext, { status: report, problem }: FoundStatus): unknown {
  if (report) return { running: true, ...report };
  if (problem) return { running: true, problem: { code: problem.code, message: problem.message } };
  return { running: false, config: absentFacts(context) };
}
