// Which values of an entry must never be shown. In doubt a value is secret: a hidden word costs less than a shown token.
import { createRedactor } from '../base/redact.ts';
import { baselineEnv } from '../link/baseline-env.ts';

const secretName = /key|token|secret|passw|pwd|auth|credential|cookie|session|bearer|dsn/i;
const publicHeaders = /^(?:accept.*|content-type|user-agent|mcp-protocol-version|host|origin)$/i;
/** Words, versions and numbers, switches, paths: hiding these would make logs unreadable. */
const harmless = [
  /^(?:[a-z]{1,16}(?:[-_. ][a-z]{1,16}){0,3}|[A-Z]{1,8})$/,
  /^[-+]?\d{1,12}(?:\.\d+){0,3}$/,
  /^(?:~|\.{1,2})?\/[^\s?#]*$/,
  /^[A-Za-z]:\\[^\s?#]*$/,
  /^(?:https?|wss?):\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::(?:\d+|\$\{PORT\}))?(?:\/[\w./-]*)?$/,
];

export function isSecret(name: string, value: string): boolean {
  if (value === '') return false;
  if (secretName.test(name)) return true;
  if (Object.hasOwn(baselineEnv({ [name]: value }), name)) return false;
  return !harmless.some((shape) => shape.test(value));
}

/** Without much doubt, by name or shape: for a warning, which a person must be able to believe. */
export function isPlainlySecret(name: string, value: string): boolean {
  if (createRedactor().redact(value) !== value) return true;
  return secretName.test(name) && value !== '' && !harmless.some((shape) => shape.test(value));
}

/** `Bearer abc` gives both the whole and `abc`: either may turn up alone. */
export function headerSecrets(name: string, value: string): string[] {
  if (publicHeaders.test(name) || !isSecret(name, value)) return [];
  const bare = /^\S+\s+(\S.*)$/.exec(value)?.[1];
  return bare === undefined ? [value] : [value, bare];
}

/** Values after `--api-key`, `--token=` and the like; other arguments are shown as they are. */
export function argumentSecrets(args: readonly string[]): string[] {
  return args.flatMap((arg, i) => {
    const joined = /^-{0,2}([\w.-]+)=(.+)$/s.exec(arg);
    if (joined?.[1] && joined[2] && secretName.test(joined[1])) return [joined[2]];
    const header = /^([\w-]+):\s*(.+)$/s.exec(arg);
    if (header?.[1] && header[2] && secretName.test(header[1])) return headerSecrets(header[1], header[2]);
    const before = args[i - 1];
    const isValue = before !== undefined && /^--?[\w.-]+$/.test(before) && secretName.test(before);
    return isValue && !arg.startsWith('-') ? [arg] : [];
  });
}

/** The password of a URL and the values of its query that are not plain words; also as they look decoded. */
export function urlSecrets(url: string): string[] {
  if (!URL.canParse(url)) return [];
  const { password, search, searchParams } = new URL(url);
  const raw = search
    .slice(1)
    .split('&')
    .map((pair) => pair.slice(pair.indexOf('=') + 1));
  const inQuery = [...searchParams].flatMap(([name, value], i) => (isSecret(name, value) ? [value, raw[i] ?? ''] : []));
  const found = password === '' ? inQuery : [password, safeDecode(password), ...inQuery];
  return found.filter((value) => value !== '');
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone % is allowed in a URL
  }
}
