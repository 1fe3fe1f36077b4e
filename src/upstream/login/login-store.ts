// What is kept of a login, one private file for each server: the client we registered and its tokens.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import { readFileIfPresent, removeIfPresent, writeFileAtomic } from '../../base/atomic-file.ts';
import { ensurePrivateDir } from '../../base/private-dir.ts';

export type OAuthServer = {
  name: string;
  url: URL;
  /** A registration made by hand, or the address of a document that describes us; without it we register ourselves. */
  clientId?: string | undefined;
  clientSecret?: string | undefined;
  callbackPort?: number | undefined;
  scopes?: string | string[] | undefined;
  /** Where the login server is described, in place of what the server says. */
  authServerMetadataUrl?: string | undefined;
  /** Headers of the entry by which the server may know who calls. */
  ownHeaders?: readonly string[] | undefined;
};

export type StoredLogin = {
  client?: OAuthClientInformationMixed;
  /** The port of the address that `client` was registered with. */
  redirectPort?: number;
  tokens?: OAuthTokens;
  /** When the tokens came, in ms since 1970: their lifetime counts from there. */
  obtainedAtMs?: number;
};

export type LoginStore = { load: () => StoredLogin; save: (login: StoredLogin) => void; remove: () => void };

/**
 * Two entries with one address share a login; another path is another resource, and another registration made by hand
 * may be another person's.
 */
export function loginKey({ url, clientId }: { url: URL; clientId?: string | undefined }): string {
  return clientId === undefined ? url.href : `${url.href} ${clientId}`;
}

export function createLoginStore(folder: string, server: { url: URL; clientId?: string | undefined }): LoginStore {
  const path = join(folder, `${createHash('sha256').update(loginKey(server)).digest('hex').slice(0, 32)}.json`);
  return {
    load: () => parse(readFileIfPresent(path)),
    save: (login) => {
      ensurePrivateDir(folder);
      writeFileAtomic(path, `${JSON.stringify({ server: server.url.href, ...login }, null, 2)}\n`, { durable: true });
    },
    remove: () => removeIfPresent(path),
  };
}

/** Anything unreadable counts as not logged in. */
function parse(text: string | undefined): StoredLogin {
  let value: unknown;
  try {
    value = JSON.parse(text ?? '{}');
  } catch {
    return {};
  }
  if (typeof value !== 'object' || value === null) return {};
  const client = 'client' in value && isClient(value.client) ? value.client : undefined;
  const tokens = 'tokens' in value && isTokens(value.tokens) ? value.tokens : undefined;
  const redirectPort = 'redirectPort' in value && isPositive(value.redirectPort) ? value.redirectPort : undefined;
  const obtainedAtMs = 'obtainedAtMs' in value && isPositive(value.obtainedAtMs) ? value.obtainedAtMs : undefined;
  return {
    ...(client ? { client } : {}),
    ...(tokens ? { tokens } : {}),
    ...(redirectPort && redirectPort < 65_536 ? { redirectPort } : {}),
    ...(obtainedAtMs ? { obtainedAtMs } : {}),
  };
}

function isClient(value: unknown): value is OAuthClientInformationMixed {
  return typeof value === 'object' && value !== null && 'client_id' in value && typeof value.client_id === 'string';
}

function isTokens(value: unknown): value is OAuthTokens {
  if (typeof value !== 'object' || value === null || !('access_token' in value) || !('token_type' in value))
    return false;
  // The token becomes part of a header.
  return (
    typeof value.access_token === 'string' &&
    /^[\x21-\x7e]+$/.test(value.access_token) &&
    typeof value.token_type === 'string'
  );
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}
