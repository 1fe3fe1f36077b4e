// Claude Code's own settings: user, project, local, managed, and its state file. Read once, used by sources, rules and plan.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Node } from 'jsonc-parser';
import { isRecord } from '../../base/guards.ts';
import { movedNames } from '../../link/moved-marks.ts';
import { readJsonc } from '../documents/jsonc-document.ts';
import {
  type Boundary,
  insideProject,
  isFolder,
  readClientFile,
  realpathIfPresent,
  type World,
  whyNotWritable,
} from '../world.ts';
import type { SourceProblem } from './declared.ts';
import { whyCommitted } from './git-ignore.ts';
import { claudeDir, claudeStatePath } from './hosts.ts';

export type SettingsKind = 'user' | 'project' | 'local' | 'managed' | 'state';

export type SettingsFile = {
  kind: SettingsKind;
  file: string;
  boundary: Boundary;
  project?: string;
  exists: boolean;
  value: Record<string, unknown>;
  text: string;
  root: Node | undefined;
  /** Why a rule in it cannot be extended by us: managed, committed, read-only. */
  fixed?: string;
};

export type ClaudeSettings = {
  files: SettingsFile[];
  problems: SourceProblem[];
  /** Real paths of the project folders that were asked for. */
  projects: string[];
};

export function readClaudeSettings(world: World, asked: readonly string[]): ClaudeSettings {
  const problems: SourceProblem[] = [];
  const files: SettingsFile[] = [];
  const read = (kind: SettingsKind, file: string, boundary: Boundary, project?: string): SettingsFile => {
    const reading = readSettingsFile({ kind, file, boundary, ...(project === undefined ? {} : { project }) });
    if ('reason' in reading) {
      problems.push(reading.problem);
      return reading.file;
    }
    return reading.file;
  };
  const home = { inside: world.home };
  const state = read('state', claudeStatePath(world), home);
  files.push(state, read('user', join(claudeDir(world), 'settings.json'), home));
  for (const file of managedFiles(world)) files.push(read('managed', file, { inside: world.managedDir }));
  const projects = [...new Set(asked.map((folder) => realpathIfPresent(folder) ?? folder))];
  for (const project of new Set([...projects, ...knownProjects(state.value)])) {
    if (!isFolder(project) || project === world.home) continue;
    const boundary = insideProject(project);
    files.push(read('project', join(project, '.claude', 'settings.json'), boundary, project));
    files.push(read('local', join(project, '.claude', 'settings.local.json'), boundary, project));
  }
  return { files, problems, projects };
}

type ReadInit = Pick<SettingsFile, 'kind' | 'file' | 'boundary'> & { project?: string };
type ReadResult = { file: SettingsFile } | { file: SettingsFile; problem: SourceProblem; reason: string };

function readSettingsFile(init: ReadInit): ReadResult {
  const empty: SettingsFile = { ...init, exists: false, value: {}, text: '', root: undefined, ...fixedOf(init) };
  const reading = readClientFile(init.file, init.boundary);
  if (reading.kind === 'absent') return { file: empty };
  if (reading.kind === 'refused') {
    const problem = { file: init.file, reason: reading.reason };
    return { file: { ...empty, fixed: reading.reason }, problem, reason: reading.reason };
  }
  const { text } = reading.document;
  const parsed = readJsonc(text);
  if ('reason' in parsed) {
    return {
      file: { ...empty, exists: true, fixed: parsed.reason },
      problem: { file: init.file, ...parsed },
      reason: parsed.reason,
    };
  }
  return { file: { ...empty, exists: true, value: parsed.value, text, root: parsed.root } };
}

function fixedOf({ kind, file, boundary, project }: ReadInit): { fixed?: string } {
  if (kind === 'managed') return { fixed: 'is managed by your administrator' };
  if (kind === 'project') return { fixed: 'belongs to the repository' };
  const committed = kind === 'local' && project !== undefined ? whyCommitted(project, file) : undefined;
  const reason = committed ?? whyNotWritable(file, boundary);
  return reason === undefined ? {} : { fixed: reason };
}

function managedFiles(world: World): string[] {
  const files = [join(world.managedDir, 'managed-settings.json')];
  const folder = join(world.managedDir, 'managed-settings.d');
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.json') && !name.startsWith('.'));
    files.push(...names.sort().map((name) => join(folder, name)));
  } catch {
    // no such folder on most machines
  }
  return files;
}

function knownProjects(state: Record<string, unknown>): string[] {
  const projects = state['projects'];
  return isRecord(projects) ? Object.keys(projects) : [];
}

export function listOf(value: unknown, key: string): string[] {
  const list = isRecord(value) ? value[key] : undefined;
  return Array.isArray(list) ? list.filter((entry) => typeof entry === 'string') : [];
}

/** What Claude Code keeps about one folder in its state file. */
export function projectState(settings: ClaudeSettings, project: string): Record<string, unknown> {
  const state = settings.files.find((file) => file.kind === 'state');
  const projects = state?.value['projects'];
  const found = isRecord(projects) ? projects[project] : undefined;
  return isRecord(found) ? found : {};
}

/** Whether the person lets Claude Code use this server of a repository's `.mcp.json`. */
export function approvalOf(
  settings: ClaudeSettings,
  project: string,
  name: string,
): 'approved' | 'pending' | 'rejected' {
  const own = settings.files.filter((file) => file.project === undefined || file.project === project);
  const sources = [...own.map((file) => file.value), projectState(settings, project)];
  const moved = own.flatMap((file) => movedNames(file.value)).map(({ theirs }) => theirs);
  if (!moved.includes(name) && sources.some((value) => listOf(value, 'disabledMcpjsonServers').includes(name))) {
    return 'rejected';
  }
  const isApproved = sources.some(
    (value) => value['enableAllProjectMcpServers'] === true || listOf(value, 'enabledMcpjsonServers').includes(name),
  );
  return isApproved ? 'approved' : 'pending';
}

/** Whether apply silenced it before. */
export function isMoved(settings: ClaudeSettings, project: string, name: string): boolean {
  const own = settings.files.filter((file) => file.project === undefined || file.project === project);
  return own.some((file) => movedNames(file.value).some(({ theirs }) => theirs === name));
}
