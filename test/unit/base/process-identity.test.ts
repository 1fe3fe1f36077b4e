import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isRunning, processStartTime } from '../../../src/base/process-identity.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'identity-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Listens, with enough memory that the kernel needs a while to end it. */
const listener = `
  const memory = Buffer.alloc(200_000_000, 1);
  require('node:net').createServer().listen(process.argv[1], () => process.stdout.write('ready'));
`;

it.runIf(process.platform === 'linux')(
  'counts a killed process as running for as long as its sockets still take connections',
  async () => {
    for (let round = 0; round < 3; round += 1) {
      const socketPath = join(folder, `${round}.sock`);
      const child = spawn(process.execPath, ['-e', listener, socketPath], { stdio: ['ignore', 'pipe', 'ignore'] });
      await once(child.stdout, 'data');
      const identity = { pid: child.pid ?? 0, startTime: processStartTime(child.pid ?? 0) };
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      // Not a wait but the thing itself: the first moment at which it no longer counts as running.
      while (isRunning(identity));
      const outcome = await new Promise<string>((resolve) => {
        const socket = createConnection(socketPath);
        socket.once('connect', () => resolve('connected'));
        socket.once('error', (error) => resolve('code' in error ? String(error.code) : error.message));
      });
      expect(outcome).toBe('ECONNREFUSED');
      await exited;
    }
  },
);
