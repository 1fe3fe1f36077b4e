// The other program that some servers need: a remote server on this machine.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canConnect } from '../../src/upstream/transports/http/loopback-port.ts';
import { eventually } from '../support/eventually.ts';
import { commandOf } from './launch.ts';
import type { FleetServer } from './server-row.ts';

export async function startCompanion(
  { companion }: FleetServer,
  { path, port }: { path: string; port: number },
): Promise<{ end: () => void } | undefined> {
  if (!companion) return undefined;
  // Not the run's home: what stands in its environment counts as left behind.
  const home = mkdtempSync(join(tmpdir(), 'mcp-proxy-companion-'));
  const { command, args, env } = commandOf(companion, { home, port });
  const child = spawn(command, args, { env: { PATH: path, HOME: home, ...env }, stdio: 'ignore', detached: true });
  await eventually(() => canConnect('127.0.0.1', port), { what: `port ${port}` });
  return {
    end: () => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
