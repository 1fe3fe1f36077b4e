// The eras that are spoken here, and which one it is.
import type { Envelope } from '../envelope.ts';
import { requestedVersion } from '../modern.ts';
import type { Era } from './era.ts';
import { sessionsEra } from './sessions-era.ts';
import { statelessEra } from './stateless-era.ts';

export const eras: readonly Era[] = [statelessEra, sessionsEra];

/** Before anything was agreed, and for a version that nobody knows, it is the one that begins with a handshake. */
export function eraOf(version: string | undefined): Era {
  return eras.find(({ versions }) => versions.some((known) => known === version)) ?? sessionsEra;
}

/** A message may say itself of which era it is, already before anything was agreed: then that counts. */
export function eraOfMessage(message: Envelope, agreed: Era): Era {
  if (message.kind !== 'request' && message.kind !== 'notification') return agreed;
  const claimed = requestedVersion(message);
  return claimed === undefined ? agreed : eraOf(claimed);
}
