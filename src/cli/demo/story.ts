// The demo's steps against the real daemon and wrapper. Each says what it saw; the first that is not so ends the demo.
import { AppError } from '../../base/errors.ts';
import { readEndpoint } from '../../link/endpoint.ts';
import type { DaemonAccess } from '../daemon-access.ts';
import { plural } from '../render/format.ts';
import { type McpSession, openMcpSession } from './mcp-session.ts';
import type { Started } from './processes.ts';
import type { DemoReport } from './report.ts';
import type { Scratch } from './scratch.ts';

export type Demo = {
  scratch: Scratch;
  started: Started;
  daemon: DaemonAccess;
  report: DemoReport;
  signal: AbortSignal;
};

export type Cast = { a: McpSession; b: McpSession; c: McpSession };

/** Longest wait for anything that the demo waits for; on an idle machine each takes under a second. */
const patienceMs = 10_000;

export function firstServers(scratch: Scratch): Record<string, unknown> {
  return {
    notes: { command: process.execPath, args: scratch.notesArgs('notes.json'), sharing: 'shared' },
    'project-files': { command: process.execPath, args: scratch.filesArgs('${PROJECT_ROOT}') },
  };
}

export async function openSessions(demo: Demo, opened: (session: McpSession) => void): Promise<Cast> {
  const { scratch, started, report, signal } = demo;
  report.title('Three sessions open, in two projects');
  const open = async (name: string, project: 'shop' | 'blog', note: string) => {
    const cwd = scratch.projects[project];
    const env = { ...scratch.env, CLAUDE_PROJECT_DIR: cwd };
    const session = await openMcpSession({ args: [scratch.wrapperPath, '--mode', 'all'], env, cwd }, signal);
    opened(session);
    started.add(session.pid);
    rememberDaemon(demo);
    const tools = await session.toolNames();
    expect(tools.includes('notes__add_note'), `session ${name} got no tool notes__add_note, only: ${tools.join(', ')}`);
    report.done(
      `session ${name} in ${project}: ${plural(tools.length, 'tool')} after ${milliseconds(session.readyAfterMs)}${note}`,
    );
    return session;
  };
  const a = await open('A', 'shop', ', the daemon started on the way');
  const b = await open('B', 'shop', ', joined the running daemon');
  const c = await open('C', 'blog', ', joined the running daemon');
  return { a, b, c };
}

export async function share(demo: Demo, { a, b, c }: Cast): Promise<void> {
  const { report } = demo;
  report.title('They use the same servers');
  await a.call('notes__add_note', { text: 'A: the tests pass' });
  await b.call('notes__add_note', { text: 'B: the docs are next' });
  const read = await c.call('notes__list_notes');
  expect(noteCount(read) === 2, `C read ${noteCount(read)} notes instead of 2`);
  report.done(`A and B wrote a note each, C read both: one notes server (pid ${pidOf(read)})`);

  const [inA, inB, inC] = [await lookAround(a), await lookAround(b), await lookAround(c)];
  expect(inA.pid === inB.pid, 'A and B did not share the project-files server of their project');
  expect(inA.pid !== inC.pid, 'C got the project-files server of another project');
  expect(inC.root === demo.scratch.projects.blog, `C's project-files server looks into ${inC.root}`);
  report.done(`project-files: A and B share pid ${inA.pid}, C has pid ${inC.pid} (shared by project)`);
  await rememberCopies(demo);
}

export async function addServer(demo: Demo, { a, b, c }: Cast): Promise<void> {
  const { scratch, report } = demo;
  report.title('A server is added while they run');
  const before = [a, b, c].map((session) => session.listChanges());
  const startedAt = performance.now();
  const team = { command: process.execPath, args: scratch.notesArgs('team.json'), sharing: 'shared' };
  scratch.writeConfig({ ...firstServers(scratch), 'team-notes': team });
  await until(demo, 'the sessions to hear of new tools', () =>
    [a, b, c].every((session, i) => session.listChanges() > (before[i] ?? 0)),
  );
  for (const session of [a, b, c]) {
    await until(demo, 'the new tools', async () => (await session.toolNames()).includes('team-notes__add_note'));
  }
  report.done(`all three have its tools ${milliseconds(performance.now() - startedAt)} after the config changed`);
  await a.call('team-notes__add_note', { text: 'A: hello' });
  const read = await c.call('team-notes__list_notes');
  expect(noteCount(read) === 1, `C read ${noteCount(read)} notes of team-notes instead of 1`);
  report.done(`A wrote a note into it, C read it (pid ${pidOf(read)})`);
  await rememberCopies(demo);
}

export async function survive(demo: Demo, { a, b, c }: Cast): Promise<void> {
  const { report, started } = demo;
  report.title('Programs are killed (SIGKILL)');
  const notesPid = pidOf(await a.call('notes__list_notes'));
  await started.kill(notesPid);
  // The next call of a person comes later than the daemon's notice of the death.
  await until(demo, 'the daemon to see it', async () => !(await rememberCopies(demo)).serverPids.includes(notesPid));
  const server = await answered(demo, () => b.call('notes__list_notes'));
  expect(pidOf(server.value) !== notesPid && noteCount(server.value) === 2, 'the notes server did not come back whole');
  report.done(`notes server killed: B's next call answered after ${server.took} (pid ${pidOf(server.value)})`);
  await rememberCopies(demo);

  const daemonPid = rememberDaemon(demo);
  expect(daemonPid !== undefined, 'the daemon left no pid file');
  await started.kill(daemonPid ?? 0);
  const startedAt = performance.now();
  for (const session of [a, b, c]) {
    const { value } = await answered(demo, () => session.call('notes__list_notes'));
    expect(noteCount(value) === 2, 'a note was lost with the daemon');
  }
  const newPid = rememberDaemon(demo);
  expect(newPid !== undefined && newPid !== daemonPid, 'no new daemon runs');
  const took = milliseconds(performance.now() - startedAt);
  report.done(`daemon killed: calls of A, B and C answered within ${took} (pid ${newPid})`);
  // All three servers run again before they are counted.
  for (const session of [a, b, c]) await lookAround(session);
  await a.call('team-notes__list_notes');
  await rememberCopies(demo);
}

/** The daemon's pid from the pid file in the scratch folder, remembered for the end. */
export function rememberDaemon({ scratch, started }: Demo): number | undefined {
  const pid = readEndpoint(scratch.locations.pidPath)?.pid;
  if (pid !== undefined) started.add(pid);
  return pid;
}

export type StartedCopies = { daemonPid: number; serverPids: number[] };

/** What the daemon says that it runs, remembered for the end. */
export async function rememberCopies({ daemon, started }: Demo): Promise<StartedCopies> {
  const client = await daemon.find();
  if (!client) throw failure('the daemon is gone');
  const status = await client.status();
  const serverPids = status.servers.flatMap((server) =>
    server.instances.flatMap((instance) => (instance.pid === undefined ? [] : [instance.pid])),
  );
  for (const pid of [status.daemon.pid, ...serverPids]) started.add(pid);
  return { daemonPid: status.daemon.pid, serverPids };
}

/**
 * A call right after a kill may be answered "it may have run": nobody sends it again by itself. Here it only reads,
 * so it is asked again, and the time counts from the first try.
 */
async function answered<T>(demo: Demo, attempt: () => Promise<T>): Promise<{ value: T; took: string }> {
  const startedAt = performance.now();
  for (let tries = 1; ; tries += 1) {
    try {
      const value = await attempt();
      const took = milliseconds(performance.now() - startedAt);
      return { value, took: tries === 1 ? took : `${took}, at try ${tries}` };
    } catch (error) {
      if (demo.signal.aborted || performance.now() - startedAt > patienceMs) throw error;
      await delay(50);
    }
  }
}

async function lookAround(session: McpSession): Promise<{ pid: number; root: unknown }> {
  const seen = await session.call('project-files__list_files');
  return { pid: pidOf(seen), root: seen['root'] };
}

async function until(demo: Demo, what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + patienceMs; !(await isSo()); ) {
    demo.signal.throwIfAborted();
    if (Date.now() > deadline) throw failure(`waited ${patienceMs / 1_000} s for ${what}`);
    await delay(15);
  }
}

function expect(isSo: boolean, otherwise: string): void {
  if (!isSo) throw failure(otherwise);
}

function failure(message: string): AppError {
  return new AppError({ code: 'DEMO_FAILED', message });
}

function pidOf(result: Record<string, unknown>): number {
  const { pid } = result;
  if (typeof pid !== 'number') throw failure('a server did not tell its pid');
  return pid;
}

function noteCount(result: Record<string, unknown>): number {
  return Array.isArray(result['notes']) ? result['notes'].length : -1;
}

export function milliseconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
