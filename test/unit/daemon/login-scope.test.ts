// When the daemon leaves the login session it was started in, and what it asks the service manager for.
import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { leaveLoginSession } from '../../../src/daemon/login-scope.ts';

const inSession = '0::/user.slice/user-1000.slice/session-3.scope\n';
const inManager = '0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-terminal.scope\n';

async function leave(cgroup: string, answers: (args: readonly string[]) => string) {
  const calls: (readonly string[])[] = [];
  const events: string[] = [];
  const note = (event: string) => void events.push(event);
  await leaveLoginSession({
    pid: 4_711,
    cgroup,
    busctl: async (args) => {
      calls.push(args);
      return answers(args);
    },
    log: { debug: note, info: note, warn: note, error: note },
  });
  return { calls, events };
}
const killing = (args: readonly string[]) => (args[0] === 'get-property' ? 'b true\n' : 'o "/job/1"\n');

it('moves into a scope of the user where logind ends what a login leaves', async () => {
  const { calls, events } = await leave(inSession, killing);
  expect(calls).toHaveLength(2);
  expect(calls[1]).toEqual([
    '--user',
    'call',
    'org.freedesktop.systemd1',
    '/org/freedesktop/systemd1',
    'org.freedesktop.systemd1.Manager',
    'StartTransientUnit',
    'ssa(sv)a(sa(sv))',
    'aitkit-mcp-proxy-4711.scope',
    'fail',
    '3',
    ...['Description', 's', 'Shared MCP servers (aitkit mcp-proxy)'],
    ...['CollectMode', 's', 'inactive-or-failed'],
    ...['PIDs', 'au', '1', '4711'],
    '0',
  ]);
  expect(events).toEqual(['daemon.left-login-session']);
});

it('stays where processes outlive their login, and asks nobody where it is in no login session', async () => {
  expect(await leave(inSession, () => 'b false\n')).toMatchObject({
    calls: [['get-property', ...Array(4).fill(expect.anything())]],
    events: [],
  });
  expect(await leave(inManager, killing)).toEqual({ calls: [], events: [] });
  expect(await leave('', killing)).toEqual({ calls: [], events: [] });
});

it('serves on where there is no bus, and says what will happen', async () => {
  const { events } = await leave(inSession, () => {
    throw new Error('Failed to connect to bus');
  });
  expect(events).toEqual(['daemon.ends-at-logout']);
});

it.skipIf(!hasBus())(
  'busctl takes these arguments: on a bus without a service manager only that one is missing',
  async () => {
    const { calls } = await leave(inSession, killing);
    const words = (calls[1] ?? []).map((word) => `'${word}'`).join(' ');
    const run = () =>
      execFileSync('dbus-run-session', ['--', 'sh', '-c', `busctl ${words}`], { encoding: 'utf8', stdio: 'pipe' });
    expect(run).toThrow(
      /org\.freedesktop\.systemd1.*(?:not provided|not activatable|unknown)|ServiceUnknown|exited with status/i,
    );
    const wrong = words.replace("'PIDs' 'au' '1'", "'PIDs' 'au' 'one'");
    expect(() =>
      execFileSync('dbus-run-session', ['--', 'sh', '-c', `busctl ${wrong}`], { encoding: 'utf8', stdio: 'pipe' }),
    ).toThrow(/parse/i);
  },
);

function hasBus(): boolean {
  try {
    execFileSync('sh', ['-c', 'command -v dbus-run-session && command -v busctl'], { stdio: 'ignore' });
    return true;
  } catch {
    console.log('skipped: dbus-run-session or busctl is not installed');
    return false;
  }
}
