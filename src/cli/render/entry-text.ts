// A configured server as text. Values that may be secret are never shown, only their names and what they refer to.
import { shellWord } from '../../base/shell-word.ts';
import { argumentSecrets, headerSecrets, isSecret, urlSecrets } from '../../config/secrets.ts';
import type { ServerEntry } from '../../config/server-entry.ts';

const hidden = '(hidden)';
/** Also references to variables and our own mark: they are read here, not pasted. */
const plainHere = /^[\w@%+=:,./~${}()-]+$/;

/** What is started or called, for one line. */
export function entryTarget(entry: ServerEntry): string {
  const secrets = [
    ...argumentSecrets(entry.args).filter(isNoReference),
    ...urlSecrets(entry.url ?? '').filter(isNoReference),
  ];
  const words = entry.command === undefined ? [entry.url ?? ''] : [entry.command, ...entry.args];
  return words.map((word) => shellWord(hideIn(word, secrets), plainHere)).join(' ');
}

export function entryUrl(entry: ServerEntry): string | undefined {
  return entry.url === undefined ? undefined : hideIn(entry.url, urlSecrets(entry.url).filter(isNoReference));
}

/** `NAME=value` lines; a value that may be secret is hidden unless it only refers to a variable. */
export function environmentLines(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).map(
    ([name, value]) => `${name}=${isSecret(name, value) && isNoReference(value) ? hidden : value}`,
  );
}

export function headerLines(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).map(([name, value]) => {
    const isShown = headerSecrets(name, value).length === 0 || !isNoReference(value);
    return `${name}: ${isShown ? value : hidden}`;
  });
}

/** Whether the value itself is written here, and not only `${NAME}` or `Bearer ${NAME}`. A default counts as a value. */
function isNoReference(value: string): boolean {
  return !/^(?:[A-Za-z]{1,10} )?(?:\$\{\w+\}|\$?\{env:\w+\})$/.test(value);
}

function hideIn(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) if (secret !== '') clean = clean.replaceAll(secret, hidden);
  return clean;
}
