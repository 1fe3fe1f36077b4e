// Secrets by name: every value that an entry keeps secret is shown as the name it stands under.
import { createRedactor } from '../base/redact.ts';
import { argumentSecrets, headerSecrets, isSecret, urlSecrets } from '../config/secrets.ts';
import type { LaunchEntry } from './declared.ts';

export type Hide = (text: string) => string;

/** Keys of settings files whose values are nobody's business, also in the lines around a change. */
const secretMember =
  /("[^"\n]*(?:key|token|secret|passw|credential|oauth|email|uuid)[^"\n]*"\s*:\s*)"(?!<value of |\$\{)[^"\n]*"/gi;

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
    let clean = text;
    for (const [value, name] of ordered) {
      for (const form of new Set([value, JSON.stringify(value).slice(1, -1)]))
        clean = clean.replaceAll(form, `<value of ${name}>`);
    }
    return redact(clean.replace(secretMember, '$1"<hidden>"'));
  };
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
