// Does anybody listen? A bare connect: proof of absence or of life, not of fitness (the hello is that).
import { createConnection } from 'node:net';
import { busy, classifyConnectError, inspectSocketFile, type LinkFailure } from './socket-file.ts';

/** Connecting to a unix socket takes microseconds, or EAGAIN; a pipe of another system may hang. */
const connectTimeoutMs = 2_000;

export type Probe = { kind: 'listening' } | LinkFailure;

export function probe(socketPath: string): Promise<Probe> {
  const unusable = inspectSocketFile(socketPath);
  if (unusable) return Promise.resolve(unusable);
  return new Promise((resolve) => {
    const socket = createConnection(socketPath);
    const settle = (result: Probe) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => settle(busy(`Connecting to ${socketPath} hangs.`)), connectTimeoutMs);
    socket.on('connect', () => settle({ kind: 'listening' }));
    socket.on('error', (error) => settle(classifyConnectError(error, socketPath)));
  });
}
