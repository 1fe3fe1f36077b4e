// What the commands need of a running daemon, and starting one where a command may.
import { AppError } from '../base/errors.ts';
import { claimLocations, findLocations } from '../daemon-client/claim.ts';
import { type ControlClient, createControlClient, ensureDaemon } from '../daemon-client/control-client.ts';
import { findStopped } from '../daemon-client/hang.ts';
import { probe } from '../daemon-client/probe.ts';
import type { ServerRequest } from '../link/control.ts';
import type { Environment } from '../link/locations.ts';

export type DaemonClient = Pick<
  ControlClient,
  'health' | 'status' | 'explain' | 'tokens' | 'tools' | 'call' | 'drain' | 'reload'
> & {
  change: (verb: 'start' | 'stop' | 'restart', request: ServerRequest) => Promise<unknown>;
};

export type DaemonAccess = {
  /** The daemon that runs, or undefined if none does. Throws when one is there and cannot be used. */
  find: () => Promise<DaemonClient | undefined>;
  /** Starts one if none runs. */
  ensure: () => Promise<DaemonClient>;
};

export type DaemonAccessOptions = { env: Environment; name?: string | undefined; bundlePath: string };

/** A daemon under load answers late; one that takes longer than this is told to the person as busy. */
const answerTimeoutMs = 5_000;

export function createDaemonAccess({ env, name, bundlePath }: DaemonAccessOptions): DaemonAccess {
  const find = async () => {
    const locations = findLocations(env, name);
    const found = await probe(locations.socketPath);
    if (found.kind === 'absent') return undefined;
    if (found.kind !== 'listening') throw found.error;
    const client = createControlClient(locations);
    // A stopped process still accepts connections: only an answer tells that somebody is there.
    try {
      await client.send('ping', { timeoutMs: answerTimeoutMs });
    } catch (error) {
      if (isNotRunning(error)) return undefined;
      const isSilent = error instanceof AppError && error.code === 'DAEMON_BUSY';
      throw (isSilent ? findStopped(locations.pidPath, answerTimeoutMs) : undefined) ?? error;
    }
    return withChange(client);
  };
  return {
    find,
    ensure: async () => {
      const running = await find();
      if (running) return running;
      return withChange(await ensureDaemon({ locations: claimLocations(env, name), env, bundlePath }));
    },
  };
}

/** Also one that ended before it answered. */
export function isNotRunning(error: unknown): boolean {
  return error instanceof AppError && error.code === 'NOT_RUNNING';
}

function withChange(client: ControlClient): DaemonClient {
  const drain: DaemonClient['drain'] = async (request) => {
    try {
      return await client.drain(request);
    } catch (error) {
      if (isNotRunning(error)) return undefined; // by itself, meanwhile: what was asked for has happened
      throw error;
    }
  };
  // No limit: a first start may download its server, and the daemon has its own limit for that.
  return { ...client, drain, change: (verb, body) => client.send(verb, { body, timeoutMs: 0 }) };
}
