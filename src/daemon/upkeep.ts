// What happens by the clock and by the files: changes of the config, dead hosts, idle copies, a newer build, the idle exit.
import type { Log } from '../base/log.ts';
import type { ReloadReport, UpgradeStatus } from '../link/control.ts';
import type { Locations } from '../link/locations.ts';
import { type HandOverWatch, watchHandOver } from './hand-over.ts';
import { watchIdle } from './idle-exit.ts';
import type { DaemonPart } from './parts.ts';
import { openReload, type Reload } from './reload.ts';
import type { Switchboard } from './switchboard.ts';

export type UpkeepDeps = {
  locations: Locations;
  isAlone: boolean;
  switchboard: Switchboard;
  doors: {
    /** Sessions over HTTP that the daemon need not stay for. */
    idleSessions: () => number;
    readonly port: number | undefined;
    movePort: (port: number | 'off') => void;
  };
  stop: (reason: string) => void;
  log: Log;
  now: () => number;
};

/** Stops idle copies, prunes records: often enough that a killed session is gone from `status` within 5 s. */
const sweepMs = 2_000;
/** The one session of a private daemon connects as soon as it is ready; after this its wrapper was killed before it did. */
const ownSessionMs = 10_000;

export class Upkeep {
  readonly #deps: UpkeepDeps;
  readonly #handOver: HandOverWatch;
  #reload: Reload | undefined;
  #sweep: NodeJS.Timeout | undefined;
  #idle: { close: () => void } | undefined;

  constructor(deps: UpkeepDeps) {
    const { locations, switchboard, stop, log, now } = deps;
    this.#deps = deps;
    this.#handOver = watchHandOver({
      appDir: locations.appDir,
      statePath: locations.handOverPath,
      view: () => ({
        sessions: switchboard.roster.size,
        calls: switchboard.roster.all().reduce((sum, session) => sum + session.requests.size, 0),
        stateful: switchboard.servers.supervisor.runningWithState(),
      }),
      make: () => stop('upgrade'),
      ...{ log, now },
    });
  }

  parts(): DaemonPart[] {
    return [
      { name: 'reload', start: () => this.#watchFiles(), stop: () => this.#reload?.close() },
      { name: 'sweep', start: () => this.#startSweep(), stop: () => clearInterval(this.#sweep) },
      { name: 'idle exit', start: () => this.#watchIdle(), stop: () => this.#idle?.close() },
    ];
  }

  /** A session may be there before the files are watched: then it has the config that was read a moment ago. */
  checkFiles(isExact: boolean): void {
    this.#reload?.check(isExact);
  }

  refreshConfig(): void {
    this.#reload?.refresh();
  }

  reload(): ReloadReport {
    return this.#reload?.reload() ?? { reloaded: false, error: undefined };
  }

  upgrade(): UpgradeStatus | undefined {
    return this.#handOver.status();
  }

  /** Why the daemon must stay, or undefined. */
  busyBecause(): string | undefined {
    const { switchboard, doors } = this.#deps;
    if (switchboard.roster.size > doors.idleSessions()) return 'sessions';
    if (switchboard.router.modes.runningJobs > 0) return 'jobs';
    // Programs that speak HTTP cannot start a daemon: where a person wants, it waits for them.
    if (switchboard.holder.config.http.keepDaemon && doors.port !== undefined) return 'http.keepDaemon';
    // Looked at now, not at the last sweep: a record of this very second holds the daemon, a dead host's is removed
    // while somebody is there to do it.
    return switchboard.records.prune([]) > 0 ? 'a session is starting' : undefined;
  }

  #watchFiles(): void {
    const { locations, switchboard, isAlone, doors, log } = this.#deps;
    const { holder, roster, router, servers, findings } = switchboard;
    this.#reload = openReload({
      ...{ locations, holder, roster, router, findings, log },
      supervisor: servers.supervisor,
      movePort: (port) => !isAlone && doors.movePort(port),
    });
  }

  #startSweep(): void {
    const { switchboard, isAlone, log } = this.#deps;
    const { roster, records, router, servers } = switchboard;
    this.#sweep = setInterval(() => {
      records.restore(roster.all());
      records.prune(roster.all());
      void servers.journal
        .then((one) => one.restore())
        .catch((error: unknown) => log.warn('journal.not-saved', { error }));
      if (!isAlone) this.#handOver.look();
      router.modes.sweep();
      servers.supervisor.sweep().catch((error: unknown) => log.error('sweep.failed', { error }));
    }, sweepMs);
  }

  #watchIdle(): void {
    const { switchboard, isAlone, stop, now } = this.#deps;
    this.#idle = watchIdle({
      busyBecause: () => this.busyBecause(),
      idleExitMs: () => (isAlone ? ownSessionMs : switchboard.holder.config.daemon.idleExitMs),
      onIdle: () => stop('idle'),
      now,
    });
  }
}
