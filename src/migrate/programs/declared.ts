// One server as one file of one program declares it.

export type HostId =
  | 'claude-code'
  | 'claude-plugin'
  | 'claude-desktop'
  | 'cursor'
  | 'vscode'
  | 'codex'
  | 'opencode'
  | 'pi';

export type HostScope = 'user' | 'local' | 'project' | 'plugin';

export type Place = {
  host: HostId;
  scope: HostScope;
  file: string;
  /** Keys that lead to the entry in the file. */
  path: string[];
  line: number;
  /** As it is written there. */
  name: string;
  /** Folder of a local or project entry. */
  project?: string;
  /** `serena@claude-plugins-official`. */
  plugin?: string;
};

/** The launch of a server in our own config's words. */
export type LaunchEntry = {
  type?: 'stdio' | 'http' | 'sse' | 'ws';
  command?: string;
  args?: string[];
  env?: Record<string, string>;
  inheritEnv?: string[];
  cwd?: string;
  url?: string;
  headers?: Record<string, string>;
  timeout?: number;
};

export type Declared = {
  place: Place;
  entry: LaunchEntry;
  /** The entry as it stands there, for hashes. */
  raw: unknown;
  /** Switched off in its own file or by the person. */
  off?: string;
  /** Keys that we cannot carry over and that matter. */
  uncarried: string[];
  /** Keys left behind without loss of function. */
  leftBehind: string[];
  /** Why the entry cannot be read as a server at all. */
  invalid?: string;
  /** Only for entries that a repository brings. */
  approval?: 'approved' | 'pending' | 'rejected';
  /** How Claude Code writes its tools: `mcp__github`. Absent for other programs. */
  toolPrefix?: string;
};

export type SourceProblem = { file: string; reason: string; line?: number };
export type Collected = { servers: Declared[]; problems: SourceProblem[] };

/** Claude Code writes every other character as an underscore. */
export function claudeName(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]/g, '_');
}

export function claudeToolPrefix(place: Place): string {
  if (place.scope === 'plugin') {
    const plugin = place.plugin?.split('@')[0] ?? '';
    return `mcp__plugin_${claudeName(plugin)}_${claudeName(place.name)}`;
  }
  return `mcp__${claudeName(place.name)}`;
}
