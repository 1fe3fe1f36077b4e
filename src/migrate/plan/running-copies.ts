// Which running processes are copies of a server, what they cost, and which variables they were given.
import { baselineEnv, matchesName } from '../../link/baseline-env.ts';
import type { LaunchEntry } from '../programs/declared.ts';
import { type LaunchPattern, launchPattern } from './launch-match.ts';
import type { ProcessTable, RunningProcess } from './process-table.ts';

export type RunningCopies = {
  copies: number;
  processes: number;
  /** Absent where the system does not tell. */
  pssBytes?: number;
  /** Names of variables beyond the usual ones that its copies were given and that look like its own. */
  inheritEnv: string[];
  /** Further names; carried only if a person says so. */
  alsoGiven: string[];
};

export type FindCopies = (entry: LaunchEntry) => RunningCopies | undefined;

/** Looks up copies in one snapshot; without a table nothing is known. `rivals`: all servers that may be meant. */
export function createCopyFinder(table: ProcessTable | undefined, rivals: readonly LaunchEntry[] = []): FindCopies {
  if (!table) return () => undefined;
  const patterns = rivals.map(launchPattern);
  return (entry) => {
    if (entry.command === undefined) return undefined;
    const trees = findCopyTrees(table, entry, patterns);
    const roots = trees.flatMap(([root]) => root ?? []);
    const all = trees.flat();
    const pss = all.map((running) => table.pssBytes(running.pid));
    const given = roots.flatMap((root) => table.variableNames(root.pid));
    return {
      copies: roots.length,
      processes: all.length,
      ...(pss.every((bytes) => bytes !== undefined)
        ? { pssBytes: pss.reduce((sum: number, bytes) => sum + (bytes ?? 0), 0) }
        : {}),
      ...sortVariables(entry, given),
    };
  };
}

/** Each copy of a server with all that it started, its root first. What a rival describes more exactly is the rival's. */
export function findCopyTrees(
  table: Pick<ProcessTable, 'processes'>,
  entry: LaunchEntry,
  rivals: readonly LaunchPattern[] = [],
): RunningProcess[][] {
  const { weight, matches } = launchPattern(entry);
  const stronger = rivals.filter((rival) => rival.weight > weight);
  const matching = table.processes.filter(
    ({ argv }) => matches(argv) && !stronger.some((rival) => rival.matches(argv)),
  );
  const pids = new Set(matching.map((running) => running.pid));
  const byPid = new Map(table.processes.map((running) => [running.pid, running]));
  const children = childrenIn(table);
  const roots = matching.filter((running) => !hasAncestorIn(running, pids, byPid));
  return roots.map((root) => treeOf(root, children));
}

function childrenIn({ processes }: Pick<ProcessTable, 'processes'>): Map<number, RunningProcess[]> {
  const children = new Map<number, RunningProcess[]>();
  for (const entry of processes) children.set(entry.ppid, [...(children.get(entry.ppid) ?? []), entry]);
  return children;
}

function hasAncestorIn(
  running: RunningProcess,
  pids: ReadonlySet<number>,
  byPid: ReadonlyMap<number, RunningProcess>,
): boolean {
  let at = byPid.get(running.ppid);
  for (let depth = 0; at && depth < 64; depth += 1) {
    if (pids.has(at.pid)) return true;
    at = byPid.get(at.ppid);
  }
  return false;
}

function treeOf(root: RunningProcess, children: ReadonlyMap<number, RunningProcess[]>): RunningProcess[] {
  const tree = [root];
  for (const running of tree) {
    for (const child of children.get(running.pid) ?? []) if (!tree.includes(child)) tree.push(child);
  }
  return tree;
}

/** Given to every child by hosts, shells, terminals and package managers; never the server's own. */
const noise = [
  ...['CLAUDE*', 'ANTHROPIC_*', 'AI_AGENT', 'npm_*', 'NODE', 'NODE_OPTIONS', 'PWD', 'OLDPWD', 'SHLVL', '_', 'TERM*'],
  ...['COLORTERM', 'TMUX*', 'SSH_*', 'VSCODE_*', 'CURSOR_*', 'COREPACK_*', 'INIT_CWD', 'EDITOR', 'VISUAL', 'PAGER'],
  ...['HOSTNAME', 'MAIL', 'LS_COLORS', 'LESS*', 'WINDOWID', 'GIT_*', 'MCP_*', 'MCPPROXY_*', 'AITKIT_*', 'OTEL_*'],
  ...['BASH_*', 'ZSH*', 'VIRTUAL_ENV*', 'CONDA_*', 'NVM_*', 'PYENV_*', 'DEBUG', 'INVOCATION_ID', 'JOURNAL_STREAM'],
];

/** Programs whose variables do not start with their own name. */
const families: readonly { word: RegExp; names: readonly string[] }[] = [
  { word: /postgres|\bpg\b|supabase|neon/, names: ['PG*', 'POSTGRES*', 'DATABASE_*'] },
  { word: /github|\bgh\b/, names: ['GITHUB_*', 'GH_*'] },
  { word: /\baws\b|dynamo|\bs3\b|bedrock/, names: ['AWS_*'] },
  { word: /gcp|google|gcloud|bigquery/, names: ['GOOGLE_*', 'GCP_*', 'GCLOUD_*', 'CLOUDSDK_*'] },
  { word: /azure/, names: ['AZURE_*'] },
  { word: /kube|k8s|helm/, names: ['KUBECONFIG', 'KUBE*'] },
  { word: /docker|container/, names: ['DOCKER_*'] },
];

function sortVariables(entry: LaunchEntry, given: readonly string[]): { inheritEnv: string[]; alsoGiven: string[] } {
  const usual = (name: string) => Object.hasOwn(baselineEnv({ [name]: '' }), name) || matchesName(noise, name);
  const configured = new Set(Object.keys(entry.env ?? {}));
  const names = [...new Set(given)].filter((name) => !usual(name) && !configured.has(name)).sort();
  const text = [entry.command ?? '', ...(entry.args ?? [])].join(' ').toLowerCase();
  const words = new Set(
    text
      .split(/[^a-z0-9]+/)
      .filter((word) => word.length >= 3 && !['mcp', 'server', 'npx', 'uvx', 'node'].includes(word)),
  );
  const patterns = families.filter(({ word }) => word.test(text)).flatMap((family) => family.names);
  const isOwn = (name: string) => matchesName(patterns, name) || words.has(name.toLowerCase().split('_')[0] ?? '');
  return { inheritEnv: names.filter(isOwn), alsoGiven: names.filter((name) => !isOwn(name)) };
}
