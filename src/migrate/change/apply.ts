// Carries a plan out: our config first, then every moved server is started once, then the programs' files. Any failure
// puts everything back.

import { join } from 'node:path';
import { AppError, describeError } from '../../base/errors.ts';
import { isInside } from '../../base/inside.ts';
import type { FileEdit, Plan, PlannedServer } from '../plan/plan-model.ts';
import type { World } from '../world.ts';
import { lockJournals, openJournal, readCopy, saveManifest, setState } from './journal.ts';
import type { Manifest } from './manifest.ts';
import { makeFolders, replaceFile } from './replace-file.ts';
import { recover, undoManifest } from './undo.ts';

export type StartRequest = { name: string; projectDir: string };

export type ApplyDeps = {
  now: () => Date;
  /** Starts the server through the daemon as a session would, and returns its tools. Throws if it does not answer. */
  startAndList: (server: StartRequest) => Promise<string[]>;
  onStep?: (step: string) => void;
};

export type ApplyResult = { id: string; moved: { name: string; tools: number }[]; files: string[] };

/** `makePlan` is called under the lock, so that the files are those that will be written. */
export async function applyPlan(world: World, makePlan: () => Plan, deps: ApplyDeps): Promise<ApplyResult | undefined> {
  const release = lockJournals(world);
  try {
    recover(world, deps);
    const plan = makePlan();
    if (plan.refusals[0] !== undefined) throw new AppError({ code: 'MIGRATION_REFUSED', message: plan.refusals[0] });
    if (plan.files.length === 0) return undefined;
    return await carryOut(world, plan, deps);
  } finally {
    release();
  }
}

async function carryOut(world: World, plan: Plan, deps: ApplyDeps): Promise<ApplyResult> {
  const moving = plan.servers.filter((server) => server.moves);
  const isConfig = (path: string) => path === world.locations.configPath;
  const files = [...plan.files].sort((a, b) => Number(isConfig(b.path)) - Number(isConfig(a.path)));
  const summary = moving.map((server) => `${server.name} is shared by the daemon`);
  const manifest = openJournal(world, { kind: 'migrate', summary, files, now: deps.now() });
  deps.onStep?.('journal');
  try {
    const first = files.filter((file) => isConfig(file.path)).length;
    writeFiles({ world, manifest, from: 0, to: first, deps });
    const moved = await startAll(world, moving, deps);
    writeFiles({ world, manifest, from: first, to: files.length, deps });
    setState(world, manifest, 'applied');
    deps.onStep?.('applied');
    return { id: manifest.id, moved, files: files.map((file) => file.path) };
  } catch (error) {
    throw takeBack(world, manifest, error, deps);
  }
}

async function startAll(
  world: World,
  servers: readonly PlannedServer[],
  deps: ApplyDeps,
): Promise<ApplyResult['moved']> {
  const moved: ApplyResult['moved'] = [];
  for (const server of servers) {
    const projectDir = server.projects?.[0] ?? world.cwd;
    try {
      const tools = await deps.startAndList({ name: server.name, projectDir });
      moved.push({ name: server.name, tools: tools.length });
    } catch (error) {
      throw new AppError({
        code: 'MIGRATION_REFUSED',
        message: `${server.name} does not answer through the daemon: ${describeError(error)}`,
        hint: `Leave it out: mcp-proxy migrate apply --only ${othersOf(servers, server)}`,
        cause: error,
      });
    }
    deps.onStep?.(`started ${server.name}`);
  }
  return moved;
}

function othersOf(servers: readonly PlannedServer[], failed: PlannedServer): string {
  const others = servers.filter((server) => server !== failed).map((server) => server.name);
  return others.length > 0 ? others.join(',') : '<other servers>';
}

type WriteInput = { world: World; manifest: Manifest; from: number; to: number; deps: Pick<ApplyDeps, 'onStep'> };

/** Writes files [from, to) of the journal and keeps count in it. */
function writeFiles({ world, manifest, from, to, deps }: WriteInput): void {
  for (let i = from; i < to; i += 1) {
    const file = manifest.files[i];
    if (!file) continue;
    // Our own folders hold secrets; a program's folder is made as the program would.
    makeFolders(file.folders, isInside(file.path, world.locations.root) ? 0o700 : 0o755);
    manifest.begun = i + 1;
    saveManifest(world, manifest);
    const bytes = readCopy(world, manifest, file.afterCopy);
    try {
      replaceFile({ path: file.path, bytes, expected: file.before, mode: file.mode, journalId: manifest.id });
    } catch (error) {
      manifest.begun = i; // replaced whole or not at all
      throw error;
    }
    deps.onStep?.(`wrote ${file.path}`);
  }
}

export function takeBack(world: World, manifest: Manifest, cause: unknown, deps: Pick<ApplyDeps, 'onStep'>): AppError {
  const result = undoManifest(world, manifest, 'rolled-back', deps);
  const hint = cause instanceof AppError && cause.hint ? cause.hint : undefined;
  if (result.isComplete) {
    return new AppError({
      code: cause instanceof AppError ? cause.code : 'MIGRATION_FAILED',
      message: `${describeMessage(cause)} Everything is as before.`,
      ...(hint === undefined ? {} : { hint }),
      cause,
    });
  }
  const left = result.files.filter((file) => file.conflicts.length > 0).map((file) => file.file);
  return new AppError({
    code: 'MIGRATION_FAILED',
    message: `${describeMessage(cause)} Other programs changed ${left.join(', ')} meanwhile, so our change is still in there.`,
    hint: `See ${join(world.locations.backupsDir, 'RESTORE.md')}.`,
    cause,
  });
}

/** As a sentence: more follows. */
function describeMessage(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

// Writes a handful of edits as one journaled change, all or nothing: connect, disconnect, leave, accept.

export type EditsInit = { kind: string; summary: string[]; files: readonly FileEdit[] };
export type WriteDeps = Pick<ApplyDeps, 'now' | 'onStep'>;

/** The id of the change, or undefined if there was nothing to write. */
export function writeEdits(world: World, makeEdits: () => EditsInit, deps: WriteDeps): string | undefined {
  const release = lockJournals(world);
  try {
    recover(world, deps);
    const edits = makeEdits();
    if (edits.files.length === 0) return undefined;
    const manifest = openJournal(world, { ...edits, now: deps.now() });
    deps.onStep?.('journal');
    try {
      writeFiles({ world, manifest, from: 0, to: edits.files.length, deps });
      setState(world, manifest, 'applied');
    } catch (error) {
      throw takeBack(world, manifest, error, deps);
    }
    return manifest.id;
  } finally {
    release();
  }
}
