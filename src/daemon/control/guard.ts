// Before any route on TCP: right host, no foreign page, the token. The socket needs none of it: only this user reaches it.
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { readFileIfPresent, writeFileAtomic } from '../../base/atomic-file.ts';
import { isSameSecret } from '../../base/same-secret.ts';

export type Verdict = { status: 200 } | { status: 401 | 403; message: string };

/** DNS rebinding: a page reaches us under its own name, so the name must be ours. Checked even with the right token. */
export function checkRequest(request: IncomingMessage, port: number, token: string): Verdict {
  const { host, origin, authorization } = request.headers;
  if (!isOwnHost(host, port)) return { status: 403, message: 'This Host is not served here.' };
  if (origin !== undefined && !isOwnOrigin(origin, port))
    return { status: 403, message: 'This Origin is not allowed.' };
  const given = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
  if (given === undefined || !isSameSecret(given, token))
    return { status: 401, message: 'A valid bearer token is needed.' };
  return { status: 200 };
}

/** 256 bits in a 0600 file. `replace`: another program held our port and may have been shown the old one. */
export function loadToken(path: string, replace = false): string {
  const found = replace ? undefined : readFileIfPresent(path)?.trim();
  if (found !== undefined && found.length >= 32) return found;
  const token = randomBytes(32).toString('base64url');
  writeFileAtomic(path, `${token}\n`);
  return token;
}

function isOwnHost(host: string | undefined, port: number): boolean {
  return host !== undefined && ownNames.some((name) => host === `${name}:${port}`);
}

function isOwnOrigin(origin: string, port: number): boolean {
  return ownNames.some((name) => origin === `http://${name}:${port}`);
}

const ownNames = ['127.0.0.1', 'localhost', '[::1]'];
