// Our own config as the plan sees it: which launches it holds, under which names.
import { isRecord } from '../link/hello.ts';
import { readJsonc } from './documents/jsonc-document.ts';
import { readEntry } from './entry-codecs.ts';
import { specKey } from './launch-spec.ts';
import { readClientFile, type World } from './world.ts';

export type OwnConfig = {
  path: string;
  /** Why it cannot be edited. */
  problem?: string;
  names: ReadonlySet<string>;
  nameOf: (key: string) => string | undefined;
  definition: (name: string) => unknown;
};

export function readOwnConfig(world: World): OwnConfig {
  const path = world.locations.configPath;
  const reading = readClientFile(path, { inside: world.locations.root });
  const empty: OwnConfig = { path, names: new Set(), nameOf: () => undefined, definition: () => undefined };
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
  };
}
