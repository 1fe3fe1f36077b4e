// What the daemon of a world says about itself, and what its folder shows; asked as any tool of a person's would.
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { z } from 'zod';
import { type Locations, locate } from '../../../src/link/locations.ts';
import { listRecordPids } from '../../../src/link/record.ts';
import type { World } from './world.ts';

const status = z.object({
  daemon: z.object({ pid: z.number(), build: z.object({ version: z.string() }) }),
  sessions: z.array(z.object({ hostPid: z.number().optional(), projectDir: z.string(), isActive: z.boolean() })),
  servers: z.array(
    z.object({
      name: z.string(),
      tools: z.number().optional(),
      instances: z.array(z.object({ pid: z.number().optional(), state: z.string() })),
    }),
  ),
});
export type DaemonView = z.infer<typeof status>;

export function locationsOf(world: World): Locations {
  return locate({ HOME: world.home });
}

/** Undefined while no daemon runs. */
export async function viewDaemon(world: World): Promise<DaemonView | undefined> {
  const { socketPath } = locationsOf(world);
  if (!existsSync(socketPath)) return undefined;
  const body = await get(socketPath, '/status');
  return body === undefined ? undefined : status.parse(JSON.parse(body));
}

/** Host pids of the sessions that the daemon holds a connection for. */
export async function leases(world: World): Promise<number[]> {
  return ((await viewDaemon(world))?.sessions ?? []).flatMap(({ hostPid }) => hostPid ?? []).sort((a, b) => a - b);
}

/** Whether there is a daemon with that many sessions, and the tools of all its servers are known. */
export async function isReady(world: World, sessions: number): Promise<boolean> {
  const view = await viewDaemon(world);
  return view?.sessions.length === sessions && view.servers.every(({ tools = 0 }) => tools > 0);
}

/** Pids that have a session record on disk. */
export function records(world: World): number[] {
  return listRecordPids(locationsOf(world).recordsDir).sort((a, b) => a - b);
}

/** The end of the daemon's log, for the message of a failed test. */
export function daemonLog(world: World): string {
  try {
    return readFileSync(locationsOf(world).logPath, 'utf8').slice(-4_000);
  } catch {
    return 'no log';
  }
}

function get(socketPath: string, path: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, agent: false, timeout: 5_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    });
    call.on('timeout', () => call.destroy(new Error(`${path} was not answered within 5 s`)));
    call.on('error', (error) =>
      'code' in error && error.code === 'ECONNREFUSED' ? resolve(undefined) : reject(error),
    );
    call.end();
  });
}
