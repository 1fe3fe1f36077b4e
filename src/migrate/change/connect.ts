// One entry in a program's own file that leads to the daemon, and its removal.
import { AppError } from '../../base/errors.ts';
import { isRecord } from '../../base/guards.ts';
import { definitionHash } from '../../config/server-entry.ts';
import type { DocumentOp } from '../documents/edit-document.ts';
import { readJsonc, valueAt } from '../documents/jsonc-document.ts';
import { editToml } from '../documents/toml-document.ts';
import { EditCollector } from '../plan/edit-collector.ts';
import { readOwnConfig } from '../plan/own-config.ts';
import { entryName } from '../plan/server-edits.ts';
import { isOurs } from '../programs/collect-sources.ts';
import type { Collected, Declared, SourceProblem } from '../programs/declared.ts';
import { type ConnectableHost, type HostFile, hostIds, hosts } from '../programs/hosts.ts';
import { ensurePrivate } from '../programs/http-access.ts';
import { readServersOf } from '../programs/read-entries.ts';
import { type HttpAccess, httpEntryFor, tomlTables, wrapperEntryFor } from '../programs/wrapper-entry.ts';
import { readClientFile, type World } from '../world.ts';
import { type EditsInit, type WriteDeps, writeEdits } from './apply.ts';
import { listManifests, lockJournals } from './journal.ts';
import { isInForce, type UndoResult, undoAll, undoManifest } from './undo.ts';

export type ConnectRequest = { host: ConnectableHost; isEach: boolean; http?: HttpAccess };

/** Entry names and the server each leads to; undefined: all servers in one. */
function entriesOf(world: World, { isEach }: ConnectRequest): { name: string; server?: string }[] {
  if (!isEach) return [{ name: entryName }];
  const names = [...readOwnConfig(world).names];
  if (names.length > 0) return names.map((name) => ({ name, server: name }));
  throw new AppError({
    code: 'BAD_ARGUMENT',
    message: 'There is no server to write an entry for.',
    hint: 'Add one first: mcp-proxy add <name> -- <command>',
  });
}

/** The file that a program reads; of several names the one that exists, else the first. */
export function hostFile(world: World, host: ConnectableHost): HostFile {
  const files = hosts[host].userFiles(world);
  const existing = files.find((file) => readClientFile(file.file, { inside: world.home }).kind !== 'absent');
  const found = existing ?? files[0];
  if (!found) throw new AppError({ code: 'BAD_ARGUMENT', message: `${hosts[host].title} has no settings file.` });
  return found;
}

function entryFor(world: World, { host, http }: ConnectRequest, server: string | undefined): Record<string, unknown> {
  return http ? httpEntryFor(host, http, server) : wrapperEntryFor(world, host, server);
}

/** What `--print` shows: the entry as the program's file would hold it. */
export function printedEntry(world: World, request: ConnectRequest): string {
  const file = hostFile(world, request.host);
  const entries = entriesOf(world, request).map(
    ({ name, server }) => [name, entryFor(world, request, server)] as const,
  );
  if (file.format === 'toml')
    return editToml(
      '',
      entries.flatMap(([name, entry]) => tomlTables(name, entry)),
    );
  const nested = [...containerIn(world, file)]
    .reverse()
    .reduce<unknown>((inner, key) => ({ [key]: inner }), Object.fromEntries(entries));
  return JSON.stringify(nested, undefined, 2);
}

/** Id of the change; undefined if the entries were there. */
export function connect(world: World, request: ConnectRequest, deps: WriteDeps): string | undefined {
  return writeEdits(world, () => connectEdits(world, request), deps);
}

export function connectEdits(world: World, request: ConnectRequest): EditsInit {
  const { host, http } = request;
  const file = hostFile(world, host);
  if (http) ensurePrivate(world, file);
  const ops = entriesOf(world, request).flatMap(({ name, server }): DocumentOp[] => {
    const found = findOwn(world, file, name);
    const entry = entryFor(world, request, server);
    if (found && definitionHash(found.raw) === definitionHash(entry)) return [];
    if (file.format !== 'toml') return [{ op: 'set', path: [...containerIn(world, file), name], value: entry }];
    return [...(found ? [{ op: 'toml-remove' as const, path: found.place.path }] : []), ...tomlTables(name, entry)];
  });
  const files = renderOrThrow(world, file, ops, 'leads to the shared servers');
  return { kind: `connect ${host}`, summary: [`${hosts[host].title} reaches the shared servers`], files };
}

/** Our entry of that name. One that leads elsewhere belongs to the person: `connect --each` must not replace it. */
function findOwn(world: World, file: HostFile, name: string): Declared | undefined {
  const { servers } = readServersOf({ ...file, scope: 'user', boundary: { inside: world.home } });
  const found = servers.find((server) => server.place.name === name);
  if (!found || isOurs(found, world)) return found;
  throw new AppError({
    code: 'MIGRATION_REFUSED',
    message: `${file.file}:${found.place.line} already has an entry ${JSON.stringify(name)} of its own.`,
    hint: 'Move it first: mcp-proxy migrate plan',
  });
}

function containerIn(world: World, file: HostFile): string[] {
  if (file.host !== 'opencode') return file.container;
  const reading = readClientFile(file.file, { inside: world.home });
  const parsed = reading.kind === 'file' ? readJsonc(reading.document.text) : undefined;
  const deeper = [...file.container, 'servers'];
  const found = parsed && 'value' in parsed ? valueAt(parsed.value, deeper) : undefined;
  return isRecord(found) && found['type'] === undefined ? deeper : file.container;
}

function renderOrThrow(world: World, file: HostFile, ops: readonly DocumentOp[], purpose: string) {
  const edits = new EditCollector();
  const base = { path: file.file, boundary: { inside: world.home }, format: file.format, purpose };
  for (const op of ops) edits.add({ ...base, op });
  return edits.renderAll('Repair the file, or add the entry by hand: --print shows it.');
}

/** `unread`: whether an entry of ours stands there is not known. */
export type DisconnectResult = { undone: UndoResult[]; removed: Declared[]; unread: SourceProblem[] };

/** Undoes `connect`, byte-exact where nothing else changed, and removes entries of ours that it did not write. */
export function disconnect(
  world: World,
  which: readonly ConnectableHost[],
  deps: WriteDeps,
  kind = 'disconnect',
): DisconnectResult {
  const release = lockJournals(world);
  let undone: UndoResult[];
  try {
    const kinds = which.map((host) => `connect ${host}`);
    undone = listManifests(world)
      .filter((manifest) => kinds.includes(manifest.kind) && isInForce(manifest))
      .reverse()
      .map((manifest) => undoManifest(world, manifest, 'undone', deps));
  } finally {
    release();
  }
  const { servers: removed, problems: unread } = ownEntries(world, which);
  writeEdits(world, () => ({ kind, summary: ['entries of ours are gone'], files: removalFiles(world, removed) }), deps);
  return { undone, removed, unread };
}

const allHosts: readonly ConnectableHost[] = hostIds;

/** Entries in the programs' own files that start our wrapper. */
function ownEntries(world: World, which: readonly ConnectableHost[]): Collected {
  const found: Collected = { servers: [], problems: [] };
  for (const file of which.flatMap((host) => hosts[host].userFiles(world))) {
    const { servers, problems } = readServersOf({ ...file, scope: 'user', boundary: { inside: world.home } });
    const nested = file.host === 'claude-code' ? localEntries(world, file) : [];
    found.servers.push(...[...servers, ...nested].filter((server) => isOurs(server, world)));
    found.problems.push(...problems);
  }
  return found;
}

function localEntries(world: World, file: HostFile): Declared[] {
  const reading = readClientFile(file.file, { inside: world.home });
  const parsed = reading.kind === 'file' ? readJsonc(reading.document.text) : undefined;
  const projects = parsed && 'value' in parsed ? parsed.value['projects'] : undefined;
  if (!isRecord(projects)) return [];
  return Object.keys(projects).flatMap(
    (folder) =>
      readServersOf({
        ...file,
        scope: 'local',
        boundary: { inside: world.home },
        container: ['projects', folder, 'mcpServers'],
      }).servers,
  );
}

function removalFiles(world: World, entries: readonly Declared[]) {
  return entries
    .map((entry) => entry.place.file)
    .filter((file, i, all) => all.indexOf(file) === i)
    .flatMap((path) => {
      const own = entries.filter((entry) => entry.place.file === path);
      const first = own[0]?.place;
      if (!first) return [];
      const isToml = first.host === 'codex';
      const ops = own.map(
        ({ place }): DocumentOp =>
          isToml ? { op: 'toml-remove', path: place.path } : { op: 'remove', path: place.path },
      );
      const file: HostFile = { host: first.host, file: path, format: isToml ? 'toml' : 'jsonc', container: [] };
      return renderOrThrow(world, file, ops, 'no longer starts our wrapper');
    });
}

// Puts everything back and goes: all changes undone, entries of ours removed, the daemon stopped.

export type LeaveDeps = WriteDeps & { stopDaemon: () => Promise<void> };
export type LeaveResult = DisconnectResult & { isComplete: boolean };

export async function leave(world: World, deps: LeaveDeps): Promise<LeaveResult> {
  const undone = undoAll(world, deps);
  const { removed, unread } = disconnect(world, allHosts, deps, 'leave');
  // Last: a program that is open reads its restored files first and finds its own servers again.
  await deps.stopDaemon();
  return { undone, removed, unread, isComplete: undone.every((result) => result.isComplete) };
}
