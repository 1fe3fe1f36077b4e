// Everything toward the real servers: copies, their processes, logs, what they offer, what speaks against sharing them.
import { join } from 'node:path';
import { removeIfPresent } from '../base/atomic-file.ts';
import { createRotatingFile, type Log, type RotatingFile } from '../base/log.ts';
import { ensurePrivateDir } from '../base/private-dir.ts';
import type { Redactor } from '../base/redact.ts';
import { Catalog } from '../catalog/catalog.ts';
import { openSnapshots } from '../catalog/snapshots.ts';
import { cacheDir } from '../config/cache-dir.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import type { Problem } from '../link/control.ts';
import type { Locations } from '../link/locations.ts';
import { upstreamCapabilities } from '../mcp/face.ts';
import type { Router } from '../router/router.ts';
import type { Roster } from '../sessions/roster.ts';
import { versionToAskIn } from '../upstream/handshake.ts';
import { type Hazards, openHazards } from '../upstream/hazards.ts';
import type { Instance } from '../upstream/instance.ts';
import { createKeyMaker, type InstanceIdentity, loadSecret } from '../upstream/instance-key.ts';
import { createOpener } from '../upstream/opener.ts';
import { createJournal, type Journal, reapJournal } from '../upstream/process/journal.ts';
import { markerTag, reapMarked } from '../upstream/process/reap-marked.ts';
import { createStderrSink, type StderrSink } from '../upstream/process/stderr-sink.ts';
import { createTreeWatch } from '../upstream/process/tree-watch.ts';
import type { Opener, OpenerRequest } from '../upstream/reach.ts';
import { createRemoteOpener } from '../upstream/remote-opener.ts';
import { Supervisor } from '../upstream/supervisor.ts';
import type { ConfigHolder } from './config-holder.ts';

export type ServerSide = {
  supervisor: Supervisor;
  catalog: Catalog;
  hazards: Hazards;
  /** Ready when the predecessor's leftovers are gone. */
  journal: Promise<Journal>;
  noteHazard: (instance: Instance, what: string) => void;
  /** Of a server that waits for a person to log in. */
  login: (server: string) => Problem | undefined;
  /** No login is waited for any more. */
  closeLogins: () => void;
  /** After the copies ended: files are closed, an empty journal goes. */
  close: () => Promise<void>;
};

export type ServerSideDeps = {
  locations: Locations;
  holder: ConfigHolder;
  roster: Roster;
  redactor: Redactor;
  router: () => Router;
  /** Instead of pipes to programs and connections to addresses. */
  createOpener?: (request: OpenerRequest) => Opener;
  log: Log;
  now: () => number;
};

/** A log of one server: enough to see what happened, bounded for a server that talks all day. */
const serverLog = { maxBytes: 2 * 1024 * 1024, keep: 2 };

export function createServerSide(deps: ServerSideDeps): ServerSide {
  const { locations, holder, redactor, router, log, now } = deps;
  const hazards = openHazards(join(locations.dataDir, 'hazards.json'), log, now);
  const catalog = new Catalog(openSnapshots(join(cacheDir(locations), 'snapshots'), log, now));
  const journal = openJournal(locations, log);
  const serverLogs = new Map<string, RotatingFile>();
  const shared = {
    journal: () => journal,
    maxMessageBytes: () => holder.config.daemon.maxMessageBytes,
    workDir: locations.workDir,
    markerTag: markerTag(locations.journalPath),
    watch: createTreeWatch(),
  };
  const showLogin = (server: string, url: string) => log.warn('server.needs-login', { server, url });
  // Sessions that are open got no tools of it so far, and would not ask again.
  const onLoggedIn = (server: string) => router().loggedIn(server);
  const remote = createRemoteOpener({ ...shared, dataDir: locations.dataDir, showLogin, onLoggedIn, log });
  const noteHazard = ({ identity: { server } }: Instance, what: string) => {
    if (!hazards.note(server, redactor.redact(what))) return;
    log.warn('server.hazard', { server, what });
    router().refresh();
  };
  const supervisor = new Supervisor({
    config: () => holder.config,
    resolve: {
      makeKey: createKeyMaker(loadSecret(locations.keyPath)),
      workDir: locations.workDir,
      demoted: hazards.demoted,
    },
    createOpener: deps.createOpener ?? ((request) => createOpener(request, { ...shared, remote })),
    createStderr: (entry, label) => openStderr(serverLogs, entry, label, deps),
    addSecrets: (secrets) => secrets.forEach(redactor.add),
    capabilities: (entry, { sharing }) =>
      upstreamCapabilities({ roots: sharing !== 'shared', sampling: entry.sampling }),
    knownVersion: (snapshot) => versionToAskIn(catalog.faceOf({ snapshot })?.introduction),
    isWanted: ({ identity }) => isWanted(identity, deps.roster),
    onSingleClient: (instance, evidence) => noteHazard(instance, `it refused a second session: ${evidence}`),
    events: {
      onReady: (...event) => router().onReady(...event),
      onServerRequest: (...event) => router().onServerRequest(...event),
      onServerNotification: (...event) => router().onServerNotification(...event),
      onExit: (...event) => router().onExit(...event),
    },
    log,
    now: steadyNow,
    random: Math.random,
  });
  const close = async () => {
    if ((await journal).entries().length === 0) removeIfPresent(locations.journalPath);
    for (const file of serverLogs.values()) file.close();
  };
  const { login, close: closeLogins } = remote;
  return { supervisor, catalog, hazards, journal, noteHazard, login, closeLogins, close };
}

/** Time that does not jump: a machine that slept for hours, or whose clock was set, has not left its servers idle so long. */
const steadyNow = () => performance.timeOrigin + performance.now();

/** Whether a session is there whose copy this is. */
function isWanted({ sharing, folder, spansFolders, lifeId }: InstanceIdentity, roster: Roster): boolean {
  return roster
    .all()
    .some(({ identity }) =>
      sharing === 'project'
        ? (spansFolders ? identity.projectRoot : identity.folder) === folder
        : !lifeId || identity.lifeId === lifeId,
    );
}

function openStderr(
  files: Map<string, RotatingFile>,
  entry: ServerEntry,
  label: string,
  { locations, redactor, now }: ServerSideDeps,
): StderrSink {
  const path = join(ensurePrivateDir(locations.serverLogsDir), `${entry.slug}.log`);
  const file = files.get(path) ?? createRotatingFile({ path, ...serverLog });
  files.set(path, file);
  return createStderrSink({ file, redact: redactor.redact, label, now });
}

async function openJournal(locations: Locations, log: Log): Promise<Journal> {
  const reaped = await reapJournal(locations.journalPath);
  if (reaped.length > 0)
    log.warn('leftovers.ended', { servers: reaped.map(({ server, pid }) => `${server} (${pid})`) });
  const unnamed = await reapMarked(markerTag(locations.journalPath));
  if (unnamed > 0) log.warn('leftovers.ended', { processes: unnamed });
  return createJournal(locations.journalPath);
}
