import { setMaxListeners } from 'node:events';
import { describeError } from '../../base/errors.ts';
import { takePositionals } from '../args.ts';
import type { Command, CommandContext, ExitCode } from '../command.ts';
import { createDaemonAccess } from '../daemon-access.ts';
import { compare, comparisonLines } from '../demo/comparison.ts';
import type { McpSession } from '../demo/mcp-session.ts';
import { createStarted, findProcessesOf } from '../demo/processes.ts';
import { createDemoReport } from '../demo/report.ts';
import { createScratch } from '../demo/scratch.ts';
import {
  addServer,
  type Demo,
  firstServers,
  milliseconds,
  openSessions,
  rememberDaemon,
  share,
  survive,
} from '../demo/story.ts';
import { plural } from '../render/format.ts';

export const demo: Command = {
  usage: ['demo'],
  about:
    'Opens three sessions on the real daemon in a scratch folder with two small example servers, adds a server while they run, kills a server and the daemon, and measures what sharing saves. Needs Node and nothing else, touches no file of yours, leaves nothing behind, takes under 20 seconds.',
  options: [],
  examples: [{ line: 'demo', does: 'See what it does before you use it' }],
  ownsInterrupt: true,
  run: (context, args) => {
    takePositionals(args, [], 'demo');
    return runDemo(context);
  },
};

async function runDemo(context: CommandContext): Promise<ExitCode> {
  const { terminal, signal } = context;
  const startedAt = performance.now();
  const scratch = createScratch(context.env, context.installRoot);
  const stage: Demo = {
    scratch,
    started: createStarted(),
    daemon: createDaemonAccess({ env: scratch.env, bundlePath: scratch.wrapperPath }),
    report: createDemoReport(terminal),
    signal,
  };
  const sessions: McpSession[] = [];
  setMaxListeners(0, signal); // each of a dozen programs listens
  terminal.print(
    terminal.paint('bold', 'Many sessions, one set of servers'),
    'The real daemon and wrapper with two example servers, in a folder of their own:',
    scratch.folder,
  );
  let isDone = false;
  try {
    await play(stage, sessions, terminal);
    isDone = true;
  } catch (error) {
    stage.report.failed(signal.aborted ? 'interrupted' : describeError(error));
  }
  const isClean = await cleanUp(stage, sessions);
  const isGood = isDone && isClean;
  const took = milliseconds(performance.now() - startedAt);
  terminal.print('', isGood ? `Done in ${took}.` : terminal.paint('red', `The demo failed after ${took}.`));
  if (isGood) terminal.print(context.hint('Share the servers of your own sessions: mcp-proxy migrate plan'));
  return isGood ? 0 : 1;
}

async function play(stage: Demo, sessions: McpSession[], terminal: CommandContext['terminal']): Promise<void> {
  stage.scratch.writeConfig(firstServers(stage.scratch));
  const cast = await openSessions(stage, (session) => sessions.push(session));
  await share(stage, cast);
  await addServer(stage, cast);
  await survive(stage, cast);
  stage.report.title('What it costs, measured now');
  const comparison = await compare(stage, cast);
  stage.report.lines(...comparisonLines(comparison, terminal.width - 3, terminal.paint));
}

/** The daemon and its servers need a moment to end in order; after this they are ended, which counts as a failure. */
const endPatienceMs = 6_000;

/** Whether everything ended by itself. Never throws: it also runs after a failure and after Ctrl-C. */
async function cleanUp(stage: Demo, sessions: readonly McpSession[]): Promise<boolean> {
  const { scratch, started, report, daemon } = stage;
  report.title('Nothing is left behind');
  for (const pid of findProcessesOf(scratch.folder)) started.add(pid);
  rememberDaemon(stage);
  await Promise.allSettled(sessions.map((session) => session.close()));
  try {
    await (await daemon.find())?.drain({ force: true });
  } catch {
    // it is gone or does not answer: ended below
  }
  for (const pid of findProcessesOf(scratch.folder)) started.add(pid);
  const forced = await started.end(endPatienceMs);
  try {
    scratch.remove();
  } catch (error) {
    report.failed(`${scratch.folder} could not be removed: ${describeError(error)}`);
    return false;
  }
  const summary = `${plural(started.count(), 'process', 'processes')} ended, the folder is removed`;
  if (forced === 0) report.done(summary);
  else report.failed(`${summary}, but ${forced} of them had to be killed`);
  return forced === 0;
}
