import { join } from 'node:path';
import { plainLine, visibleJson } from '../../base/plain-text.ts';
import { serverSlug } from '../../config/server-name.ts';
import { badArgument, takePositionals } from '../args.ts';
import type { Command } from '../command.ts';
import { getConfigured, readConfigured } from '../configured.ts';
import { followLines, lastLines } from '../log-file.ts';
import { shortPath } from '../render/format.ts';
import { logLine } from '../render/log-line.ts';

const usage = 'logs [server] [-n COUNT] [-f] [--json]';
/** About a screen. */
const defaultCount = 50;

export const logs: Command = {
  usage: [usage],
  about: "Shows the end of the daemon's log, or with a name what that server wrote to stderr. Starts nothing.",
  options: [
    { long: 'lines', short: 'n', value: 'COUNT', help: `How many lines (default ${defaultCount})` },
    { long: 'follow', short: 'f', help: 'Go on with what comes, until Ctrl-C' },
    { long: 'json', help: "The daemon's lines as they stand in the file" },
  ],
  examples: [
    { line: 'logs -f', does: 'Watch the daemon' },
    { line: 'logs memory -n 200', does: 'The last 200 lines of the server "memory"' },
  ],
  run: async (context, args) => {
    const [name] = takePositionals(args, ['server?'], usage);
    const { terminal, locations, home, invocation } = context;
    const count = readCount(args.value('lines'));
    if (args.has('follow') && invocation.isForSkill) throw badArgument('-f never ends.', 'Run it in a terminal.');
    if (name !== undefined) ensureKnown(context, name);
    const path = name === undefined ? locations.logPath : join(locations.serverLogsDir, `${serverSlug(name)}.log`);
    // Both before the terminal's own escape: JSON stays JSON, and a tab of a stack trace is no character to show.
    const plain = args.has('json') ? visibleJson : plainLine;
    const show = name === undefined && !args.has('json') ? (line: string) => logLine(line, terminal.paint) : plain;
    const found = lastLines(path, count);
    if (found.lines.length > 0) terminal.print(...found.lines.map(show));
    else terminal.note(`Nothing was written yet: ${shortPath(path, home)}`);
    if (args.has('follow')) {
      await followLines({ path, from: found.end, onLines: (lines) => terminal.print(...lines.map(show)) });
    }
    return 0;
  },
};

function readCount(text: string | undefined): number {
  if (text === undefined) return defaultCount;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw badArgument(`-n takes a number of lines, not ${JSON.stringify(text)}.`);
}

/** A typo must not look like a silent server; a broken config must not hide the log. */
function ensureKnown(context: Parameters<typeof readConfigured>[0], name: string): void {
  let configured: ReturnType<typeof readConfigured>;
  try {
    configured = readConfigured(context);
  } catch {
    return; // the log may tell what is wrong with it
  }
  if (!configured.invalid.some((server) => server.name === name)) getConfigured(configured, name);
}
