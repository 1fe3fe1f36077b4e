// What a repository brings runs only after a person approved exactly that content. An approval names the hash of the whole
// definition and where it stands; any change there voids it.
import { join } from 'node:path';
import * as z from 'zod/mini';
import { readFileIfPresent, writeFileAtomic } from '../base/atomic-file.ts';
import { AppError } from '../base/errors.ts';
import { ensurePrivateDir } from '../base/private-dir.ts';
import type { Declared } from './declared.ts';
import type { DocumentOp } from './documents/edit-document.ts';
import { EditCollector } from './edit-collector.ts';
import { escapeText } from './escape-text.ts';
import { approvalHash, portableEntry } from './launch-spec.ts';
import { unifiedDiff } from './line-diff.ts';
import { readOwnConfig } from './own-config.ts';
import { configDefinition } from './server-edits.ts';
import type { Sources } from './sources/collect-sources.ts';
import type { World } from './world.ts';
import { type WriteDeps, writeEdits } from './write-edits.ts';

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
      return {
        server,
        consent,
        diff: unifiedDiff(pretty(consent?.raw), pretty(server.raw), 100).filter((line) => !line.startsWith('@@')),
      };
    })
    .filter(({ server, consent }) => consent?.hash !== approvalHash(server));
}

/** Approves the content as it is now; a server that moved already gets the new launch in our config. */
export function accept(world: World, change: ConsentChange, deps: WriteDeps): { changeId?: string } {
  const name = change.consent?.name;
  const id = name === undefined ? undefined : updateConfig(world, change.server, name, deps);
  recordConsents(world, [{ server: change.server, ...(name === undefined ? {} : { name }) }], deps.now());
  return id === undefined ? {} : { changeId: id };
}

const launchKeys = ['type', 'command', 'args', 'env', 'cwd', 'url', 'headers', 'timeout'];

function updateConfig(world: World, server: Declared, name: string, deps: WriteDeps): string | undefined {
  if (readOwnConfig(world).definition(name) === undefined) return undefined;
  return writeEdits(
    world,
    () => {
      const definition = configDefinition({ entry: portableEntry(server, world.home) });
      const edits = new EditCollector();
      const path = world.locations.configPath;
      for (const key of launchKeys) {
        const at = ['mcpServers', name, key];
        const value = definition[key];
        const op: DocumentOp = value === undefined ? { op: 'remove', path: at } : { op: 'set', path: at, value };
        edits.add({ path, boundary: { inside: world.locations.root }, purpose: 'the accepted definition', op });
      }
      const { files, failures } = edits.render();
      if (failures[0]) throw new AppError({ code: 'MIGRATION_REFUSED', message: `${path} ${failures[0].reason}.` });
      return { kind: 'accept', summary: [`${name} runs as its repository declares it now`], files };
    },
    deps,
  );
}

function isSamePlace(a: { file: string; path: string[] }, b: { file: string; path: string[] }): boolean {
  return a.file === b.file && a.path.join('\0') === b.path.join('\0');
}

function pretty(raw: unknown): string {
  if (raw === undefined) return '';
  return `${JSON.stringify(raw, undefined, 2)}\n`
    .split('\n')
    .map((line) => escapeText(line))
    .join('\n');
}

function consentPath(world: World): string {
  return join(world.locations.dataDir, 'consents.json');
}
