// The configured servers as the file says, for commands that work without a daemon.
import { AppError } from '../base/errors.ts';
import { type Config, type InvalidServer, type LoadResult, loadConfig } from '../config/load.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import { nearest } from './args.ts';
import type { CommandContext } from './command.ts';

export type Configured = {
  exists: boolean;
  config: Config;
  invalid: InvalidServer[];
  warnings: Extract<LoadResult, { ok: true }>['warnings'];
};

/** Throws CONFIG_INVALID or CONFIG_UNREADABLE when the file as a whole is of no use. */
export function readConfigured({ locations, env }: Pick<CommandContext, 'locations' | 'env'>): Configured {
  const result = loadConfig({ locations, env });
  if (result.ok) return result;
  const { code, message, hint } = result.problem;
  throw new AppError({ code, message, ...(hint === undefined ? {} : { hint }) });
}

/** The entry of that name, or SERVER_UNKNOWN with the nearest one. An invalid entry throws what is wrong with it. */
export function getConfigured(configured: Configured, name: string): ServerEntry {
  const entry = configured.config.servers.find((server) => server.name === name);
  if (entry) return entry;
  const invalid = configured.invalid.find((server) => server.name === name);
  if (invalid) {
    const { code, message, hint } = invalid.problem;
    throw new AppError({ code, message, ...(hint === undefined ? {} : { hint }) });
  }
  throw unknownServer(name, serverNames(configured));
}

export function serverNames({ config, invalid }: Configured): string[] {
  return [...config.servers, ...invalid].map((server) => server.name);
}

export function unknownServer(name: string, known: readonly string[]): AppError {
  const close = nearest(name, known);
  const all = known.length === 0 ? 'No server is configured yet: `mcp-proxy add --help`' : 'See `mcp-proxy list`.';
  return new AppError({
    code: 'SERVER_UNKNOWN',
    message: `There is no server ${JSON.stringify(name)} in the config.`,
    hint: close ? `Did you mean ${close}?` : all,
  });
}
