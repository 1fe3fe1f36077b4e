// What a person approves of a repository: the whole definition, as JSON, so that each character of it is seen and no two
// definitions look alike. Nothing is cut, and nothing is hidden that could be a command: a repository may call anything
// a secret and say it a second time where it runs.
import { createHash } from 'node:crypto';
import { isRecord } from '../../base/guards.ts';
import { jsonUnits, visibleJson } from '../../base/plain-text.ts';
import { argumentSecrets, headerSecrets, isPlainlySecret, urlSecrets } from '../../config/secrets.ts';
import type { LaunchEntry } from '../programs/declared.ts';
import { unifiedDiff } from './line-diff.ts';

/** More is scrolled past, not read: about ten screens, with the command at the top. */
const maxReadableChars = 16_384;

const valuesByName = /^(?:env|environment|headers|http_headers)$/;
/** What tokens are made of: no blanks, quotes or anything else that a shell or a program would run. */
const tokenLike = /^(?![./~])[\w.~+/=-]{8,512}$/;

/** Against what was approved before, if that is known. */
export function approvalLines(raw: unknown, approved?: unknown): string[] {
  const lines = unifiedDiff(pretty(approved), pretty(raw), Number.MAX_SAFE_INTEGER);
  return lines.filter((line) => !line.startsWith('@@')).map(shown);
}

export function definitionLines(raw: unknown): string[] {
  return pretty(raw).trimEnd().split('\n').map(shown);
}

/** Why nobody can be asked about these lines, or undefined. */
export function whyUnreadable(lines: readonly string[]): string | undefined {
  const chars = lines.reduce((sum, line) => sum + line.length, 0);
  return chars > maxReadableChars ? `It has ${chars} characters, too many to be judged by a question.` : undefined;
}

/** Letters that run from right to left carry what stands between them along: a terminal shows it in another order. */
const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/gu;

function shown(line: string): string {
  return visibleJson(line).replace(rightToLeft, jsonUnits);
}

function pretty(raw: unknown): string {
  if (raw === undefined) return '';
  // As plain JSON: a date of TOML is a text there.
  const plain: unknown = JSON.parse(JSON.stringify(raw));
  return `${JSON.stringify(shownIn(plain, ''), undefined, 2)}\n`;
}

/** The launch in the same way: exact, but for tokens. */
export function withoutTokens(entry: LaunchEntry): LaunchEntry {
  const { args, url, env, headers } = entry;
  return {
    ...entry,
    ...(args ? { args: args.map((word, i) => argumentShown(word, args[i - 1])) } : {}),
    ...(url === undefined ? {} : { url: withoutUrlTokens(url) }),
    ...(env ? { env: valuesShown(env) } : {}),
    ...(headers ? { headers: valuesShown(headers) } : {}),
  };
}

function valuesShown(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, valueShown(name, value)]));
}

/** Tokens in their own places: each is named, and told apart from the one before it. */
function shownIn(value: unknown, key: string): unknown {
  if (typeof value === 'string') return withoutUrlTokens(value);
  if (Array.isArray(value)) {
    return value.map((word: unknown, i) =>
      typeof word === 'string' ? argumentShown(word, value[i - 1]) : shownIn(word, ''),
    );
  }
  if (!isRecord(value)) return value;
  const isByName = valuesByName.test(key);
  const shown = Object.entries(value).map(([name, inner]): [string, unknown] => [
    name,
    isByName && typeof inner === 'string' ? valueShown(name, inner) : shownIn(inner, name),
  ]);
  return Object.fromEntries(shown);
}

function valueShown(name: string, value: string): string {
  return isPlainlySecret(name, value) ? hideEnd(value, headerSecrets(name, value), name) : withoutUrlTokens(value);
}

function argumentShown(word: string, before: unknown): string {
  const own = argumentSecrets([word]);
  const former = typeof before === 'string' ? [before] : [];
  const isValue = argumentSecrets([...former, word]).length > argumentSecrets(former).length + own.length;
  const hidden = hideEnd(word, isValue ? [word] : own, 'an argument');
  return hidden === word ? withoutUrlTokens(word) : hidden;
}

/** A secret stands at the end of its place: all of it, behind `=`, behind `Bearer`. */
function hideEnd(text: string, secrets: readonly string[], name: string): string {
  const secret = secrets.find((one) => tokenLike.test(one) && text.endsWith(one));
  return secret === undefined ? text : text.slice(0, -secret.length) + named(secret, name);
}

/** Where they stand only: a host that is spelt like the password must be seen. */
function withoutUrlTokens(text: string): string {
  if (!/^\w{2,10}:\/\//.test(text)) return text;
  const known = urlSecrets(text);
  const hide = (whole: string, head: string, value: string) =>
    known.includes(value) && tokenLike.test(value) ? head + named(value, 'the address') : whole;
  return text.replace(/^(\w+:\/\/[^/?#:@]*:)([^/?#@]*)(?=@)/, hide).replace(/([?&][^=&#]*=)([^&#]*)/g, hide);
}

function named(secret: string, name: string): string {
  return `<value of ${name}, sha256 ${createHash('sha256').update(secret).digest('hex').slice(0, 8)}>`;
}
