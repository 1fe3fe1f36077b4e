// Our own config as the plan sees it: which launches it holds, under which names.

import { isRecord } from '../../base/guards.ts';
import { checkServer, type ServerEntry } from '../../config/server-entry.ts';
import { readJsonc } from '../documents/jsonc-document.ts';
import { readEntry } from '../programs/entry-codecs.ts';
import { readClientFile, type World } from '../world.ts';
import { specKey } from './launch-spec.ts';

export type OwnConfig = {
  path: string;
  /** Why it cannot be edited. */
  problem?: string;
  names: ReadonlySet<string>;
  nameOf: (key: string) => string | undefined;
  definition: (name: string) => unknown;
  /** Those that sessions can see. */
  entries: readonly ServerEntry[];
};

export function readOwnConfig(world: World): OwnConfig {
  const path = world.locations.configPath;
  const reading = readClientFile(path, { inside: world.locations.root });
  const none = { names: new Set<string>(), nameOf: () => undefined, definition: () => undefined, entries: [] };
  const empty: OwnConfig = { path, ...none };
  if (reading.kind === 'absent') return empty;
  if (reading.kind === 'refused') return { ...empty, problem: reading.reason };
  const parsed = readJsonc(reading.document.text);
  if ('reason' in parsed) return { ...empty, problem: parsed.reason };
  const servers = parsed.value['mcpServers'] ?? {};
  if (!isRecord(servers)) return { ...empty, problem: 'has mcpServers that is no object' };
  const byKey = new Map<string, string>();
  for (const [name, definition] of Object.entries(servers))
    byKey.set(specKey(readEntry('claude-code', definition).entry), name);
  return {
    path,
    names: new Set(Object.keys(servers)),
    nameOf: (key) => byKey.get(key),
    definition: (name) => servers[name],
    entries: Object.entries(servers).flatMap(
      ([name, definition]) => checkServer(name, definition, world.home).entry ?? [],
    ),
  };
}
