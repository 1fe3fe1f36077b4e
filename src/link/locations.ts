// Every path of the outside contract, from the environment alone. Nothing is created here.
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { cutChars } from '../base/cut-text.ts';
import { AppError } from '../base/errors.ts';
import { protocolMajor } from './build.ts';

export const defaultName = 'mcp-user';

export type Locations = {
  name: string;
  root: string;
  /** Launchers that do not change with the version. */
  binDir: string;
  runRoot: string;
  /** `runRoot`, or the sub-folder of another scope (see scope.ts). */
  runDir: string;
  recordsDir: string;
  pidPath: string;
  socketPath: string;
  lockKeyPath: string;
  dataDir: string;
  configPath: string;
  envFilePath: string;
  logPath: string;
  serverLogsDir: string;
  tokenPath: string;
  keyPath: string;
  facesDir: string;
  workDir: string;
  appDir: string;
  backupsDir: string;
  findingsPath: string;
  journalPath: string;
  /** When the daemon last made way for another build. */
  handOverPath: string;
};

/** What the environment may say of places. */
export const pathVariables = ['AITKIT_ROOT', 'MCPPROXY_DATA_DIR', 'MCPPROXY_CONFIG_PATH'] as const;

export type Environment = Readonly<Record<string, string | undefined>>;

/** A unix socket path is cut at 107 bytes without an error; the temporary name used while binding needs a few of them. */
const maxSocketPathBytes = 100;

export function locate(env: Environment, name: string = defaultName, scopeDir?: string): Locations {
  ensureName(name);
  const home = env['HOME'] || homedir();
  const given = (variable: (typeof pathVariables)[number]) => absolute(variable, env[variable], home);
  const root = given('AITKIT_ROOT') ?? join(home, '.aitkit');
  const dataDir = given('MCPPROXY_DATA_DIR') ?? join(root, 'lib', 'mcpproxy');
  const configName = name === defaultName ? 'mcp_proxy_config.json' : `mcp_proxy_config.${name}.json`;
  const runRoot = join(root, 'run');
  const runDir = scopeDir === undefined ? runRoot : join(runRoot, scopeDir);
  // Daemons of two majors run side by side: nothing by which one is found, locked or cleaned up may be the other's.
  const daemonFile = (kind: string) =>
    join(runDir, `mcp-proxy-${name}${protocolMajor > 1 ? `.v${protocolMajor}` : ''}.${kind}`);
  return {
    name,
    root,
    binDir: join(root, 'bin'),
    runRoot,
    runDir,
    recordsDir: join(runDir, 'mcp-servers'),
    pidPath: daemonFile('pid'),
    socketPath: socketPath(runDir, name, env),
    lockKeyPath: daemonFile('lock'),
    dataDir,
    configPath: given('MCPPROXY_CONFIG_PATH') ?? join(dataDir, configName),
    envFilePath: join(dataDir, 'env'),
    logPath: join(dataDir, 'mcp-proxy.log'),
    serverLogsDir: join(dataDir, 'logs'),
    tokenPath: join(dataDir, 'token'),
    keyPath: join(dataDir, 'key'),
    facesDir: join(dataDir, 'faces'),
    workDir: join(dataDir, 'work'),
    appDir: join(dataDir, 'app'),
    backupsDir: join(dataDir, 'backups'),
    findingsPath: join(dataDir, 'findings.json'),
    journalPath: daemonFile('children'),
    handOverPath: daemonFile('handover'),
  };
}

/** Where a socket goes whose plain path would be too long: a folder that the daemon verifies before it binds. */
function socketPath(runDir: string, name: string, env: Environment): string {
  if (process.platform === 'win32') {
    const owner = createHash('sha256')
      .update(`${env['USERNAME'] ?? ''}\0${runDir}`)
      .digest('hex')
      .slice(0, 16);
    return `\\\\.\\pipe\\aitkit-mcp-proxy-${owner}-${name}.v${protocolMajor}`;
  }
  const plain = join(runDir, `mcp-proxy-${name}.v${protocolMajor}.sock`);
  if (Buffer.byteLength(plain) <= maxSocketPathBytes) return plain;
  const hash = createHash('sha256').update(`${runDir}\0${name}`).digest('hex').slice(0, 16);
  const runtime = env['XDG_RUNTIME_DIR'];
  const folder =
    runtime && isAbsolute(runtime) ? join(runtime, 'aitkit') : `/tmp/aitkit-${process.getuid?.() ?? 'user'}`;
  const short = join(folder, `${hash}.v${protocolMajor}.sock`);
  return Buffer.byteLength(short) <= maxSocketPathBytes
    ? short
    : `/tmp/aitkit-${process.getuid?.() ?? 'user'}/${hash}.v${protocolMajor}.sock`;
}

/** A relative one would be another folder, with a daemon of its own, wherever a session is opened. */
function absolute(variable: string, value: string | undefined, home: string): string | undefined {
  if (!value) return undefined;
  const path = value === '~' || value.startsWith('~/') ? join(home, value.slice(2)) : value;
  if (isAbsolute(path)) return resolve(path);
  throw new AppError({
    code: 'PATH_RELATIVE',
    message: `${variable} is ${JSON.stringify(value)}, which is another folder in each project.`,
    hint: `Write a path that begins with / or ~/, for instance ${variable}=${JSON.stringify(`~/${value.replace(/^(?:\.{1,2}\/)+/, '')}`)}, or unset it.`,
  });
}

function ensureName(name: string): void {
  if (/^[a-z0-9][a-z0-9_-]{0,63}$/.test(name)) return;
  throw new AppError({
    code: 'BAD_ARGUMENT',
    message: `${JSON.stringify(cutChars(name, 80))} cannot name a daemon.`,
    hint: `Use lower-case letters, digits, - and _, or leave it out (${defaultName}).`,
  });
}
