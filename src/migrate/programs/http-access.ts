// Address and token of the daemon for programs that cannot start a command, and where the token must not be written.

import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { AppError } from '../../base/errors.ts';
import { loadConfig } from '../../config/load.ts';
import { realpathIfPresent, type World } from '../world.ts';
import type { Declared } from './declared.ts';
import { findRepository } from './git-ignore.ts';
import { type HostFile, hosts } from './hosts.ts';

/** The configured port, or undefined where the daemon listens nowhere or anywhere. */
export function httpPort({ locations, env }: Pick<World, 'locations' | 'env'>): number | undefined {
  const loaded = loadConfig({ locations, env });
  const port = loaded.ok ? loaded.config.http.port : undefined;
  return port === 'off' || port === 0 ? undefined : port;
}

/** Whether an entry leads to our own address, whoever wrote it. */
export function isOwnAddress(server: Declared, world: World): boolean {
  const { url } = server.entry;
  if (url === undefined || !/^https?:\/\/(?:127\.0\.0\.1|localhost|\[::1\]):/i.test(url)) return false;
  const port = httpPort(world);
  if (port === undefined || !URL.canParse(url)) return false;
  const { port: given, pathname } = new URL(url);
  return given === String(port) && /^\/mcp(?:\/|$)/.test(pathname);
}

/** Throws MIGRATION_REFUSED unless the file is the person's alone: whoever reads it can run every tool. */
export function ensurePrivate(world: World, { host, file }: HostFile): void {
  if (host === 'claude-desktop') {
    throw refused(`${hosts[host].title} takes no address in its file.`, 'Leave --http away: it can start a command.');
  }
  const without = 'Or leave --http away: the entry then starts a command and holds no token.';
  const real = realpathIfPresent(file) ?? file;
  const repository = findRepository(dirname(real));
  if (repository) throw refused(`${real} lies in the repository ${repository.top}, where no token may go.`, without);
  const mode = modeOf(real);
  if (mode === undefined || world.platform === 'win32' || (mode & 0o077) === 0) return;
  throw refused(`${file} can be read by others, and the entry holds a token.`, `Run: chmod 600 '${file}'. ${without}`);
}

function modeOf(path: string): number | undefined {
  try {
    return statSync(path).mode;
  } catch {
    return undefined; // a new file is made for this user alone
  }
}

function refused(message: string, hint: string): AppError {
  return new AppError({ code: 'MIGRATION_REFUSED', message, hint });
}
