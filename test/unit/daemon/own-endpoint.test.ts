// The daemon's socket and pid file. Breaks when one that others deleted is not put back, or when somebody else's is removed.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { OwnEndpoint } from '../../../src/daemon/own-endpoint.ts';
import { ownBuild } from '../../../src/link/build.ts';
import { type Endpoint, readEndpoint } from '../../../src/link/endpoint.ts';
import { type Locations, locate } from '../../../src/link/locations.ts';

let home: string;
let locations: Locations;
let lost: number;
let others: Server[];
const opened: OwnEndpoint[] = [];
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'own-endpoint-')));
  locations = locate({ HOME: home });
  mkdirSync(locations.runDir, { recursive: true, mode: 0o700 });
  [lost, others] = [0, []];
});
afterEach(async () => {
  for (const own of opened.splice(0)) {
    own.remove();
    own.close();
  }
  for (const server of others) await new Promise((resolve) => server.close(resolve));
  rmSync(home, { recursive: true, force: true });
});

function endpointOf(nonce: string): Endpoint {
  const { socketPath: socket } = locations;
  return { pid: process.pid, startTime: '1', build: ownBuild, protocol: 1, execPath: '/node', nonce, socket };
}

/** Says who it is to whoever comes, and does not mind who only looked. */
const listener = (name: string) => createServer((socket) => socket.on('error', () => {}).end(name));

function create(nonce = 'mine'): OwnEndpoint {
  const own = new OwnEndpoint({
    locations,
    endpoint: endpointOf(nonce),
    createServer: () => listener(nonce),
    onLost: () => {
      lost += 1;
    },
    log: silentLog,
  });
  opened.push(own);
  return own;
}
async function open(nonce?: string): Promise<OwnEndpoint> {
  const own = create(nonce);
  await own.open();
  return own;
}
/** Who answers at the socket. */
function answers(): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    connect(locations.socketPath)
      .on('error', ({ message }) => resolve(message))
      .on('data', (chunk) => (text += chunk))
      .on('close', () => resolve(text));
  });
}
const nonce = () => readEndpoint(locations.pidPath)?.nonce;

it('is there when it is opened, says its port, and is gone when it is removed', async () => {
  const own = await open();
  expect([await answers(), nonce()]).toEqual(['mine', 'mine']);
  own.setPort(4711);
  expect(readEndpoint(locations.pidPath)?.port).toBe(4711);
  own.setPort(undefined);
  expect(readEndpoint(locations.pidPath)?.port).toBeUndefined();
  own.remove();
  expect([existsSync(locations.socketPath), existsSync(locations.pidPath)]).toEqual([false, false]);
});

it('leaves nothing when it cannot be opened', async () => {
  mkdirSync(locations.pidPath);
  await expect(open()).rejects.toThrow();
  expect(existsSync(locations.socketPath)).toBe(false);
});

describe('what was deleted is put back:', () => {
  it.each([
    ['the socket', () => rmSync(locations.socketPath)],
    ['the pid file', () => rmSync(locations.pidPath)],
    ['the name of the lock', () => rmSync(locations.lockKeyPath)],
    ['the whole folder', () => rmSync(locations.runRoot, { recursive: true })],
    [
      'a socket that nobody listens at any more, in its place',
      () => {
        rmSync(locations.socketPath);
        writeFileSync(locations.socketPath, '');
      },
    ],
  ])('%s', async (_what, remove) => {
    const own = await open();
    const key = readFileSync(locations.lockKeyPath, 'utf8');
    remove();
    await own.look();
    expect([await answers(), nonce(), lost]).toEqual(['mine', 'mine', 0]);
    expect(readFileSync(locations.lockKeyPath, 'utf8')).toBe(key);
  });
});

describe('another daemon', () => {
  it('that has the lock of the folder now ends this one, which touches nothing of it', async () => {
    const own = await open();
    rmSync(locations.lockKeyPath);
    rmSync(locations.socketPath);
    await open('theirs');
    await own.look();
    expect(lost).toBe(1);
    own.remove();
    expect([await answers(), nonce()]).toEqual(['theirs', 'theirs']);
  });

  it('that listens in our place ends this one', async () => {
    const own = await open();
    rmSync(locations.socketPath);
    const other = listener('theirs');
    others.push(other);
    await new Promise<void>((resolve) => other.listen(locations.socketPath, resolve));
    await own.look();
    own.remove();
    expect([lost, await answers(), nonce()]).toEqual([1, 'theirs', undefined]);
  });

  it('keeps its pid file although the socket is still ours', async () => {
    const own = await open();
    writeFileSync(locations.pidPath, JSON.stringify(endpointOf('theirs')));
    own.remove();
    expect([existsSync(locations.socketPath), nonce()]).toEqual([false, 'theirs']);
  });
});

it('looks no more when it is removed', async () => {
  const own = await open();
  own.remove();
  await own.look();
  expect(existsSync(locations.socketPath)).toBe(false);
});
