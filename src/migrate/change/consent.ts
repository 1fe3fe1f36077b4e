// What a repository brings runs only after a person approved exactly that content. An approval names the hash of the whole
// definition and where it stands; any change there voids it.
import { basename, join } from 'node:path';
import * as z from 'zod/mini';
import { readFileIfPresent, writeFileAtomic } from '../../base/atomic-file.ts';
import { isRecord } from '../../base/guards.ts';
import { ensurePrivateDir } from '../../base/private-dir.ts';
import { movedMark } from '../../link/moved-marks.ts';
import type { DocumentOp } from '../documents/edit-document.ts';
import { approvalLines } from '../plan/approval-text.ts';
import { freeName, plainName } from '../plan/choose-name.ts';
import { EditCollector } from '../plan/edit-collector.ts';
import { approvalHash, portableEntry, projectOf } from '../plan/launch-spec.ts';
import { readOwnConfig } from '../plan/own-config.ts';
import { configDefinition, localSettings } from '../plan/server-edits.ts';
import { listOf, readClaudeSettings } from '../programs/claude-settings.ts';
import type { Sources } from '../programs/collect-sources.ts';
import type { Declared } from '../programs/declared.ts';
import { insideProject, type World } from '../world.ts';
import { type WriteDeps, writeEdits } from './apply.ts';

const consentSchema = z.object({
  /** Its name in our config; absent until it moved. */
  name: z.optional(z.string()),
  file: z.string(),
  path: z.array(z.string()),
  hash: z.string(),
  raw: z.unknown(),
  at: z.string(),
});
const fileSchema = z.object({ version: z.literal(1), consents: z.array(consentSchema) });
export type Consent = z.infer<typeof consentSchema>;

export function readConsents(world: World): Consent[] {
  try {
    const text = readFileIfPresent(consentPath(world));
    const parsed = fileSchema.safeParse(text === undefined ? undefined : JSON.parse(text));
    return parsed.success ? parsed.data.consents : [];
  } catch {
    return []; // not readable: nothing counts as approved
  }
}

/** Records approvals, one for each place; a newer one replaces the older. */
export function recordConsents(world: World, fresh: readonly { server: Declared; name?: string }[], now: Date): void {
  if (fresh.length === 0) return;
  const added = fresh.map(
    ({ server, name }): Consent => ({
      ...(name === undefined ? {} : { name }),
      file: server.place.file,
      path: server.place.path,
      hash: approvalHash(server),
      raw: server.raw,
      at: now.toISOString(),
    }),
  );
  const kept = readConsents(world).filter((old) => !added.some((consent) => isSamePlace(consent, old)));
  ensurePrivateDir(world.locations.dataDir);
  const text = JSON.stringify({ version: 1, consents: [...kept, ...added] }, undefined, 2);
  writeFileAtomic(consentPath(world), `${text}\n`, { durable: true });
}

export type ConsentChange = { server: Declared; consent: Consent | undefined; diff: string[] };

/** Servers that the given repositories declare otherwise than it was approved, or that nobody approved yet. */
export function findUnapproved(world: World, sources: Sources): ConsentChange[] {
  const consents = readConsents(world);
  return sources.servers
    .filter((server) => server.place.scope === 'project' && server.invalid === undefined)
    .map((server) => {
      const consent = consents.find((entry) => isSamePlace(entry, server.place));
      return { server, consent, diff: approvalLines(server.raw, consent?.raw) };
    })
    .filter(({ server, consent }) => consent?.hash !== approvalHash(server));
}

/** Approves the content as it is now; a server that moved already gets the new launch in our config. */
export function accept(world: World, change: ConsentChange, deps: WriteDeps): { changeId?: string } {
  const known = change.consent?.name;
  const updated = known === undefined ? undefined : updateConfig(world, change.server, known, deps);
  const name = updated?.name ?? known;
  recordConsents(world, [{ server: change.server, ...(name === undefined ? {} : { name }) }], deps.now());
  return updated?.changeId === undefined ? {} : { changeId: updated.changeId };
}

const launchKeys = ['type', 'command', 'args', 'env', 'cwd', 'url', 'headers', 'timeout'];

type Updated = { name: string; changeId: string | undefined };

function updateConfig(world: World, server: Declared, name: string, deps: WriteDeps): Updated | undefined {
  const config = readOwnConfig(world);
  const known = config.definition(name);
  if (!isRecord(known)) return undefined;
  const folder = projectOf(server.place.project ?? '', world.home);
  const isSole = Array.isArray(known['projects']) && known['projects'].every((project) => project === folder);
  const parts = { world, server, folder, name };
  const target = isSole ? name : freeName(plainName(name), basename(folder), config.names);
  const changeId = writeEdits(
    world,
    () => {
      const edits = new EditCollector();
      if (isSole) replaceLaunch(edits, parts);
      else splitOff(edits, { ...parts, known, target });
      const summary = [`${target} runs as its repository declares it now`];
      return { kind: 'accept', summary, files: edits.renderAll() };
    },
    deps,
  );
  return { name: target, changeId };
}

type ConfigChange = { world: World; server: Declared; folder: string; name: string };

function addOps(edits: EditCollector, world: World, ops: readonly DocumentOp[]): void {
  const base = { path: world.locations.configPath, boundary: { inside: world.locations.root } };
  for (const op of ops) edits.add({ ...base, purpose: 'the accepted definition', op });
}

function replaceLaunch(edits: EditCollector, { world, server, name }: ConfigChange): void {
  const definition = configDefinition({ entry: portableEntry(server, world.home) });
  const ops = launchKeys.map((key): DocumentOp => {
    const path = ['mcpServers', name, key];
    return definition[key] === undefined ? { op: 'remove', path } : { op: 'set', path, value: definition[key] };
  });
  addOps(edits, world, ops);
}

type Split = ConfigChange & { known: Record<string, unknown>; target: string };

/** Sessions elsewhere use the entry too, and nobody approved this content for them: the folder gets one of its own. */
function splitOff(edits: EditCollector, { world, server, folder, name, known, target }: Split): void {
  const kept = Object.fromEntries(Object.entries(known).filter(([key]) => !launchKeys.includes(key)));
  const launch = configDefinition({ entry: portableEntry(server, world.home) });
  const projects = Array.isArray(known['projects']) ? known['projects'] : undefined;
  addOps(edits, world, [
    {
      op: 'set',
      path: ['mcpServers', target],
      value: { ...kept, ...launch, as: known['as'] ?? name, projects: [folder] },
    },
    ...(projects
      ? [{ op: 'set' as const, path: ['mcpServers', name, 'projects'], value: projects.filter((at) => at !== folder) }]
      : []),
  ]);
  // The mark in the folder names the entry that stands for what is silenced there.
  const path = localSettings(server.place.project ?? '');
  const settings = readClaudeSettings(world, [server.place.project ?? '']);
  const marks = settings.files.filter((file) => file.file === path).flatMap((file) => listOf(file.value, movedMark));
  const old = `${server.place.name}=${name}`;
  if (!marks.includes(old)) return;
  const value = marks.map((mark) => (mark === old ? `${server.place.name}=${target}` : mark));
  const op: DocumentOp = { op: 'set', path: [movedMark], value };
  edits.add({ path, boundary: insideProject(server.place.project ?? ''), purpose: 'names the new entry', op });
}

function isSamePlace(a: { file: string; path: string[] }, b: { file: string; path: string[] }): boolean {
  return a.file === b.file && a.path.join('\0') === b.path.join('\0');
}

function consentPath(world: World): string {
  return join(world.locations.dataDir, 'consents.json');
}
