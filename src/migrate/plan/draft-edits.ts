// All edits that the moving servers need: places, our config, rules, and what must stay hidden in single folders.
import { join } from 'node:path';
import { isInside } from '../../base/inside.ts';
import { switchedOffIn } from '../programs/claude-code.ts';
import { approvalOf, type ClaudeSettings, isMoved } from '../programs/claude-settings.ts';
import type { Declared, SourceProblem } from '../programs/declared.ts';
import { readServersOf } from '../programs/read-entries.ts';
import { insideProject } from '../world.ts';
import { EditCollector } from './edit-collector.ts';
import { findRules, type RuleFinding } from './find-rules.ts';
import { isClaudeHost, type PlannedPlace, type PlannedServer } from './plan-model.ts';
import { addConfigEdit, addPlaceEdits, denyInProject, leaveJointList, localSettings } from './server-edits.ts';
import { coverAgain, type DraftInput } from './uncovered.ts';

export type Draft = {
  edits: EditCollector;
  /** Why a server must stay after all, by its id. */
  guards: Map<string, string[]>;
  /** Servers that need an edit of the file. */
  owners: Map<string, Set<string>>;
  /** Texts that were not read for rules. */
  problems: SourceProblem[];
};

/** Also writes the rules that were found into `servers`. */
export function draftEdits(input: DraftInput): Draft {
  const draft: Draft = { edits: new EditCollector(), guards: new Map(), owners: new Map(), problems: [] };
  for (const server of input.servers.filter((entry) => entry.moves)) draftServer(input, server, draft);
  return draft;
}

function draftServer(input: DraftInput, server: PlannedServer, draft: Draft): void {
  const { world, config } = input;
  addConfigEdit(draft.edits, world, server, config.definition(server.name));
  for (const place of server.places) {
    addPlaceEdits(draft.edits, world, server, place);
    if (place.change === 'silenced' && place.project) own(draft, localSettings(place.project), server);
  }
  if (server.keepsNames) leaveJointList(draft.edits, world, server);
  const covering = coverAgain(input, server, draft.edits);
  for (const path of covering.files) own(draft, path, server);
  const reasons = [...draftRules(input, server, draft), ...draftHidden(input, server, draft), ...covering.reasons];
  if (reasons.length > 0) draft.guards.set(server.id, reasons);
}

function own(draft: Draft, path: string, server: PlannedServer): void {
  draft.owners.set(path, (draft.owners.get(path) ?? new Set()).add(server.id));
}

function movedPlaces(server: PlannedServer): PlannedPlace[] {
  return server.places.filter((place) => place.change !== undefined && isClaudeHost(place.host));
}

/** Adds translated rules; returns why the server must stay because of one that cannot be. */
function draftRules({ world, sources }: DraftInput, server: PlannedServer, draft: Draft): string[] {
  const moved = movedPlaces(server);
  const renamed = moved.filter((place) => !server.keepsNames || place.scope === 'plugin');
  const prefixes = [...new Set(renamed.map((place) => prefixOf(sources.servers, place)))];
  const found = findRules(
    world,
    sources.settings,
    { prefixes, part: server.part },
    server.projects ? { projects: moved.flatMap((place) => place.project ?? []) } : {},
  );
  server.rules = found.findings;
  draft.problems.push(...found.problems);
  for (const { file, boundary, op } of found.edits) {
    const format = op.op === 'front-matter' ? 'text' : 'jsonc';
    draft.edits.add({ path: file, boundary, op, format, purpose: 'rules for the new tool names' });
    own(draft, file, server);
  }
  return found.findings.filter((finding) => finding.isGuard && finding.problem !== undefined).map(guardReason);
}

function guardReason({ kind, rule, file, line, problem }: RuleFinding): string {
  const what = kind === 'hook' ? 'hook matcher' : `${kind} rule`;
  return `the ${what} ${JSON.stringify(rule)} (${file}:${line}) cannot be translated: ${problem ?? ''}`;
}

function draftHidden(input: DraftInput, server: PlannedServer, draft: Draft): string[] {
  const reasons: string[] = [];
  for (const project of server.keepsNames ? [] : hiddenIn(input, server)) {
    const file = input.sources.settings.files.find((entry) => entry.file === localSettings(project));
    if (file?.fixed) reasons.push(`it must stay hidden in ${project}, but ${file.file} ${file.fixed}`);
    else denyInProject(draft.edits, input.world, project, server.part);
    own(draft, localSettings(project), server);
  }
  return reasons;
}

function prefixOf(servers: readonly Declared[], place: PlannedPlace): string {
  const found = servers.find(
    (server) => server.place.file === place.file && server.place.path.join('\0') === place.path.join('\0'),
  );
  return found?.toolPrefix ?? '';
}

/** Folders where sessions did not see it: switched off there, or another server had its name there and stays or differs. */
function hiddenIn(input: DraftInput, server: PlannedServer): string[] {
  if (server.projects) return [];
  const moved = movedPlaces(server);
  const ids = moved.map((place) => (place.plugin ? `plugin:${place.plugin.split('@')[0]}:${place.name}` : place.name));
  const off = ids.flatMap((id) => switchedOffIn(input.sources.settings, id));
  const names = new Set(moved.filter((place) => place.scope === 'user').map((place) => place.name));
  const rivals = input.servers.flatMap((other) =>
    other.places.filter((place) => {
      const isSame = place.host === 'claude-code' && place.project !== undefined && names.has(place.name);
      const isSeen = !/rejected|switched off|silenced|not there/.test(place.stays ?? '');
      // Seen under the same name, the one with the nearer folder counts by itself.
      const isNearer = other.moves && place.change !== undefined && other.part === server.part;
      return isSame && isSeen && !isNearer && (other.id !== server.id || place.change === undefined);
    }),
  );
  const folders = [
    ...off,
    ...rivals.map((place) => place.project ?? ''),
    ...unaskedRivals(input.sources.settings, names),
  ];
  return [...new Set(folders)].filter((folder) => folder !== '' && !isInside(input.world.home, folder));
}

/** Repositories the person works in, not part of this plan, whose own entry of that name goes before the person's. */
function unaskedRivals(settings: ClaudeSettings, names: ReadonlySet<string>): string[] {
  return settings.files.flatMap(({ kind, project }) => {
    if (kind !== 'local' || project === undefined || settings.projects.includes(project)) return [];
    const declared = readServersOf({
      ...{ host: 'claude-code', scope: 'project', format: 'jsonc', container: ['mcpServers'] },
      ...{ file: join(project, '.mcp.json'), boundary: insideProject(project), project },
    });
    const isRival = declared.servers.some(
      ({ place }) =>
        names.has(place.name) &&
        approvalOf(settings, project, place.name) !== 'rejected' &&
        !isMoved(settings, project, place.name),
    );
    return isRival ? [project] : [];
  });
}
