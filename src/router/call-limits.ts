// How many calls one copy of a server gets at the same time. Asked with every call, so it is worked out once per config.
import { concurrencyOf } from '../config/known-servers.ts';
import type { Config } from '../config/load.ts';
import type { ServerEntry } from '../config/server-entry.ts';

export function createCallLimits(config: () => Config): (entry: ServerEntry) => number {
  let basis: Config | undefined;
  let known = new WeakMap<ServerEntry, number>();
  return (entry) => {
    const current = config();
    if (current !== basis) {
      basis = current;
      known = new WeakMap();
    }
    const limit = known.get(entry) ?? concurrencyOf(entry, current.knownServers) ?? Number.POSITIVE_INFINITY;
    known.set(entry, limit);
    return limit;
  };
}
