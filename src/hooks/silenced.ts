// Servers that a migration silenced in this project and that nobody starts now: the settings came from another machine, or
// our config was lost. The person would only see that tools are missing.
import { join } from 'node:path';
import { type ReadLimits, readForeignText } from '../base/foreign-file.ts';
import type { Locations } from '../link/locations.ts';
import { movedMark, movedNames } from '../link/moved-marks.ts';

/** Settings are a few KB; a larger file is not worth a session's start. */
const maxBytes = 256 * 1024;

/** Their names in the project, or an empty list. Never throws. */
export function findLostServers(locations: Locations, projectDir: string): string[] {
  const text = readSmall(join(projectDir, '.claude', 'settings.local.json'), { inside: projectDir });
  // The mark is rare: nothing is parsed in a project that was never migrated.
  if (!text?.includes(`"${movedMark}"`)) return [];
  const config = readSmall(locations.configPath) ?? '';
  return (
    movedNames(parse(text))
      // The config may hold comments, which this side cannot parse; a name that stands nowhere in it is not configured.
      .filter(({ ours }) => !config.includes(JSON.stringify(ours)))
      .map(({ theirs }) => theirs)
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Claude Code says itself that its settings are broken
  }
}

function readSmall(path: string, where: Pick<ReadLimits, 'inside'> = {}): string | undefined {
  const reading = readForeignText(path, { maxBytes, ...where });
  return reading.kind === 'text' ? reading.text : undefined;
}
