// The only variables that reach an instance without being configured: what a program needs to find its user, language,
// display, proxy and certificates. Their values come from the session that causes the start; they are not identity.

const exact: ReadonlySet<string> = new Set([
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LANGUAGE',
  'TZ',
  'TMPDIR',
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'XAUTHORITY',
  'DBUS_SESSION_BUS_ADDRESS',
  'SSH_AUTH_SOCK',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'ALL_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'all_proxy',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'NODE_EXTRA_CA_CERTS',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  // Windows
  'APPDATA',
  'LOCALAPPDATA',
  'COMSPEC',
  'HOMEDRIVE',
  'HOMEPATH',
  'PATHEXT',
  'PROCESSOR_ARCHITECTURE',
  'PROGRAMDATA',
  'PROGRAMFILES',
  'PROGRAMFILES(X86)',
  'SYSTEMDRIVE',
  'SYSTEMROOT',
  'TEMP',
  'TMP',
  'USERNAME',
  'USERPROFILE',
  'WINDIR',
]);
const prefixes = ['LC_', 'XDG_'];

export type EnvValues = Record<string, string>;

export function baselineEnv(env: Readonly<Record<string, string | undefined>>): EnvValues {
  const values: EnvValues = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && isBaseline(name)) values[name] = value;
  }
  return values;
}

function isBaseline(name: string): boolean {
  const known = process.platform === 'win32' ? name.toUpperCase() : name;
  return exact.has(known) || prefixes.some((prefix) => known.startsWith(prefix));
}

/** Whether `name` is one of `patterns`; a pattern may end in `*`. */
export function matchesName(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name));
}
