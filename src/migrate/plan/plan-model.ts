// The plan as data: what would move, why, what stays, and the exact text of every file after it.
import type { Sharing } from '../../link/control.ts';
import type { DocumentOp } from '../documents/edit-document.ts';
import type { HostId, LaunchEntry, Place, SourceProblem } from '../programs/declared.ts';
import type { Boundary } from '../world.ts';
import type { RuleFinding } from './find-rules.ts';
import type { RunningCopies } from './running-copies.ts';

export type PlannedPlace = Place & {
  /** Why this declaration is left as it is. */
  stays?: string;
  /** What happens to it. */
  change?:
    | 'removed'
    | 'silenced'
    | 'silenced everywhere'
    | 'removed from the repository'
    | 'kept as a wrapper'
    | 'plugin switched off';
  /** Approval of exactly this content, for entries that a repository brings. */
  needsApproval?: string;
  /** That content, line by line. */
  declares?: string[];
};

export type NameConflict = { name: string; file: string; line: number; choices: string[] };

export type PlannedServer = {
  /** Start of the hash of its launch. */
  id: string;
  /** Its name in our config. */
  name: string;
  /** The name that sessions see, if another server of that name is seen elsewhere. */
  shownAs?: string;
  /** Its part in our tool names. */
  part: string;
  places: PlannedPlace[];
  moves: boolean;
  /** Why it does not move. */
  stays: string[];
  /** It stands in our config already, under this name. */
  isShared: boolean;
  keepsNames: boolean;
  entry: LaunchEntry;
  sharing: Sharing;
  sharingReason: string;
  projects?: string[];
  running?: RunningCopies;
  needsLogin: boolean;
  notPortable: string[];
  mistake?: { why: string; instead?: LaunchEntry };
  leftBehind: string[];
  rules: RuleFinding[];
  conflict?: NameConflict;
  notes: string[];
};

export type FileEdit = {
  path: string;
  boundary: Boundary;
  format: 'jsonc' | 'toml' | 'text';
  /** sha256 of the bytes that the plan was made from; absent if there was no file. */
  before?: string;
  beforeText?: string;
  after: string;
  hasBom: boolean;
  /** What it is about, for people. */
  purpose: string;
  ops: DocumentOp[];
  warning?: string;
};

export type Plan = {
  version: 1;
  /** sha256 over servers and files: the same id is the same plan. */
  id: string;
  createdAt: string;
  /** Why apply would refuse altogether. */
  refusals: string[];
  servers: PlannedServer[];
  files: FileEdit[];
  /** Files that could not be read; their servers are not known. */
  problems: SourceProblem[];
};

export type PlanOptions = {
  /** Names (theirs or ours) of servers to move; absent: all. */
  only?: readonly string[];
  /** Keep tool names by an entry of its own; `true` for all. */
  keepNames: true | readonly string[];
  removeFromRepo: boolean;
  silenceEverywhere: boolean;
  /** Servers whose visibility is not limited to their folder; `true` for all. */
  everywhere: true | readonly string[];
  /** `<name>@<start of the approval hash>`, or the whole hash. */
  accepted: readonly string[];
  /** `<server>:<NAME>`: further variables from the session. */
  inherit: readonly string[];
  /** New name by old one. */
  rename: ReadonlyMap<string, string>;
};

export const defaultPlanOptions: PlanOptions = {
  keepNames: [],
  removeFromRepo: false,
  silenceEverywhere: false,
  everywhere: [],
  accepted: [],
  inherit: [],
  rename: new Map(),
};

export function isClaudeHost(host: HostId): boolean {
  return host === 'claude-code' || host === 'claude-plugin';
}
