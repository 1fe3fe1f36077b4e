// What a verb is. One file per verb in commands/ exports one of these; command-table.ts names them all.
import type { Environment, Locations } from '../link/locations.ts';
import type { ArgsSpec, OptionSpec, ParsedArgs } from './args.ts';
import type { DaemonAccess } from './daemon-access.ts';
import type { Invocation } from './invocation.ts';
import type { Terminal } from './render/terminal.ts';

/** 0 done, 1 failed, 2 called wrongly (thrown as BAD_ARGUMENT). */
export type ExitCode = 0 | 1;

export type CommandContext = {
  env: Environment;
  cwd: string;
  home: string;
  terminal: Terminal;
  locations: Locations;
  invocation: Invocation;
  /** Turns `mcp-proxy <verb>` in a text into what the reader can type. */
  hint: (text: string) => string;
  daemon: DaemonAccess;
  /** Folder of the installed plugin or version: holds bin/, dist/ and examples/. */
  installRoot: string;
  /** This program's file, links resolved. */
  bundlePath: string;
  /** Ctrl-C and SIGTERM. */
  signal: AbortSignal;
  now: () => number;
  readStdin: () => Promise<string>;
};

export type Command = {
  /** Forms, each without the program's name: `logs [server] [-f]`. */
  usage: readonly string[];
  /** What it does, beyond the one line of the table. */
  about: string;
  options: readonly OptionSpec[];
  isPassThrough?: ArgsSpec['isPassThrough'];
  /** Ctrl-C and SIGTERM only abort `context.signal`, and the command ends by itself; else they end the program at once. */
  ownsInterrupt?: true;
  /** Command lines that work, without the program's name, and what they do. */
  examples: readonly { line: string; does: string }[];
  run: (context: CommandContext, args: ParsedArgs) => Promise<ExitCode>;
};

/** One row of command-table.ts. */
export type Verb = {
  name: string;
  summary: string;
  /** Loaded when the verb is used, so that `--version` need not read the config schema. */
  load: () => Promise<Command>;
};
