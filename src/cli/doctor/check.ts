// What a check of `doctor` is: looks at one thing, says what it found and how to put it right. Starts nothing.
import { readdirSync } from 'node:fs';
import type { LoadResult } from '../../config/load.ts';
import type { Sources } from '../../migrate/programs/collect-sources.ts';
import type { World } from '../../migrate/world.ts';
import type { CommandContext } from '../command.ts';
import type { FoundStatus } from '../running.ts';
import type { ProcessFacts } from './process-facts.ts';

/** `error`: something does not work. `warning`: it works and costs or endangers something. `note`: good to know. */
export type Severity = 'error' | 'warning' | 'note';

export type Fix = {
  /** What a person can do, a command where there is one. */
  say: string;
  /** Absent: only the person can do it. Verifies again what it acts on; throws when it did not work. */
  apply?: () => void | Promise<void>;
};

export type CheckFinding = { severity: Severity; what: string; fix?: Fix };
export type NamedFinding = CheckFinding & { check: string };

export type DoctorFacts = {
  context: CommandContext;
  world: World;
  config: LoadResult;
  found: FoundStatus;
  sources: Sources;
  /** Absent where the system does not tell. */
  processes: ProcessFacts | undefined;
};

export type Check = {
  /** For programs. */
  name: string;
  /** What was looked at, for the line that says that it is in order. */
  title: string;
  run: (facts: DoctorFacts) => CheckFinding[] | Promise<CheckFinding[]>;
};

/** Names in a folder; none where it is not there (yet) or not ours to read. */
export function listing(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
