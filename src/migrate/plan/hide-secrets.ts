// Secrets by name: every value that an entry keeps secret is shown as the name it stands under.
import { cutChars } from '../../base/cut-text.ts';
import { createRedactor } from '../../base/redact.ts';
import { argumentSecrets, headerSecrets, isSecret, urlSecrets } from '../../config/secrets.ts';
import type { LaunchEntry } from '../programs/declared.ts';

export type Hide = (text: string) => string;

const maxNameChars = 80;

/** Keys of settings files whose values are nobody's business, also in the lines around a change. */
const secretMember = /key|token|secret|passw|credential|oauth|email|uuid/i;

export function createHide(entries: readonly LaunchEntry[]): Hide {
  const names = new Map<string, string>();
  const add = (value: string, name: string) => {
    // Shorter ones would be found inside ordinary words.
    if (value.length >= 4 && !names.has(value)) names.set(value, name);
  };
  for (const entry of entries) for (const [value, name] of secretsOf(entry)) add(value, name);
  const ordered = [...names].sort((a, b) => b[0].length - a[0].length);
  const { redact } = createRedactor();
  return (text) => {
    let parts: Part[] = [text];
    for (const [value, name] of ordered) {
      const shown = `<value of ${cutChars(name, maxNameChars)}>`;
      for (const form of new Set([value, JSON.stringify(value).slice(1, -1)]))
        parts = parts.flatMap((part) => (typeof part === 'string' ? without(part, form, shown) : [part]));
    }
    return redact(withoutMembers(parts.map((part) => (typeof part === 'string' ? part : part.shown)).join('')));
  };
}

/** What stands for a value is not read again: a name may hold another one's value, and so on. */
type Part = string | { readonly shown: string };

function without(text: string, form: string, shown: string): Part[] {
  return text.split(form).flatMap((piece, i): Part[] => (i === 0 ? [piece] : [{ shown }, piece]));
}

/** By hand: a pattern would look at the rest of a text anew for each word in it that could make its name a secret one. */
function withoutMembers(text: string): string {
  const parts: string[] = [];
  const value = /\s*:\s*"(?!<value of |\$\{)/y;
  let [at, shown] = [text.indexOf('"'), 0];
  while (at >= 0) {
    const end = closingQuote(text, at);
    value.lastIndex = end + 1;
    const isSecret = end >= 0 && secretMember.test(text.slice(at, end)) && value.test(text);
    const close = isSecret ? closingQuote(text, value.lastIndex - 1) : -1;
    if (close >= 0) {
      parts.push(text.slice(shown, value.lastIndex - 1), '"<hidden>"');
      shown = close + 1;
    }
    // What closed one may open the next: in the lines around a change the first quote is any.
    at = close >= 0 ? text.indexOf('"', shown) : end >= 0 ? end : text.indexOf('"', at + 1);
  }
  return parts.join('') + text.slice(shown);
}

/** On the same line; -1: none. */
function closingQuote(text: string, open: number): number {
  const end = text.indexOf('"', open + 1);
  return text.slice(open, Math.max(open, end)).includes('\n') ? -1 : end;
}

function secretsOf(entry: LaunchEntry): [string, string][] {
  const env = Object.entries(entry.env ?? {}).filter(([name, value]) => isSecret(name, value) && !isReference(value));
  const headers = Object.entries(entry.headers ?? {}).flatMap(([name, value]) =>
    headerSecrets(name, value)
      .filter((secret) => !isReference(secret))
      .map((secret): [string, string] => [secret, name]),
  );
  const args = argumentSecrets(entry.args ?? []).filter((value) => !isReference(value));
  const urls = [entry.url, ...(entry.args ?? [])].flatMap((text) => (text === undefined ? [] : urlSecrets(text)));
  return [
    ...env.map(([name, value]): [string, string] => [value, name]),
    ...headers,
    ...args.map((value): [string, string] => [value, 'an argument']),
    ...urls.filter((value) => !isReference(value)).map((value): [string, string] => [value, 'the address']),
  ];
}

/** `${TOKEN}` says where the secret is, not what it is. */
function isReference(value: string): boolean {
  return /^(?:Bearer\s+)?\$\{\w+\}$/i.test(value);
}
