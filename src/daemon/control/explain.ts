// Which copy of a server the sessions of a folder get, and why, in words for people.
import { concurrencyOf } from '../../config/known-servers.ts';
import type { ServerEntry } from '../../config/server-entry.ts';
import type { ExplainReport } from '../../link/control.ts';
import type { Router } from '../../router/router.ts';
import type { Session } from '../../sessions/session.ts';
import type { Hazards } from '../../upstream/hazards.ts';
import type { Resolution } from '../../upstream/resolve.ts';
import type { Supervisor } from '../../upstream/supervisor.ts';
import type { ConfigHolder } from '../config-holder.ts';

export type ExplainDeps = {
  holder: ConfigHolder;
  router: Router;
  supervisor: Supervisor;
  hazards: Hazards;
  sessions: () => readonly Session[];
  redact: (text: string) => string;
};

/** `asker` is a session of that folder that nobody has opened: it has the values of the env file. */
export function explainServer(deps: ExplainDeps, entry: ServerEntry, asker: Session): ExplainReport {
  const resolution = deps.router.views.of(asker).resolution(entry);
  const { projectDir, folder, projectRoot } = asker.identity;
  const { sharing, sharingReason } = resolution;
  const isVisible = sees(deps, asker, entry);
  const who = {
    shared: 'everyone',
    project: whoseProject(resolution, isVisible ? folder : ''),
    session: 'one session alone',
  };
  const lines = [
    `${entry.name} is used by ${who[sharing]}: ${sharingReason}`,
    ...visibilityLines(deps, entry, asker, isVisible),
    ...hazardLines(deps, entry),
    ...concurrencyLines(deps, entry),
    ...(isVisible && resolution.ok ? folderLines(resolution) : []),
    ...(isVisible ? [resolution.ok ? copyLine(deps, resolution) : resolution.error.message] : []),
    ...sessionLines(deps, entry, projectRoot),
  ];
  const base = { server: entry.name, projectDir, projectRoot, isVisible, sharing, sharingReason, lines };
  if (!resolution.ok) return { ...base, instanceKey: '', environment: [], missing: resolution.missing };
  const { spec, cwd, instanceKey } = resolution;
  return {
    ...base,
    instanceKey: instanceKey.slice(0, 8),
    ...(spec.command ? { command: [spec.command, ...spec.args].map(deps.redact) } : {}),
    ...(spec.url ? { url: deps.redact(spec.url) } : {}),
    cwd,
    environment: Object.keys({ ...spec.inheritedEnv, ...spec.env }).sort(),
    missing: [],
  };
}

function whoseProject(resolution: Resolution, folder: string): string {
  const place = folder && resolution.ok ? (resolution.folder ?? folder) : folder;
  const below = resolution.ok && resolution.spansFolders ? ' and in the folders of that project' : '';
  return `the sessions in ${place || 'one folder'}${place ? below : ''}`;
}

function folderLines({ spec, cwd, folderReason }: Extract<Resolution, { ok: true }>): string[] {
  return spec.command === undefined ? [] : [`It starts in ${cwd}. ${folderReason}`];
}

function sees({ router }: ExplainDeps, session: Session, entry: ServerEntry): boolean {
  return router.views.of(session).servers.some((server) => server.entry === entry);
}

function visibilityLines(deps: ExplainDeps, entry: ServerEntry, asker: Session, isVisible: boolean): string[] {
  const { shownName, shownSlug, name } = entry;
  if (isVisible) return shownName === name ? [] : [`Sessions see it as "${shownName}".`];
  if (!entry.enabled) return ['It is disabled.'];
  const nearer = deps.router.views.of(asker).entry(shownSlug);
  return [
    nearer
      ? `Sessions of this project see "${nearer.name}" under the name "${shownName}".`
      : 'Sessions of this project do not see it ("projects").',
  ];
}

function hazardLines({ hazards }: ExplainDeps, entry: ServerEntry): string[] {
  const seen = hazards.of(entry.name).map(({ at, what }) => `Seen on ${at.slice(0, 10)}: ${what}.`);
  if (seen.length === 0 || entry.sharing !== 'auto') return seen;
  return [...seen, 'To share it all the same, write "sharing": "project" or "shared" into its entry.'];
}

function concurrencyLines({ holder }: ExplainDeps, entry: ServerEntry): string[] {
  const limit = concurrencyOf(entry, holder.config.knownServers);
  if (limit === undefined) return [];
  return [limit === 1 ? 'One call at a time goes to a copy.' : `At most ${limit} calls at a time go to a copy.`];
}

function copyLine({ supervisor }: ExplainDeps, { instanceKey }: Extract<Resolution, { ok: true }>): string {
  const running = supervisor.find(instanceKey);
  return running
    ? `Its copy ${running.identity.id} is ${running.state}.`
    : 'No copy of it runs; the first call starts one.';
}

/** What open sessions of that project get: their variables may give them another copy than the env file would. */
function sessionLines(deps: ExplainDeps, entry: ServerEntry, projectRoot: string): string[] {
  const byCopy = new Map<string, string[]>();
  for (const session of deps.sessions()) {
    if (session.identity.projectRoot !== projectRoot || !sees(deps, session, entry)) continue;
    const what = describeCopy(deps, deps.router.views.of(session).resolution(entry));
    byCopy.set(what, [...(byCopy.get(what) ?? []), nameOf(session)]);
  }
  return [...byCopy].map(([what, names]) => `Open here: ${names.join(', ')}: ${what}.`);
}

function nameOf({ identity: { host, address }, client }: Session): string {
  return address === undefined ? `session ${host.pid}` : `${client?.name ?? 'a program'} at ${address}`;
}

function describeCopy({ supervisor }: ExplainDeps, resolution: Resolution): string {
  if (!resolution.ok) return resolution.error.message.replace(/\.$/, '');
  const running = supervisor.find(resolution.instanceKey);
  return `copy ${resolution.instanceKey.slice(0, 8)} (${running ? `${running.identity.id}, ${running.state}` : 'not started'})`;
}
