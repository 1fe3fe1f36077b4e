// Servers that a client starts for itself although the daemon has them, and entries that lead to the daemon twice.

import { specKey } from '../../migrate/plan/launch-spec.ts';
import { readOwnConfig } from '../../migrate/plan/own-config.ts';
import { hosts } from '../../migrate/programs/hosts.ts';
import { tilde } from '../../migrate/world.ts';
import type { Check, CheckFinding } from './check.ts';
import { doubleEntries } from './double-entries.ts';

export const duplicates: Check = {
  name: 'duplicates',
  title: "Clients' own entries",
  run: ({ sources, world }) => {
    const own = readOwnConfig(world);
    const found = sources.servers.flatMap(({ place, entry, off, invalid }): CheckFinding[] => {
      if (off !== undefined || invalid !== undefined) return [];
      const twin = own.nameOf(specKey(entry)) ?? (own.names.has(place.name) ? place.name : undefined);
      if (twin === undefined) return [];
      const title = place.host === 'claude-plugin' ? `the plugin ${place.plugin}` : hosts[place.host].title;
      return [
        {
          severity: 'warning',
          what: `${tilde(place.file, world.home)}:${place.line} (${title}) starts ${place.name} in every session; the daemon shares it as ${twin}.`,
          fix: { say: 'mcp-proxy migrate plan' },
        },
      ];
    });
    const problems = sources.problems.map(
      ({ file, reason, line }): CheckFinding => ({
        severity: 'note',
        what: `${tilde(file, world.home)}${line === undefined ? '' : `:${line}`} ${reason}, so its servers are not known.`,
        fix: { say: 'Correct the file.' },
      }),
    );
    return [...found, ...doubleEntries(sources, world), ...problems];
  },
};
