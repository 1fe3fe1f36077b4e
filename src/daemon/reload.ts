// The way of a change in the config or the env file to what runs: copies, sessions, the port. What did not change is
// not touched.

import type { Log } from '../base/log.ts';
import { watchConfig } from '../config/watch.ts';
import type { ReloadReport } from '../link/control.ts';
import type { Locations } from '../link/locations.ts';
import type { Router } from '../router/router.ts';
import type { Roster } from '../sessions/roster.ts';
import type { Supervisor } from '../upstream/supervisor.ts';
import type { ConfigHolder } from './config-holder.ts';
import type { Findings } from './findings.ts';
import { askForValues } from './link-server.ts';

export type ReloadDeps = {
  locations: Pick<Locations, 'configPath' | 'envFilePath'>;
  holder: ConfigHolder;
  roster: Roster;
  router: Router;
  supervisor: Supervisor;
  findings: Findings;
  /** The port is another one now. */
  movePort: (port: number | 'off') => void;
  log: Log;
};

export type Reload = {
  reload: () => ReloadReport;
  /** The same if the file has changed, so that what is shown is what it holds. */
  refresh: () => void;
  /** Before a request is answered: it must see what was saved before it was sent. `isExact`: also in the env file. */
  check: (isExact: boolean) => void;
  close: () => void;
};

export function openReload(deps: ReloadDeps): Reload {
  const { locations, roster, log } = deps;
  const config = watchConfig(locations.configPath, (isSettled) => reloadConfig(deps, isSettled).reloaded);
  const reload = () => {
    config.taken();
    return reloadConfig(deps, true);
  };
  // Only programs without a wrapper have their variables from there; a wrapper has its session's own.
  const env = watchConfig(locations.envFilePath, () => {
    log.info('env-file.changed');
    const wants = deps.holder.wants();
    for (const session of roster.all()) {
      if (session.identity.wrapper.pid > 0) continue;
      askForValues(session, wants);
      deps.router.refresh(session);
    }
    return true;
  });
  return {
    reload,
    refresh: () => {
      if (config.isChanged()) reload();
    },
    check: (isExact) => {
      config.check();
      if (isExact) env.check();
    },
    close: () => {
      config.close();
      env.close();
    },
  };
}

function reloadConfig(deps: ReloadDeps, isSettled: boolean): ReloadReport {
  const { holder, roster, router, supervisor, findings, movePort, log } = deps;
  const before = holder.wants();
  const diff = holder.reload(isSettled);
  if (!diff) {
    if (isSettled) findings.update(undefined);
    return { reloaded: false, error: holder.state.error };
  }
  supervisor.configChanged(diff).catch((error: unknown) => log.error('reload.copies-not-ended', { error }));
  const wants = holder.wants();
  if (wants.join() !== before.join()) for (const session of roster.all()) askForValues(session, wants);
  router.refresh();
  router.learnNew([...diff.added, ...diff.changed]);
  if (diff.settings.includes('http.port')) movePort(holder.config.http.port);
  log.info('config.reloaded', { ...diff });
  findings.update(undefined);
  return { reloaded: true, ...diff };
}
