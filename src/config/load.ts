// Reads the config file into one frozen Config, or says everything that is wrong with it at once. Called by daemon, CLI
// and migration. Never keeps anything: on a failed load the caller stays with its last good one.
import { homedir } from 'node:os';
import { readForeignFile } from '../base/foreign-file.ts';
import { isRecord } from '../base/guards.ts';
import type { Environment, Locations } from '../link/locations.ts';
import { parseJsonc, placeOf } from './jsonc.ts';
import { type LayeredSettings, layEnvironment } from './layers.ts';
import { type ConfigProblem, type Flaw, flawsOf, formatPath, kindOf, quote } from './problems.ts';
import { configSchema, settingsSchema } from './schema.ts';
import { checkServer, type ServerEntry } from './server-entry.ts';
import { findUnknownKeys } from './unknown-keys.ts';
import { findDouble } from './visibility.ts';

export type Config = Readonly<LayeredSettings & { servers: readonly ServerEntry[] }>;
export type InvalidServer = { name: string; problem: ConfigProblem; problems: ConfigProblem[] };
export type LoadResult =
  | { ok: true; exists: boolean; config: Config; warnings: ConfigProblem[]; invalid: InvalidServer[] }
  /** `problem` is `problems` in one, for a status line. */
  | { ok: false; problem: ConfigProblem; problems: ConfigProblem[] };
export type LoadInput = { locations: Pick<Locations, 'configPath'>; env: Environment };

/** A config is typed by people; a file of this size is something else. */
export const maxConfigBytes = 4 * 1024 * 1024;

export function loadConfig({ locations, env }: LoadInput): LoadResult {
  const file = locations.configPath;
  const reading = readForeignFile(file, { maxBytes: maxConfigBytes });
  if (reading.kind === 'refused') {
    const hint = reading.code === 'EACCES' ? `Run: chmod u+r ${quote(file)}` : `Check ${quote(file)}.`;
    return failed([{ code: 'CONFIG_UNREADABLE', message: `${file} ${reading.reason}.`, hint }]);
  }
  return parseConfig({ file, text: reading.kind === 'file' ? reading.bytes.toString('utf8') : undefined, env });
}

/** The same from a text, for an edit that must not write what would not load. */
export function parseConfig(input: { file: string; text: string | undefined; env: Environment }): LoadResult {
  const { file, text, env } = input;
  if (text === undefined) return build({ exists: false, value: {}, report: (flaw) => toProblem(flaw, file), env });
  const parsed = parseJsonc(text);
  if (parsed.root === undefined) {
    return failed(
      parsed.problems.map(({ line, column, what }) => ({
        ...{ code: 'CONFIG_INVALID' as const, line, column },
        message: `${file}:${line}:${column}: ${what}.`,
        hint: 'Correct the file. A daemon that runs keeps the last good configuration until then.',
      })),
    );
  }
  const { root } = parsed;
  const report = (flaw: Flaw) => toProblem(flaw, file, placeOf(root, text, flaw.path));
  const repeated = parsed.repeated.map(({ path, place }) =>
    toProblem({ path, what: 'is written twice; only the last one counts', hint: 'Remove one.' }, file, place),
  );
  return build({ exists: true, value: parsed.value, report, env, warnings: repeated });
}

type BuildInput = {
  exists: boolean;
  value: unknown;
  report: (flaw: Flaw) => ConfigProblem;
  env: Environment;
  warnings?: ConfigProblem[];
};

function build({ exists, value, report, env, warnings = [] }: BuildInput): LoadResult {
  if (!isRecord(value)) {
    return failed([
      report({ path: [], what: `the file holds ${kindOf(value)}`, hint: 'Write { "mcpServers": { } }.' }),
    ]);
  }
  const { mcpServers = {}, ...rest } = value;
  const parsed = settingsSchema.safeParse(rest);
  const flaws = parsed.success ? [] : flawsOf(parsed.error.issues, rest).map(explainHost);
  if (!isRecord(mcpServers)) {
    flaws.push({ path: ['mcpServers'], what: `is ${kindOf(mcpServers)}`, hint: 'Write an object in { }.' });
  }
  const home = env['HOME'] || homedir();
  const servers = checkServers(isRecord(mcpServers) ? mcpServers : {}, home, report);
  if (!parsed.success || flaws.length > 0) {
    return failed([...flaws.map(report), ...servers.invalid.flatMap(({ problems }) => problems)]);
  }
  const layered = layEnvironment(parsed.data, env);
  const unknown = findUnknownKeys(configSchema, { ...rest, mcpServers: {} }).map(report);
  return {
    ok: true,
    exists,
    config: deepFreeze({ ...layered.settings, servers: servers.entries }),
    warnings: [...warnings, ...unknown, ...servers.warnings, ...layered.problems],
    invalid: servers.invalid,
  };
}

function checkServers(definitions: Record<string, unknown>, home: string, report: (flaw: Flaw) => ConfigProblem) {
  const entries: ServerEntry[] = [];
  const warnings: ConfigProblem[] = [];
  const invalid: InvalidServer[] = [];
  for (const [name, raw] of Object.entries(definitions)) {
    const checked = checkServer(name, raw, home);
    const twin = checked.entry && entries.find((entry) => entry.slug === checked.entry?.slug);
    const double = checked.entry && findDouble(checked.entry, entries);
    const errors = twin ? [nameTwin(name, twin)] : double ? [shownTwin(name, double)] : checked.errors;
    warnings.push(...checked.warnings.map(report));
    const problems = errors.map(report);
    if (problems.length > 0) invalid.push({ name, problem: joined(problems), problems });
    else if (checked.entry) entries.push(checked.entry);
  }
  return { entries, warnings, invalid };
}

function nameTwin(name: string, twin: ServerEntry): Flaw {
  return {
    path: ['mcpServers', name],
    what: `has the same short name ${quote(twin.slug)} as ${quote(twin.name)}, so their tools could not be told apart`,
    hint: `Rename ${quote(name)} or ${quote(twin.name)}.`,
  };
}

function shownTwin(name: string, twin: ServerEntry): Flaw {
  return {
    path: ['mcpServers', name],
    what: `is shown as ${quote(twin.shownName)} like ${quote(twin.name)}, to sessions of the same folder`,
    hint: `Give one of them another "as", or other folders in "projects".`,
  };
}

function explainHost(flaw: Flaw): Flaw {
  if (formatPath(flaw.path) === 'http.host') {
    const hint = 'Only 127.0.0.1 exists: whoever reaches the endpoint can run every tool. Remove "host".';
    return { ...flaw, hint };
  }
  if (formatPath(flaw.path) === 'http.auth') {
    return { ...flaw, hint: 'Only "token" exists: without it any program or web page here could run every tool.' };
  }
  return flaw;
}

function toProblem(flaw: Flaw, file: string, place?: { line: number; column: number }): ConfigProblem {
  const path = formatPath(flaw.path);
  const at = place ? `${file}:${place.line}:${place.column}` : file;
  return {
    code: 'CONFIG_INVALID',
    message: path === '' ? `${at}: ${flaw.what}.` : `${at}: ${path} ${flaw.what}.`,
    ...(flaw.hint !== undefined && { hint: flaw.hint }),
    ...(path !== '' && { path }),
    ...place,
  };
}

function failed(problems: ConfigProblem[]): LoadResult {
  return { ok: false, problem: joined(problems), problems };
}

function joined(problems: readonly ConfigProblem[]): ConfigProblem {
  const [first] = problems;
  if (!first) return { code: 'CONFIG_INVALID', message: 'The configuration is not valid.' };
  const more = problems.length === 2 ? '1 more problem' : `${problems.length - 1} more problems`;
  return problems.length === 1 ? first : { ...first, message: `${first.message} (${more})` };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
