// A session of the daemon's own: what people and scripts ask takes the very way that a host's messages take.
import { randomUUID } from 'node:crypto';
import { homedir } from 'node:os';
import type { ProcessIdentity } from '../../base/process-identity.ts';
import type { EnvValues } from '../../link/baseline-env.ts';
import { findPlace } from '../../link/project-root.ts';
import type { Session } from '../../sessions/session.ts';
import { createUnconnected } from '../../sessions/without-wrapper.ts';

export type ControlSessionDeps = {
  endpoint: ProcessIdentity;
  /** Variables for askers without a wrapper. */
  envValues: () => EnvValues;
  baseline: EnvValues;
  now: () => number;
};

export type ControlSessionOptions = {
  projectDir?: string | undefined;
  /** It sees that one alone, whichever project it is for. */
  server?: string;
  onLine?: (line: Buffer) => void;
};

export function createControlSession(
  { endpoint, envValues, baseline, now }: ControlSessionDeps,
  { projectDir = '', server, onLine = () => {} }: ControlSessionOptions = {},
): Session {
  const self = { pid: endpoint.pid, startTime: endpoint.startTime };
  return createUnconnected({
    identity: {
      id: `control-${randomUUID()}`,
      lifeId: `control-${randomUUID()}`,
      ...{ host: self, wrapper: self, projectDir },
      ...findPlace(projectDir, baseline['HOME'] ?? homedir()),
      ...(server ? { server } : {}),
    },
    ...{ baseline, values: envValues(), idPrefix: 'control', now, onLine },
  });
}
