// Interactive sessions, as a person has them: each in its own window of a tmux server that belongs to one world.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { isRunning, type ProcessIdentity, processStartTime } from '../../../src/base/process-identity.ts';
import { eventually } from '../eventually.ts';
import { pluginTools } from './run-client.ts';
import { clientEnv, plainEnv, processesOf, type World, type WorldProcess } from './world.ts';

export type Terminal = {
  open: (name: string, project: string, args?: readonly string[]) => InteractiveSession;
  /** Closes every window and waits until their processes are gone. */
  close: () => Promise<void>;
};

export type InteractiveSession = ProcessIdentity & {
  name: string;
  screen: () => string;
  /** Types a line and presses Enter. */
  line: (text: string) => Promise<void>;
  keys: (...keys: string[]) => void;
  /** Waits for text on the screen. */
  shows: (pattern: RegExp, timeoutMs?: number) => Promise<void>;
  ended: (timeoutMs: number) => Promise<void>;
};

/** Drawing the first screen takes 1–2 s alone, several times that when many sessions start on two cores. */
const screenTimeoutMs = 90_000;

export function openTerminal(world: World): Terminal {
  ensureTmux();
  const socket = join(world.root, 'tmux.sock');
  const tmux = (...args: string[]) =>
    execFileSync('tmux', ['-S', socket, '-f', '/dev/null', ...args], {
      encoding: 'utf8',
      env: plainEnv(world.home),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  return {
    open: (name, project, args = []) => {
      const env = Object.entries(clientEnv(world)).map(([key, value]) => quote(`${key}=${value}`));
      const client = [world.client, '--allowedTools', pluginTools, ...args].map(quote);
      // exec: the window's process is the client itself, as its pid names the session.
      const command = `exec env -i ${env.join(' ')} ${client.join(' ')}`;
      tmux('new-session', '-d', '-s', name, '-x', '160', '-y', '50', '-c', world.project(project), command);
      const pid = Number(tmux('list-panes', '-t', name, '-F', '#{pane_pid}').trim());
      return session(name, pid, tmux);
    },
    close: async () => {
      try {
        tmux('kill-server');
      } catch {
        // it ends by itself with its last window
      }
      const isOurs = ({ command }: WorldProcess) => command.includes(socket) || command.startsWith(world.client);
      await eventually(() => !processesOf(world).some(isOurs), { what: 'the windows to close' });
    },
  };
}

function ensureTmux(): void {
  try {
    execFileSync('tmux', ['-V'], { stdio: 'ignore' });
  } catch (cause) {
    throw new Error('Interactive sessions are tested in tmux, which is not installed (apt-get install tmux).', {
      cause,
    });
  }
}

function session(name: string, pid: number, tmux: (...args: string[]) => string): InteractiveSession {
  const identity = { pid, startTime: processStartTime(pid) ?? 'ended at once' };
  const screen = () => tmux('capture-pane', '-p', '-t', name);
  const keys = (...names: string[]) => void tmux('send-keys', '-t', name, ...names);
  const shows = async (pattern: RegExp, timeoutMs = screenTimeoutMs) => {
    await eventually(() => pattern.test(screen()), { timeoutMs, what: `${pattern} in ${name}`, intervalMs: 100 }).catch(
      (error: unknown) => {
        const seen = isRunning(identity) ? screen() : 'the session has ended';
        throw new Error(`${String(error)}\n${seen}`, { cause: error });
      },
    );
  };
  return {
    ...identity,
    name,
    screen,
    keys,
    shows,
    line: async (text) => {
      tmux('send-keys', '-t', name, '-l', text);
      // Enter that comes with the text in one read is taken as part of a paste.
      await shows(new RegExp(text.slice(0, 40).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')));
      keys('Enter');
    },
    ended: (timeoutMs) =>
      eventually(() => !isRunning(identity), { timeoutMs, what: `${name} to end` }).then(() => undefined),
  };
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
