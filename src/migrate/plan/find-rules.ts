// Every place of Claude Code's settings that names a tool of a server that moves: permission rules, hook matchers,
// agents, commands, skills. Says what to add where, and what cannot be said.
import { join } from 'node:path';
import { isRecord } from '../../base/guards.ts';
import type { DocumentOp } from '../documents/edit-document.ts';
import { readToolNames } from '../documents/front-matter.ts';
import { lineOfPath } from '../documents/jsonc-document.ts';
import { type ClaudeSettings, listOf, type SettingsFile } from '../programs/claude-settings.ts';
import type { SourceProblem } from '../programs/declared.ts';
import { claudeDir } from '../programs/hosts.ts';
import { type Boundary, insideProject, type World, whyNotWritable } from '../world.ts';
import { readTexts } from './text-files.ts';
import {
  type MovedServer,
  type PatternTime,
  patternTime,
  type Translation,
  translateMatcher,
  translateRule,
} from './translate-rule.ts';

export type RuleKind = 'allow' | 'ask' | 'deny' | 'hook' | 'tools' | 'disallowedTools' | 'allowed-tools';

export type RuleFinding = {
  kind: RuleKind;
  file: string;
  line: number;
  rule: string;
  /** What is put beside it. */
  added?: string;
  /** Why nothing is. */
  problem?: string;
  /** Without a translation the server must stay where it is: something denied would run, or run unasked. */
  isGuard: boolean;
};

export type RuleEdit = { file: string; boundary: Boundary; op: DocumentOp };
/** `problems`: what was not read; whether it names the server is not known. */
export type FoundRules = { findings: RuleFinding[]; edits: RuleEdit[]; problems: SourceProblem[] };

export type RuleScope = {
  /** Folders whose sessions see the server; undefined: all. */
  projects?: readonly string[];
};

export function findRules(world: World, settings: ClaudeSettings, server: MovedServer, scope: RuleScope): FoundRules {
  const found: FoundRules = { findings: [], edits: [], problems: [] };
  const time = patternTime();
  if (server.prefixes.length === 0) return found;
  for (const file of settings.files) {
    if (!file.exists || !concerns(file, scope)) continue;
    permissionRules(file, server, found);
    hookMatchers(file, server, time, found);
    if (file.kind === 'state') legacyAllowed(file, server, scope, found);
  }
  for (const { folder, boundary, fixed } of textFolders(world, settings, scope)) {
    const { texts, problems } = readTexts(folder, boundary);
    found.problems.push(...problems);
    for (const { file, text } of texts) frontMatter({ file, boundary, fixed }, text, { server, found });
  }
  return found;
}

function concerns(file: SettingsFile, { projects }: RuleScope): boolean {
  return file.project === undefined || projects === undefined || projects.includes(file.project);
}

function permissionRules(file: SettingsFile, server: MovedServer, found: FoundRules): void {
  for (const kind of ['allow', 'ask', 'deny'] as const) {
    const path = ['permissions', kind];
    listOf(file.value['permissions'], kind).forEach((rule, i) => {
      const translation = translateRule(rule, server);
      const line = lineOfPath(file.text, file.root, [...path, i]);
      record(found, { kind, file: file.file, line, rule, isGuard: kind !== 'allow' }, translation, file, (added) => ({
        op: 'add',
        path,
        value: added,
      }));
    });
  }
}

/** Hooks that run before a call or on a permission question can stop it; the others only watch. */
const guardEvents = new Set(['PreToolUse', 'PermissionRequest']);

function hookMatchers(file: SettingsFile, server: MovedServer, time: PatternTime, found: FoundRules): void {
  const hooks = file.value['hooks'];
  if (!isRecord(hooks)) return;
  for (const [event, groups] of Object.entries(hooks)) {
    if (!Array.isArray(groups)) continue;
    // From the end, so that the place of an entry does not change before it is used.
    for (let i = groups.length - 1; i >= 0; i -= 1) {
      const group: unknown = groups[i];
      if (!isRecord(group) || typeof group['matcher'] !== 'string') continue;
      const path = ['hooks', event, i];
      const finding = {
        kind: 'hook' as const,
        file: file.file,
        line: lineOfPath(file.text, file.root, [...path, 'matcher']),
        rule: group['matcher'],
        isGuard: guardEvents.has(event),
      };
      const translation = translateMatcher(group['matcher'], server, time);
      const already = groups.some(
        (other) => isRecord(other) && translation.kind === 'translated' && other['matcher'] === translation.rule,
      );
      if (already) continue;
      record(found, finding, translation, file, (matcher) => ({
        op: 'insert-after',
        path,
        value: { ...group, matcher },
      }));
    }
  }
}

/** `allowedTools` of a folder in the state file: the form before there were rules. */
function legacyAllowed(file: SettingsFile, server: MovedServer, scope: RuleScope, found: FoundRules): void {
  const projects = file.value['projects'];
  if (!isRecord(projects)) return;
  for (const [folder, entry] of Object.entries(projects)) {
    if (scope.projects && !scope.projects.includes(folder)) continue;
    const path = ['projects', folder, 'allowedTools'];
    listOf(entry, 'allowedTools').forEach((rule, i) => {
      const line = lineOfPath(file.text, file.root, [...path, i]);
      const finding = { kind: 'allow' as const, file: file.file, line, rule, isGuard: false };
      record(found, finding, translateRule(rule, server), file, (value) => ({ op: 'add', path, value }));
    });
  }
}

type Target = { file: string; boundary: Boundary; fixed?: string | undefined };

function record(
  found: FoundRules,
  finding: RuleFinding,
  translation: Translation,
  target: Target,
  edit: (added: string) => DocumentOp,
): void {
  if (translation.kind === 'other') return;
  if (translation.kind === 'unknown') {
    found.findings.push({ ...finding, problem: translation.why });
    return;
  }
  if (finding.isGuard && translation.gap !== undefined) {
    found.findings.push({ ...finding, problem: translation.gap });
    return;
  }
  if (target.fixed !== undefined) {
    found.findings.push({ ...finding, problem: `its file ${target.fixed}` });
    return;
  }
  // What only permits costs a question where it is missing; what forbids or asks must miss nothing.
  const marked = finding.isGuard && translation.marked !== undefined ? [translation.marked] : [];
  for (const rule of [translation.rule, ...marked]) {
    found.findings.push({ ...finding, added: rule });
    found.edits.push({ file: target.file, boundary: target.boundary, op: edit(rule) });
  }
}

type TextFolder = { folder: string; boundary: Boundary; fixed?: string };

function textFolders(world: World, settings: ClaudeSettings, { projects }: RuleScope): TextFolder[] {
  const kinds = ['agents', 'commands', 'skills'];
  const own = kinds.map((kind) => ({
    folder: join(claudeDir(world), kind),
    boundary: { inside: world.home },
  }));
  const folders = new Set(settings.files.map((file) => file.project).filter((project) => project !== undefined));
  const inRepos = [...folders]
    .filter((project) => projects === undefined || projects.includes(project))
    .flatMap((project) =>
      kinds.map((kind) => ({
        folder: join(project, '.claude', kind),
        boundary: insideProject(project),
        fixed: 'belongs to the repository',
      })),
    );
  return [...own, ...inRepos];
}

function frontMatter(
  target: Target,
  text: string,
  { server, found }: { server: MovedServer; found: FoundRules },
): void {
  const fixed = target.fixed ?? whyNotWritable(target.file, target.boundary);
  for (const { key, name, line } of readToolNames(text)) {
    const isGuard = key === 'disallowedTools';
    record(
      found,
      { kind: key, file: target.file, line, rule: name, isGuard },
      translateRule(name, server),
      { ...target, ...(fixed === undefined ? {} : { fixed }) },
      (added) => ({ op: 'front-matter', key, name, added }),
    );
  }
}
