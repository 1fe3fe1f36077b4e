// What a moved entry kept from sessions of its folder: the next entry of that name would come up in its place, beside ours.

import { join } from 'node:path';
import { approvalOf, isMoved } from '../programs/claude-settings.ts';
import type { Sources } from '../programs/collect-sources.ts';
import { claudeStatePath } from '../programs/hosts.ts';
import { type FileServers, readServersOf } from '../programs/read-entries.ts';
import { insideProject, type World } from '../world.ts';
import type { EditCollector } from './edit-collector.ts';
import type { OwnConfig } from './own-config.ts';
import type { PlannedPlace, PlannedServer } from './plan-model.ts';
import { localSettings, silenceInProject } from './server-edits.ts';

export type DraftInput = {
  world: World;
  sources: Sources;
  config: OwnConfig;
  servers: PlannedServer[];
};

/** Edits that keep it away, the files they need, and why the server must stay because one of them cannot be edited. */
export type Covering = { files: string[]; reasons: string[] };

export function coverAgain(input: DraftInput, server: PlannedServer, edits: EditCollector): Covering {
  const covering: Covering = { files: [], reasons: [] };
  // With kept names an entry of that name stays in front.
  if (server.keepsNames) return covering;
  for (const place of server.places) {
    if (place.host !== 'claude-code' || place.change === undefined || place.project === undefined) continue;
    const cover = { place, project: place.project, edits, covering };
    const inRepo = place.scope === 'local' ? declaredInRepo(place.project) : undefined;
    covering.reasons.push(...(inRepo?.problems ?? []).map(({ file, reason }) => unknownReason(place, file, reason)));
    if (inRepo && isSeen(input, inRepo, cover)) coverRepo(input, server, cover);
    if (staysForUser(input.servers, place.name)) coverUser(input, cover);
  }
  return covering;
}

type Cover = { place: PlannedPlace; project: string; edits: EditCollector; covering: Covering };

function declaredInRepo(project: string): FileServers {
  return readServersOf({
    ...{ host: 'claude-code', scope: 'project', format: 'jsonc', container: ['mcpServers'] },
    ...{ file: join(project, '.mcp.json'), boundary: insideProject(project), project },
  });
}

function unknownReason({ name }: PlannedPlace, file: string, reason: string): string {
  return `whether ${file} declares ${name} too is not known: it ${reason}`;
}

function isSeen({ sources: { settings } }: DraftInput, { servers }: FileServers, { place, project }: Cover): boolean {
  const isThere = servers.some((server) => server.place.name === place.name);
  return isThere && approvalOf(settings, project, place.name) !== 'rejected' && !isMoved(settings, project, place.name);
}

function coverRepo(input: DraftInput, server: PlannedServer, { place, project, edits, covering }: Cover): void {
  const path = localSettings(project);
  covering.files.push(path);
  const fixed = input.sources.settings.files.find((file) => file.file === path)?.fixed;
  if (fixed === undefined) silenceInProject(edits, input.world, server, place);
  else covering.reasons.push(`the repository's own ${place.name} would come up in ${project}, and ${path} ${fixed}`);
}

function staysForUser(servers: readonly PlannedServer[], name: string): boolean {
  return servers.some((other) =>
    other.places.some((place) => {
      const isUsers = place.host === 'claude-code' && place.scope === 'user' && place.name === name;
      return isUsers && (place.change === undefined || place.change === 'kept as a wrapper');
    }),
  );
}

function coverUser({ world }: DraftInput, { place, project, edits, covering }: Cover): void {
  const path = claudeStatePath(world);
  covering.files.push(path);
  // A local entry's own key: the folder as Claude Code writes it.
  const folder = place.scope === 'local' ? (place.path[1] ?? project) : project;
  const op = { op: 'add' as const, path: ['projects', folder, 'disabledMcpServers'], value: place.name };
  const purpose = 'keeps your other server of that name out of this folder, as before';
  edits.add({ path, boundary: { inside: world.home }, purpose, op });
}
