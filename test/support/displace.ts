// Breaks the connection of a wrapper that goes on living: somebody says hello with its id, the daemon closes the older
// connection, and the wrapper comes back.
import { connect } from 'node:net';
import { processStartTime } from '../../src/base/process-identity.ts';
import { protocolMajor } from '../../src/link/build.ts';
import { linkMethods } from '../../src/link/hello.ts';
import type { DaemonRig } from './daemon-rig.ts';

/** `lifeId`: as `status` shows it at a copy that belongs to one session. Resolves when the wrapper is connected again. */
export async function displace(rig: DaemonRig, lifeId: string): Promise<void> {
  const self = { pid: process.pid, startTime: processStartTime(process.pid) ?? '' };
  const params = {
    protocol: protocolMajor,
    build: { version: '0.0.0', fingerprint: 'test' },
    wrapperId: lifeId,
    wrapper: self,
    host: self,
    projectDir: rig.project('project'),
    settings: {},
    env: { HOME: rig.home },
  };
  const socket = connect(rig.locations.socketPath);
  socket.on('error', () => {});
  socket.write(`${JSON.stringify({ jsonrpc: '2.0', id: 'hello', method: linkMethods.hello, params })}\n`);
  socket.resume();
  // Ours ends when the wrapper says hello again.
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
}

/** Of the only copy that belongs to one session. */
export async function scopeOf(rig: DaemonRig, server: string): Promise<string> {
  const { servers } = await rig.status();
  const found = servers.find(({ name }) => name === server)?.instances[0]?.sessionId;
  if (found === undefined) throw new Error(`${server} has no copy of one session`);
  return found;
}
