// Who this wrapper is and for whom it works: what the hello says.
import { randomUUID } from 'node:crypto';
import { isAbsolute, resolve } from 'node:path';
import { ownFolder } from '../base/own-folder.ts';
import { type ProcessIdentity, processStartTime } from '../base/process-identity.ts';
import { readSystemFile } from '../base/system-file.ts';
import { baselineEnv, matchesName } from '../link/baseline-env.ts';
import { ownBuild, protocolMajor } from '../link/build.ts';
import type { Hello, SessionSettings } from '../link/hello.ts';
import type { Environment, Locations } from '../link/locations.ts';

export type IdentityOptions = {
  env: Environment;
  locations: Locations;
  projectDir: string;
  server: string | undefined;
  mode: string | undefined;
  isAlone: boolean;
};

/** Everything but `served`, which changes from one connection to the next. */
export function createIdentity({ env, locations, projectDir, server, mode, isAlone }: IdentityOptions): Hello {
  const hostSessionId = env['CLAUDE_CODE_SESSION_ID'];
  return {
    protocol: protocolMajor,
    build: ownBuild,
    wrapperId: randomId(),
    wrapper: identify(process.pid),
    host: identify(process.ppid),
    projectDir,
    ...(hostSessionId ? { hostSessionId } : {}),
    ...(server === undefined ? {} : { server }),
    ...(mode === undefined ? {} : { mode }),
    settings: isAlone ? { configPath: locations.configPath } : givenSettings(env, locations),
    env: baselineEnv(env),
  };
}

/** As the session's program named it, in full: a relative one would count from the daemon's folder, which is /. */
export function projectDirOf(env: Environment): string {
  const named = env['CLAUDE_PROJECT_DIR'] || '.';
  const cwd = ownFolder(env);
  // Nothing counts from a folder that is gone, and `resolve` would ask for it.
  return cwd === '' && !isAbsolute(named) ? '' : resolve(cwd, named);
}

/** Values of the variables that the config mentions, found in this session's environment. */
export function wantedValues(env: Environment, wants: readonly string[]): Record<string, string> {
  const values: Record<string, string> = {};
  if (wants.length === 0) return values;
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && matchesName(wants, name)) values[name] = value;
  }
  return values;
}

function givenSettings(env: Environment, locations: Locations): SessionSettings {
  const port = env['MCPPROXY_PORT'];
  return {
    ...(env['MCPPROXY_CONFIG_PATH'] ? { configPath: locations.configPath } : {}),
    ...(env['MCPPROXY_DATA_DIR'] ? { dataDir: locations.dataDir } : {}),
    ...(port ? { port } : {}),
  };
}

function identify(pid: number): ProcessIdentity {
  return { pid, startTime: processStartTime(pid) ?? '' };
}

/** From the kernel where it can be read: loading node:crypto costs 2 ms of a start that should take 20. */
function randomId(): string {
  return readSystemFile('/proc/sys/kernel/random/uuid', 'latin1').trim() || randomUUID();
}
