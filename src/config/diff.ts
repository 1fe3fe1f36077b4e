import { canonicalJson } from '../base/canonical-json.ts';
import { isRecord } from '../base/guards.ts';
import type { Config } from './load.ts';
import type { ServerEntry } from './server-entry.ts';

export type ConfigDiff = {
  /** Names of servers. */
  added: string[];
  removed: string[];
  /** Anything that a start or a call could notice; layout, comments and unknown keys are not. */
  changed: string[];
  /** Those of `changed` whose copies must start anew; what else changed holds for running ones at once. */
  restart: string[];
  /** Paths of settings, as `http.port`. */
  settings: string[];
};

export function diffConfigs(before: Config, after: Config): ConfigDiff {
  const { servers: oldServers, ...oldSettings } = before;
  const { servers: newServers, ...newSettings } = after;
  const [old, next] = [comparable(oldServers), comparable(newServers)];
  const [oldLaunch, newLaunch] = [launches(oldServers), launches(newServers)];
  return {
    added: [...next.keys()].filter((name) => !old.has(name)),
    removed: [...old.keys()].filter((name) => !next.has(name)),
    changed: [...next.keys()].filter((name) => old.has(name) && old.get(name) !== next.get(name)),
    restart: [...newLaunch.keys()].filter((name) => old.has(name) && oldLaunch.get(name) !== newLaunch.get(name)),
    settings: changedPaths(oldSettings, newSettings),
  };
}

function comparable(servers: Config['servers']): Map<string, string> {
  // The hash also covers unknown keys.
  return new Map(servers.map(({ definitionHash: _, ...entry }) => [entry.name, canonicalJson(entry)]));
}

/** What a copy is started or introduced with. Sharing and the like give other copies or none, but do not alter one. */
function launches(servers: Config['servers']): Map<string, string> {
  return new Map(servers.map((entry) => [entry.name, canonicalJson(launchOf(entry))]));
}

function launchOf(entry: ServerEntry): Partial<ServerEntry> {
  const { kind, command, args, env, inheritEnv, cwd, url, headers, oauth, sampling, enabled } = entry;
  return {
    ...{ kind, args, env, inheritEnv, headers, sampling, enabled },
    ...(command !== undefined && { command }),
    ...(cwd !== undefined && { cwd }),
    ...(url !== undefined && { url }),
    ...(oauth !== undefined && { oauth }),
  };
}

function changedPaths(before: object, after: object): string[] {
  const [old, next] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  return [...new Set([...old.keys(), ...next.keys()])].flatMap((section) => {
    const [was, is] = [old.get(section), next.get(section)];
    if (canonicalJson(was) === canonicalJson(is)) return [];
    if (!isRecord(was) || !isRecord(is)) return [section];
    const keys = new Set([...Object.keys(was), ...Object.keys(is)]);
    const [wasMap, isMap] = [new Map(Object.entries(was)), new Map(Object.entries(is))];
    return [...keys]
      .filter((key) => canonicalJson(wasMap.get(key)) !== canonicalJson(isMap.get(key)))
      .map((key) => `${section}.${key}`);
  });
}
