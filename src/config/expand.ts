// Fills references in an entry with the values of the session that asks. A value is put in once, as it is: it is not
// split, not read again, and can add neither an argument nor a header.

import { isAbsolute, join } from 'node:path';
import { canonicalJson } from '../base/canonical-json.ts';
import { matchesName } from '../link/baseline-env.ts';
import type { Problem } from '../link/control.ts';
import { quote } from './problems.ts';
import { argumentSecrets, headerSecrets, isSecret, urlSecrets } from './secrets.ts';
import { launchTemplates, type ServerEntry, type ServerKind } from './server-entry.ts';
import { folderChoiceOf, isOwnName, portPlaceholder, references, templateParts } from './template.ts';

export type Values = Readonly<Record<string, string>>;
export type ExpandContext = {
  values: Values;
  /** Where the session was opened; undefined or empty: nowhere. Relative paths count from here. */
  folder?: string;
  /** Of the repository around it, where there is one. */
  projectRoot?: string;
  sessionLifeId: string;
};

/** What is started or dialled. `${PORT}` may still stand in command, args, env, url, cwd and headers. */
export type LaunchSpec = {
  kind: ServerKind;
  command?: string;
  args: string[];
  env: Record<string, string>;
  cwd?: string;
  url?: string;
  headers: Record<string, string>;
  oauth?: NonNullable<ServerEntry['oauth']>;
  /** From `inheritEnv`; `env` wins over them. */
  inheritedEnv: Record<string, string>;
};

export type Expansion =
  | { ok: true; spec: LaunchSpec; secrets: string[] }
  /** `problem` says all of it in words; `missing` is sorted. */
  | { ok: false; missing: string[]; needsProject: boolean; problem: Problem };

/** Variables whose values an entry wants from the session; `patterns` end in `*`. */
export function mentionedVariables(entry: ServerEntry): { names: string[]; patterns: string[] } {
  const referred = launchTemplates(entry)
    .flatMap(references)
    .map(({ name }) => name)
    .filter((name) => !isOwnName(name));
  const inherited = entry.inheritEnv.filter((name) => !name.endsWith('*'));
  return {
    names: [...new Set([...referred, ...inherited])].sort(),
    patterns: [...new Set(entry.inheritEnv.filter((name) => name.endsWith('*')))].sort(),
  };
}

export function expandEntry(entry: ServerEntry, context: ExpandContext): Expansion {
  const filler = createFiller(context);
  const { fill, fillEach } = filler;
  const folderChoice = folderChoiceOf(entry.cwd);
  const spec: LaunchSpec = {
    kind: entry.kind,
    ...(entry.command !== undefined && { command: fill(entry.command) }),
    args: entry.args.map(fill),
    env: fillEach(entry.env),
    ...(entry.cwd !== undefined && !folderChoice && { cwd: fill(entry.cwd) }),
    ...(entry.url !== undefined && { url: fill(entry.url) }),
    headers: fillEach(entry.headers),
    ...(entry.oauth !== undefined && { oauth: filledOAuth(entry.oauth, fill) }),
    inheritedEnv: inheritedValues(entry, context.values),
  };
  const needsRoot = spec.cwd !== undefined && !isAbsolute(spec.cwd);
  if (needsRoot && context.folder) spec.cwd = join(context.folder, spec.cwd ?? '');
  const needsProject = filler.needsProject() || ((needsRoot || folderChoice !== undefined) && !context.folder);
  const missing = filler.missing();
  if (needsProject || missing.length > 0) {
    return { ok: false, missing, needsProject, problem: lackProblem(entry.name, missing) };
  }
  const unusable = whyUnusable(spec);
  if (unusable) {
    const problem = { code: 'CONFIG_INVALID', message: `${quote(entry.name)} cannot be used: ${unusable}.` };
    return { ok: false, missing: [], needsProject: false, problem };
  }
  return { ok: true, spec, secrets: secretsOf(spec, filler.used()) };
}

/**
 * What tells one identity from another while a new project or session is the same: scope names stay unfilled, values of
 * variables count. Holds secrets: only its HMAC may be kept.
 */
export function unexpandedIdentity(entry: ServerEntry, values: Values): string {
  const { kind, command, args, env, cwd, url, headers, oauth } = entry;
  const { names } = mentionedVariables(entry);
  const taken = names.filter((name) => !entry.inheritEnv.includes(name)).map((name) => [name, values[name] ?? null]);
  const inherited = inheritedValues(entry, values);
  return canonicalJson({ kind, command, args, env, cwd, url, headers, oauth, taken, inherited });
}

function filledOAuth(oauth: NonNullable<ServerEntry['oauth']>, fill: (template: string) => string) {
  const { clientId, clientSecret, authServerMetadataUrl } = oauth;
  return {
    ...oauth,
    ...(clientId !== undefined && { clientId: fill(clientId) }),
    ...(clientSecret !== undefined && { clientSecret: fill(clientSecret) }),
    ...(authServerMetadataUrl !== undefined && { authServerMetadataUrl: fill(authServerMetadataUrl) }),
  };
}

function inheritedValues(entry: ServerEntry, values: Values): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => matchesName(entry.inheritEnv, name)));
}

function createFiller(context: ExpandContext) {
  const missing = new Set<string>();
  const used = new Map<string, string>();
  let needsProject = false;
  const own = new Map([
    ['PORT', portPlaceholder],
    ['SESSION_ID', context.sessionLifeId],
    ...(context.projectRoot ? [['PROJECT_ROOT', context.projectRoot] as const] : []),
    ...(context.folder ? [['SESSION_FOLDER', context.folder] as const] : []),
  ]);
  const lookUp = (name: string): string | undefined => {
    if (isOwnName(name)) return own.get(name);
    // As in a shell, `:-` also stands in for an empty value; a plain reference to an empty one is empty.
    const value = Object.hasOwn(context.values, name) ? context.values[name] : undefined;
    if (value) used.set(name, value);
    return value;
  };
  const fill = (template: string): string =>
    templateParts(template)
      .map((part) => {
        if (typeof part === 'string') return part;
        const value = lookUp(part.name);
        if (part.fallback !== undefined) return value || part.fallback;
        if (value !== undefined) return value;
        if (isOwnName(part.name)) needsProject = true;
        else missing.add(part.name);
        return '';
      })
      .join('');
  const fillEach = (templates: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(templates).map(([name, template]) => [name, fill(template)]));
  return { fill, fillEach, missing: () => [...missing].sort(), used: () => used, needsProject: () => needsProject };
}

/** Without missing variables it is the project that lacks. */
function lackProblem(server: string, missing: readonly string[]): Problem {
  if (missing.length > 0) {
    const names = missing.join(', ');
    const hint = `Set ${missing.length === 1 ? 'it' : 'them'} where the session is started, or in the env file.`;
    return { code: 'SERVER_NEEDS_VARIABLE', message: `${quote(server)} needs ${names}.`, hint };
  }
  return {
    code: 'SERVER_NEEDS_PROJECT',
    message: `${quote(server)} needs a project folder and this session has none.`,
    hint: 'Open the session in a project folder, or send the header Mcp-Project-Path.',
  };
}

/** Values that no system call or request would take as one piece. */
function whyUnusable(spec: LaunchSpec): string | undefined {
  if (spec.command === '') return 'its command is empty after substitution';
  const texts = [spec.command, spec.cwd, ...spec.args, ...Object.values(spec.env), ...Object.values(spec.inheritedEnv)];
  if (texts.some((text) => text?.includes('\0'))) return 'a value has a NUL character';
  if (Object.keys(spec.env).some((name) => name === '' || /[=\0]/.test(name))) return 'a variable name is not possible';
  for (const [name, value] of Object.entries(spec.headers)) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return `the header name ${quote(name)} is not possible`;
    if (/[\0-\x08\x0a-\x1f\x7f]/.test(value)) return `the value of the header ${quote(name)} has a line break or NUL`;
  }
  if (spec.url !== undefined && !URL.canParse(spec.url.replaceAll(portPlaceholder, '1'))) return 'its url is no URL';
  return undefined;
}

function secretsOf(spec: LaunchSpec, used: ReadonlyMap<string, string>): string[] {
  const named = [...used, ...Object.entries(spec.env), ...Object.entries(spec.inheritedEnv)];
  const found = [
    ...named.filter(([name, value]) => isSecret(name, value)).map(([, value]) => value),
    ...Object.entries(spec.headers).flatMap(([name, value]) => headerSecrets(name, value)),
    ...(spec.oauth?.clientSecret ? [spec.oauth.clientSecret] : []),
    ...argumentSecrets(spec.args),
    ...urlSecrets((spec.url ?? '').replaceAll(portPlaceholder, '1')),
  ];
  return [...new Set(found)];
}
