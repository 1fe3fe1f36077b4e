// A whole daemon in this process. Breaks when an end leaves its files, forgets to say that it is over, or when a start that
// fails leaves something behind.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { createRedactor } from '../../../src/base/redact.ts';
import { type Daemon, startDaemon } from '../../../src/daemon/daemon.ts';
import { ownBuild, protocolMajor } from '../../../src/link/build.ts';
import { readEndpoint } from '../../../src/link/endpoint.ts';
import { eventually } from '../../support/eventually.ts';
import { SwitchboardRig } from '../../support/switchboard-rig.ts';

let rig: SwitchboardRig;
let ended: string[];
let logged: string[];
beforeEach(() => {
  rig = new SwitchboardRig();
  [ended, logged] = [[], []];
});
afterEach(() => rig.close());

function start(isAlone = false): Promise<Daemon> {
  const { env, locations, createOpener } = rig;
  return startDaemon({
    ...{ env, locations, createOpener, isAlone, redactor: createRedactor(), subscribe: () => {} },
    log: { ...silentLog, info: (event) => void logged.push(event), error: (event) => void logged.push(event) },
    onStopped: (reason) => void ended.push(reason),
  });
}

/** A wrapper's connection, with what it was told. */
async function open() {
  const told: string[] = [];
  const socket = connect(rig.locations.socketPath);
  socket.on('error', () => {}).on('data', (chunk) => void told.push(chunk.toString('utf8')));
  const self = { pid: process.pid, startTime: '1' };
  const params = {
    ...{ protocol: protocolMajor, build: ownBuild, wrapperId: 'w-12345678', wrapper: self, host: self },
    ...{ projectDir: '', settings: {}, env: {} },
  };
  socket.write(`${JSON.stringify({ jsonrpc: '2.0', id: 'hello', method: 'aitkit/hello', params })}\n`);
  await eventually(() => told.join('').includes('sessionId'), { timeoutMs: 5_000, what: 'a hello', intervalMs: 1 });
  return { socket, told };
}

it('is found while it lives, leaves no file of its own, and says once that it is over', async () => {
  const daemon = await start();
  expect(readEndpoint(rig.locations.pidPath)?.nonce).toBe(daemon.endpoint.nonce);
  await Promise.all([daemon.stop('stop', false, true), daemon.stop('SIGTERM')]);
  const { socketPath, pidPath, journalPath } = rig.locations;
  expect([socketPath, pidPath, journalPath].filter((path) => existsSync(path))).toEqual([]);
  expect(ended).toEqual(['stop']);
});

it('tells its sessions before it goes, and lets them go after nobody can find it', async () => {
  const daemon = await start();
  const { socket, told } = await open();
  let wasFound: boolean | undefined;
  socket.on('close', () => {
    wasFound = existsSync(rig.locations.socketPath);
  });
  const stopped = daemon.stop('restart', true);
  await eventually(() => told.join('').includes('aitkit/drain'), { timeoutMs: 5_000, what: 'word', intervalMs: 1 });
  expect(told.join('')).toContain('"restart":true');
  socket.write('{"jsonrpc":"2.0","method":"aitkit/drained"}\n');
  await stopped;
  await eventually(() => wasFound !== undefined, { timeoutMs: 5_000, what: 'an end', intervalMs: 1 });
  expect(wasFound).toBe(false);
  expect(logged).toContain('session.closed');
});

it('ends with its only session when it is that session’s own', async () => {
  await start(true);
  const { socket } = await open();
  socket.destroy();
  await eventually(() => ended.length > 0, { timeoutMs: 5_000, what: 'the end', intervalMs: 1 });
  expect(ended).toEqual(['its only session ended']);
});

it('leaves nothing when it cannot start, and does not say that it is over', async () => {
  mkdirSync(rig.locations.pidPath);
  await expect(start()).rejects.toThrow();
  rmSync(rig.locations.pidPath, { recursive: true });
  expect(existsSync(rig.locations.socketPath)).toBe(false);
  expect(existsSync(rig.locations.journalPath)).toBe(false);
  expect(ended).toEqual([]);
});

it('closes its socket again when a later part does not start', async () => {
  await rig.close();
  rig = new SwitchboardRig({ isOnPort: true });
  // The token for the port cannot be written where a folder is.
  mkdirSync(rig.locations.tokenPath, { recursive: true });
  await expect(start()).rejects.toThrow();
  const { socketPath, pidPath } = rig.locations;
  expect([socketPath, pidPath].filter((path) => existsSync(path))).toEqual([]);
});
