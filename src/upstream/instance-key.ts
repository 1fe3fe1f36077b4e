// Same resolved launch spec and scope, same process. The key is an HMAC under a local secret, because the spec holds
// tokens: nobody can test guesses against a key that stands in a log or in status.

import { createHmac, randomBytes } from 'node:crypto';
import { createFileExclusive, readFileIfPresent } from '../base/atomic-file.ts';
import { canonicalJson } from '../base/canonical-json.ts';
import type { Sharing } from '../link/control.ts';

export type InstanceIdentity = {
  id: string;
  key: string;
  /** Under which its lists are kept for the next copy of the same identity. */
  snapshotKey: string;
  server: string;
  sharing: Sharing;
  /** Of the sessions that share it, for sharing by project. */
  folder?: string;
  /** They may be in any folder below that one. */
  spansFolders?: boolean;
  /** Wrapper id, for sharing by session. */
  lifeId?: string;
};

/** Of what else is known with it. */
export function identityOf(known: InstanceIdentity): InstanceIdentity {
  const { id, key, snapshotKey, server, sharing, folder, spansFolders, lifeId } = known;
  return {
    ...{ id, key, snapshotKey, server, sharing },
    ...(folder ? { folder } : {}),
    ...(spansFolders ? { spansFolders } : {}),
    ...(lifeId ? { lifeId } : {}),
  };
}

export type KeyMaker = (...parts: readonly unknown[]) => string;

export function createKeyMaker(secret: string): KeyMaker {
  return (...parts) => createHmac('sha256', secret).update(canonicalJson(parts)).digest('hex').slice(0, 32);
}

/** The secret in `path` (0600), made at the first use. */
export function loadSecret(path: string): string {
  const found = readFileIfPresent(path)?.trim();
  if (found && found.length >= 32) return found;
  if (found === undefined && createFileExclusive(path, `${randomBytes(32).toString('hex')}\n`)) return loadSecret(path);
  // Another daemon wrote it first, or it is damaged: a damaged one would give every guess the same key.
  const again = readFileIfPresent(path)?.trim();
  return again && again.length >= 32 ? again : randomBytes(32).toString('hex');
}
