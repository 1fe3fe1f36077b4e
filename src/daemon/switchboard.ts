// The middle of the daemon: sessions on one side, real servers on the other, the router between them. Who opens sessions
// and from where is not known here.
import { join } from 'node:path';
import type { Log } from '../base/log.ts';
import type { Redactor } from '../base/redact.ts';
import { cacheDir } from '../config/cache-dir.ts';
import { readEnvFile } from '../config/env-file.ts';
import { baselineEnv, type EnvValues } from '../link/baseline-env.ts';
import type { Environment, Locations } from '../link/locations.ts';
import { Router } from '../router/router.ts';
import { Records } from '../sessions/records.ts';
import { Roster } from '../sessions/roster.ts';
import type { Session } from '../sessions/session.ts';
import { ConfigHolder } from './config-holder.ts';
import { createFindings, type Findings } from './findings.ts';
import { createServedFaces, type ServedFaces } from './served-faces.ts';
import { createServerSide, type ServerSide, type ServerSideDeps } from './server-side.ts';

export type SwitchboardDeps = {
  locations: Locations;
  env: Environment;
  /** A private daemon's lists are nobody else's. */
  isAlone: boolean;
  redactor: Redactor;
  /** A request came. `isExact`: what it asks for comes straight from the config. */
  beforeRequest: (isExact: boolean) => void;
  log: Log;
  now: () => number;
} & Pick<ServerSideDeps, 'createOpener'>;

export class Switchboard {
  readonly holder: ConfigHolder;
  readonly roster = new Roster();
  readonly records: Records;
  readonly servers: ServerSide;
  readonly faces: ServedFaces;
  readonly router: Router;
  readonly findings: Findings;
  /** The daemon's own environment, for whoever asks without one. */
  readonly baseline: EnvValues;
  readonly #deps: SwitchboardDeps;

  constructor(deps: SwitchboardDeps) {
    const { locations, env, redactor, log, now } = deps;
    this.#deps = deps;
    this.baseline = baselineEnv(env);
    this.holder = new ConfigHolder(locations, env, log);
    const { holder, roster } = this;
    this.records = new Records({ recordsDir: locations.recordsDir, daemonName: locations.name, log, now });
    // Servers say things by themselves, and requests ask for servers: the one knot, tied here.
    const router = () => this.router;
    this.servers = createServerSide({ ...deps, holder, roster, router });
    this.faces = createServedFaces({ facesDir: locations.facesDir, roster, router, log });
    this.router = this.#createRouter(redactor);
    this.findings = createFindings({ locations, holder, log });
  }

  open(session: Session): void {
    const { roster } = this;
    roster.add(session);
    const { host, projectRoot } = session.identity;
    this.#deps.log.info('session.opened', {
      session: session.id,
      host: host.pid,
      project: projectRoot,
      sessions: roster.size,
    });
  }

  /** Its connection has ended. */
  close(session: Session, reason: string): void {
    const { roster } = this;
    roster.remove(session);
    this.servers.supervisor.release(session.identity);
    this.router.sessionEnded(session);
    const host = session.identity.host.pid;
    this.#deps.log.info('session.closed', { session: session.id, host, reason, sessions: roster.size });
  }

  /** Variables for askers without a wrapper, as the file has them now. */
  envFileValues(): EnvValues {
    return readEnvFile(this.#deps.locations.envFilePath).values;
  }

  #createRouter({ redact }: Redactor): Router {
    const { locations, isAlone, beforeRequest, log, now } = this.#deps;
    const { supervisor, catalog, noteHazard } = this.servers;
    const cache = cacheDir(locations);
    return new Router({
      ...{ catalog, roster: this.roster, redact, beforeRequest, log, now },
      config: () => this.holder.config,
      configTrouble: () => {
        const { error } = this.holder.state;
        return error && redact([error.message, error.hint].filter((text) => text !== undefined).join(' '));
      },
      supervisor: () => supervisor,
      spillFolder: join(cache, 'results'),
      poolFolder: join(cache, 'found-tools'),
      jobFolder: join(cache, 'jobs'),
      onServed: (session) => !isAlone && this.faces.onServed(session),
      onHazard: noteHazard,
    });
  }
}
