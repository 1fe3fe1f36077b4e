// The servers of one file in one of the two formats, each with its exact place.
import { isRecord } from '../../base/guards.ts';
import { lineOfPath, readJsonc, valueAt } from '../documents/jsonc-document.ts';
import { readToml, tomlLines } from '../documents/toml-document.ts';
import { type Boundary, readClientFile } from '../world.ts';
import { claudeToolPrefix, type Declared, type HostScope, type SourceProblem } from './declared.ts';
import { readEntry } from './entry-codecs.ts';
import type { HostFile } from './hosts.ts';

export type FileServers = { servers: Declared[]; problems: SourceProblem[]; exists: boolean };
export type FilePlace = HostFile & { scope: HostScope; boundary: Boundary; project?: string; plugin?: string };

export function readServersOf(place: FilePlace): FileServers {
  const reading = readClientFile(place.file, place.boundary);
  if (reading.kind === 'absent') return { servers: [], problems: [], exists: false };
  if (reading.kind === 'refused') {
    return { servers: [], problems: [{ file: place.file, reason: reading.reason }], exists: true };
  }
  const { text } = reading.document;
  if (place.format === 'toml') return { ...tomlServers(place, text), exists: true };
  const parsed = readJsonc(text);
  if ('reason' in parsed) return { servers: [], problems: [{ file: place.file, ...parsed }], exists: true };
  const container = containerOf(place, parsed.value);
  const found = serversIn(place, parsed.value, container, (path) => lineOfPath(text, parsed.root, path));
  return { ...found, exists: true };
}

function tomlServers(place: FilePlace, text: string): Omit<FileServers, 'exists'> {
  const parsed = readToml(text);
  if ('reason' in parsed) return { servers: [], problems: [{ file: place.file, ...parsed }] };
  return serversIn(place, parsed.value, place.container, tomlLines(text));
}

/** opencode 2 moved its servers one level down, to `mcp.servers`. */
function containerOf(place: FilePlace, value: Record<string, unknown>): string[] {
  if (place.host !== 'opencode') return place.container;
  const deeper = [...place.container, 'servers'];
  const found = valueAt(value, deeper);
  return isRecord(found) && found['type'] === undefined ? deeper : place.container;
}

export function serversIn(
  place: FilePlace,
  value: Record<string, unknown>,
  container: string[],
  lineAt: (path: string[]) => number,
): Omit<FileServers, 'exists'> {
  const entries = valueAt(value, container);
  if (entries === undefined || entries === null) return { servers: [], problems: [] };
  if (!isRecord(entries)) {
    const reason = `has ${container.join('.')} that is no object`;
    return { servers: [], problems: [{ file: place.file, reason, line: lineAt(container) }] };
  }
  const servers = Object.keys(entries).map((name): Declared => {
    const path = [...container, name];
    const raw = entries[name];
    const { entry, isOff, uncarried, leftBehind, invalid } = readEntry(place.host, raw);
    const at = {
      host: place.host,
      scope: place.scope,
      file: place.file,
      path,
      line: lineAt(path),
      name,
      ...(place.project === undefined ? {} : { project: place.project }),
      ...(place.plugin === undefined ? {} : { plugin: place.plugin }),
    };
    const isClaude = place.host === 'claude-code' || place.host === 'claude-plugin';
    return {
      place: at,
      entry,
      raw,
      uncarried,
      leftBehind,
      ...(isOff ? { off: 'is switched off in its own entry' } : {}),
      ...(invalid === undefined ? {} : { invalid }),
      ...(isClaude ? { toolPrefix: claudeToolPrefix(at) } : {}),
    };
  });
  return { servers, problems: [] };
}
