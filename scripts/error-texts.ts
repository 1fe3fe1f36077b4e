// What each error code means and what helps, for docs/errors.md. Not in src: no program needs to carry it.
import type { ErrorCode } from '../src/base/errors.ts';

export type ErrorText = { means: string; helps: string };

export const errorTexts: Readonly<Record<ErrorCode, ErrorText>> = {
  BAD_ARGUMENT: {
    means: 'A command, name or request body cannot be understood.',
    helps: 'The message names the argument and what is possible.',
  },
  CALL_REFUSED: {
    means:
      'The server answered a call of the command line or the control API with an error of the protocol; its words are the message.',
    helps: 'Correct what it names, which is mostly the tool or its arguments.',
  },
  CALL_TIMEOUT: {
    means:
      'The server did not answer the call within the `timeoutMs` of its entry. The call was cancelled and may have taken effect.',
    helps:
      'Check its effect before you repeat it. Raise `timeoutMs` if the server needs longer; without it only the limit of the calling program counts.',
  },
  CONFIG_CONFLICT: {
    means: 'The config file was changed by somebody else while a command changed it; nothing was written.',
    helps: 'Run the command again.',
  },
  CONFIG_INVALID: {
    means: 'The configuration has an error; file, line, column and key are in the message.',
    helps: 'Correct that place. Until then the last good configuration stays, and the other servers work.',
  },
  CONFIG_UNREADABLE: {
    means:
      'The config file or the `env` file cannot be read, is no regular file (a pipe, a device, a folder) or is too large, or others may read the `env` file.',
    helps: 'Set owner and mode: `chmod 600 <file>`; put a plain file in its place.',
  },
  CONFIG_UNSAFE: {
    means: 'The config file is a link that leads out of your home, so it is not written.',
    helps: 'Edit the target by hand, or replace the link by a file.',
  },
  DAEMON_BUSY: {
    means: 'The daemon is there but did not answer in time. It is never killed for that.',
    helps: 'Wait; if it stays so: `mcp-proxy restart --force`.',
  },
  DAEMON_GONE: {
    means: 'The daemon ended while a call was under way; the message says whether the call may have run.',
    helps: 'Check the effect of the call, then call again. A new daemon starts by itself.',
  },
  DAEMON_HUNG: {
    means:
      'The daemon has not answered for long, and its process does not run: it was stopped by a signal or is stuck in the kernel.',
    helps: '`mcp-proxy restart --force` ends exactly that process and starts a new daemon.',
  },
  DAEMON_REFUSED: {
    means: 'The endpoint exists but may not be used: another owner, missing rights.',
    helps: 'The message names the path and the right that is missing.',
  },
  DAEMON_START_FAILED: {
    means: 'The daemon ended before it was ready; the last lines it wrote are in the message.',
    helps: 'Correct what they name, then `mcp-proxy doctor`.',
  },
  DAEMON_UNFIT: {
    means: 'The running daemon speaks another protocol version than this program.',
    helps: 'Close the other sessions, or `mcp-proxy restart`.',
  },
  DEMO_FAILED: {
    means: 'The demonstration could not be run to its end.',
    helps: 'The message names the step.',
  },
  DIRECTORY_UNSAFE: {
    means: 'A private folder is a link, belongs to somebody else or can be written by others.',
    helps: 'The command in the hint sets owner or mode.',
  },
  FILE_CHANGED: {
    means:
      "Another program wrote a client's file while we were about to, or put a link, a pipe or a folder in its place.",
    helps: 'Nothing of it was lost. Run the command again.',
  },
  INPUT_REFUSED: {
    means: 'A server asked for something in the middle of a call (a form, the model, the roots) and did not get it.',
    helps: 'The message says why; call again and answer it, or call from a program that can.',
  },
  INTERNAL: {
    means: 'A defect of mcp-proxy: the request failed inside of it.',
    helps: '`mcp-proxy logs` says where. Report it.',
  },
  JOB_LIMIT: {
    means: 'This session already has as many running jobs as it may.',
    helps: 'Wait for one, or cancel one.',
  },
  JOB_UNKNOWN: {
    means: 'No job of this session has that id; finished jobs are kept for a while only.',
    helps: 'Check what it did before starting it again.',
  },
  LIST_FAILED: {
    means:
      'A server did not say which tools (prompts, resources) it has: it answered with an error, without a list, or not at all. What it said before stays.',
    helps:
      'It is asked again after pauses of a second to five minutes, and what it then lists appears by itself. `mcp-proxy restart <server>` asks at once; `mcp-proxy status` says since when and why.',
  },
  MESSAGE_INVALID: {
    means:
      'A server answered with what is no valid JSON-RPC message; nothing of it was passed on. The call may have taken effect.',
    helps: 'Correct the server; what it wrote begins in the message and in its log.',
  },
  MESSAGE_TOO_LARGE: {
    means: 'One message is longer than `daemon.maxMessageBytes`.',
    helps: 'Ask for less, or raise the limit.',
  },
  MIGRATION_BUSY: {
    means: 'Another migration runs at the same time; its process is named.',
    helps: 'Wait until it ends.',
  },
  MIGRATION_FAILED: {
    means: 'A change of client files could not be finished; the message says whether everything is as before.',
    helps: '`backups/RESTORE.md` lists the copies of every file.',
  },
  MIGRATION_REFUSED: {
    means: 'Something must hold before files are changed and does not; the message names it.',
    helps: 'Do what the message says, or leave that server out with `--only`.',
  },
  NODE_TOO_OLD: {
    means: 'Node.js 20 or newer is needed.',
    helps: 'Install it, then open a new session.',
  },
  NOTHING_TO_UNDO: {
    means: 'No change of that id is in force.',
    helps: '`mcp-proxy migrate history`.',
  },
  NOT_RUNNING: {
    means: 'No daemon runs; this command does not start one.',
    helps: 'Open a session, or `mcp-proxy start`.',
  },
  PATH_RELATIVE: {
    means:
      '`AITKIT_ROOT`, `MCPPROXY_DATA_DIR` or `MCPPROXY_CONFIG_PATH` is a relative path: another place in each project.',
    helps: 'Begin it with `/` or `~/`, or unset it.',
  },
  RESULT_UNKNOWN: {
    means: 'No stored result has this reference. References end with their session and after `shield.keepMs`.',
    helps: 'Call the tool again.',
  },
  SERVER_CRASHED: {
    means: 'The server ended by itself; its exit and last lines are in the message.',
    helps: 'It starts again with the next call. Its memory is lost.',
  },
  SERVER_DISABLED: {
    means: 'The server is switched off in the configuration or by a managed list.',
    helps: '`mcp-proxy enable <server>`.',
  },
  SERVER_EXISTS: {
    means: 'A server of that name, or one that differs only in case or punctuation, is there already.',
    helps: 'Choose another name, or remove the other.',
  },
  SERVER_FAILED: {
    means:
      'The server crashed again and again and is left alone for a while; a new session, or a call after a pause, tries once more. Or a remote server cannot be reached, broke the connection, or answered with what is no answer; the message says which.',
    helps:
      'Correct the cause in the message; `mcp-proxy restart <server>` tries at once. A call that a remote server may have run: check its effect before you repeat it.',
  },
  SERVER_HUNG: {
    means: "The server's process was stopped by a signal, or it answered nothing and did nothing for long.",
    helps:
      '`kill -CONT` with the pid in the message lets a stopped one go on. Otherwise it is ended (a stopped one after half a minute, one with calls under way after an hour), and the next call starts it anew.',
  },
  SERVER_NEEDS_LOGIN: {
    means: 'The remote server wants you to log in, or refused the credentials of its entry.',
    helps: 'Open the address in the message, or correct the header that it names.',
  },
  SERVER_NEEDS_PROJECT: {
    means: 'The server works on a project and this session has none.',
    helps: 'Open the session in a project folder, or send the header `Mcp-Project-Path`.',
  },
  SERVER_NEEDS_VARIABLE: {
    means: 'The entry mentions variables that this session does not have.',
    helps: 'Set them where the session is started, or in the `env` file.',
  },
  SERVER_NOT_INSTALLED: {
    means: "The program of the server is not on the session's PATH.",
    helps: 'Install it; the message names the program.',
  },
  SERVER_OVERLOADED: {
    means: 'Too many calls wait for this server, or this session has too many open; the call was not taken.',
    helps: 'Call again later, or raise `daemon.maxQueued`.',
  },
  SERVER_START_FAILED: {
    means: 'The server ended or answered with an error before it was ready.',
    helps: 'Its last lines are in the message; see `mcp-proxy logs <server>`.',
  },
  SERVER_START_TIMEOUT: {
    means: 'The server did not answer within its start time.',
    helps: 'Raise `startTimeoutMs`; a first start may download.',
  },
  SERVER_STOPPED: {
    means:
      "The server was ended on purpose: by a person's command, a changed or removed entry, the end of the daemon, or because it did not answer. The message says which, and whether the call may have run.",
    helps: 'Check the effect of a call that may have run, then call again: the next call starts it.',
  },
  SERVER_UNKNOWN: {
    means: 'No server of that name is configured or visible here.',
    helps: '`mcp-proxy list`.',
  },
  SETTINGS_DIFFER: {
    means:
      'This program was started with another config path, data folder or port than the running daemon; both are named.',
    helps: 'Use the same values, or another name for a second daemon.',
  },
  TOOL_CANCELLED: {
    means: 'The call of a tool was cancelled by the session or its end before the server answered.',
    helps: 'Nothing: it was wanted.',
  },
  TOOL_UNKNOWN: {
    means: 'The server has no tool of that name, or the configuration denies it.',
    helps: '`mcp-proxy call <server>` lists them; or search for it.',
  },
};
