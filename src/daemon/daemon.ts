// One daemon: its parts, in which order they start, and that they end in the reverse of it.
import { randomBytes } from 'node:crypto';
import type { Log } from '../base/log.ts';
import { processStartTime } from '../base/process-identity.ts';
import type { Redactor } from '../base/redact.ts';
import { ownBuild, protocolMajor } from '../link/build.ts';
import type { Endpoint } from '../link/endpoint.ts';
import type { Environment, Locations } from '../link/locations.ts';
import { createControlActions } from './control/control-actions.ts';
import type { RouteContext } from './control/http-server.ts';
import { type ControlActions, createRoutes } from './control/routes.ts';
import { Doors, type DoorsDeps } from './doors.ts';
import { callsEndMs, Drain } from './drain.ts';
import { type DaemonPart, Parts } from './parts.ts';
import { Switchboard, type SwitchboardDeps } from './switchboard.ts';
import { Upkeep } from './upkeep.ts';

export type DaemonOptions = {
  locations: Locations;
  env: Environment;
  /** A private daemon that ends with its only session. */
  isAlone: boolean;
  log: Log;
  redactor: Redactor;
  /** Streams events to a watching program. */
  subscribe: (context: RouteContext) => void;
  /** Called once, when everything is stopped. */
  onStopped: (reason: string) => void;
} & Pick<SwitchboardDeps, 'createOpener'>;

/** A copy that does not end on request is killed after that; the host of a session waits for none of it. */
const serversEndMs = 8_000;

export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const daemon = new Daemon(options);
  await daemon.start();
  return daemon;
}

export class Daemon {
  readonly endpoint: Endpoint;
  readonly #options: DaemonOptions;
  readonly #parts: Parts;
  readonly #switchboard: Switchboard;
  readonly #drain: Drain;
  readonly #doors: Doors;
  readonly #upkeep: Upkeep;
  #stopping: Promise<void> | undefined;

  constructor(options: DaemonOptions) {
    const { locations, log } = options;
    const now = Date.now;
    this.#options = options;
    this.endpoint = createEndpoint(locations);
    this.#parts = new Parts(log);
    const stop = (reason: string, restart: boolean) => void this.stop(reason, restart);
    const switchboard = new Switchboard({
      ...options,
      beforeRequest: (isExact) => this.#upkeep.checkFiles(isExact),
      now,
    });
    this.#switchboard = switchboard;
    this.#drain = new Drain({ sessions: () => switchboard.roster.all(), log });
    const shared = { ...options, switchboard, isDraining: () => this.#drain.isDraining, now };
    const routes = createRoutes(this.#createActions(shared));
    const doors = new Doors({ ...shared, endpoint: this.endpoint, routes, stop });
    this.#doors = doors;
    this.#upkeep = new Upkeep({ ...options, switchboard, doors, stop: (reason) => stop(reason, true), now });
  }

  start(): Promise<void> {
    return this.#parts.start(this.#list());
  }

  /** Idempotent; who asks again may be in more of a hurry. `restart`: the next session may start a daemon at once. */
  stop(reason: string, restart = false, isForced = false): Promise<void> {
    this.#drain.ask({ reason, restart, isForced });
    this.#stopping ??= this.#stop(reason);
    return this.#stopping;
  }

  async #stop(reason: string): Promise<void> {
    const { log, onStopped } = this.#options;
    log.info('daemon.stopping', { reason, sessions: this.#switchboard.roster.size });
    await this.#parts.stop(reason);
    onStopped(reason);
  }

  /** From the last to end to the first. */
  #list(): DaemonPart[] {
    const { records, servers, router, faces } = this.#switchboard;
    return [
      // Hosts that ended a moment ago: nobody else would remove their records before the next daemon.
      { name: 'records', stop: () => void records.prune([]) },
      { name: 'files of servers', stop: () => servers.close(), endMs: serversEndMs },
      ...this.#doors.parts(),
      { name: 'modes', stop: () => router.modes.close() },
      { name: 'faces', stop: () => faces.flush() },
      { name: 'copies', stop: (reason) => servers.supervisor.close(reason), endMs: serversEndMs },
      // Calls end before the copies that they are at; sessions hear of it before they could send another.
      { name: 'calls', stop: (reason) => this.#drain.run(reason), endMs: callsEndMs.asked + 1_000 },
      { name: 'logins', stop: () => servers.closeLogins() },
      this.#doors.portPart(),
      ...this.#upkeep.parts(),
    ];
  }

  #createActions({
    switchboard,
    isDraining,
    now,
  }: Pick<DoorsDeps, 'switchboard' | 'isDraining' | 'now'>): ControlActions {
    const { locations, redactor, subscribe } = this.#options;
    const { holder, roster, router, servers, baseline } = switchboard;
    const { supervisor, catalog, hazards, login } = servers;
    return createControlActions({
      ...{ locations, holder, roster, router, supervisor, catalog, hazards, login },
      ...{ baseline, subscribe, isDraining, now },
      endpoint: this.endpoint,
      since: now(),
      redact: redactor.redact,
      envValues: () => switchboard.envFileValues(),
      port: () => ({ port: this.#doors.port, problem: this.#doors.portProblem }),
      reload: () => this.#upkeep.reload(),
      refreshConfig: () => this.#upkeep.refreshConfig(),
      upgrade: () => this.#upkeep.upgrade(),
      drain: ({ restart, force }) => void this.stop(restart ? 'restart' : 'stop', restart, force),
    });
  }
}

function createEndpoint({ socketPath }: Locations): Endpoint {
  return {
    ...{ pid: process.pid, startTime: processStartTime(process.pid) ?? '' },
    build: ownBuild,
    protocol: protocolMajor,
    socket: socketPath,
    nonce: randomBytes(16).toString('hex'),
    execPath: process.execPath,
  };
}
