// The daemon's socket and pid file: put there at the start, put back when somebody deletes them, removed at the end, and
// never touched when they are another daemon's. The lock decides whose they are.
import { lstatSync } from 'node:fs';
import type { Server } from 'node:net';
import { createFileExclusive, readFileIfPresent, removeIfPresent, writeFileAtomic } from '../base/atomic-file.ts';
import type { Log } from '../base/log.ts';
import { ensurePrivateDir } from '../base/private-dir.ts';
import { type Endpoint, readEndpoint, readLockKey } from '../link/endpoint.ts';
import type { Locations } from '../link/locations.ts';
import { claimScope } from '../link/scope.ts';
import { listenOnSocket } from './link-server.ts';
import { isListening } from './single-instance.ts';

export type OwnEndpointDeps = {
  locations: Locations;
  endpoint: Endpoint;
  /** A listener of its own each time: one that lost its file cannot get it back. */
  createServer: () => Server;
  /** Another daemon has the lock of this folder now: this one must go. */
  onLost: () => void;
  log: Log;
};

/** A session that opens meanwhile starts a second daemon, which this one then makes way for. */
const lookMs = 1_000;

export class OwnEndpoint {
  readonly #deps: OwnEndpointDeps;
  #server: Server | undefined;
  #inode = '';
  #key: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;

  constructor(deps: OwnEndpointDeps) {
    this.#deps = deps;
  }

  async open(): Promise<void> {
    const { locations } = this.#deps;
    this.#key = process.platform === 'linux' ? readLockKey(locations.lockKeyPath) : undefined;
    try {
      await this.#listen();
      this.#writePidFile();
    } catch (error) {
      // A socket without a daemon behind it would be taken for one that hangs.
      this.remove();
      this.close();
      throw error;
    }
    this.#timer = setInterval(() => void this.look(), lookMs);
    this.#timer.unref();
  }

  setPort(port: number | undefined): void {
    if (port === undefined) delete this.#deps.endpoint.port;
    else this.#deps.endpoint.port = port;
    this.#writePidFile();
  }

  /** Puts back what is missing. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      await this.#look();
    } catch (error) {
      this.#deps.log.warn('endpoint.not-restored', { error }); // disk full, read-only: tried again at the next look
    } finally {
      this.#isLooking = false;
    }
  }

  /** Sessions that are open go on; nobody new finds us. */
  remove(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    const { locations, endpoint } = this.#deps;
    if (readEndpoint(locations.pidPath)?.nonce === endpoint.nonce) removeIfPresent(locations.pidPath);
    if (process.platform !== 'win32' && this.#hasSocket()) removeIfPresent(locations.socketPath);
  }

  close(): void {
    this.#server?.close();
  }

  async #look(): Promise<void> {
    const { locations, endpoint, log } = this.#deps;
    if (process.platform === 'win32' || !this.#timer) return;
    if (this.#hasSocket() && readEndpoint(locations.pidPath)?.nonce === endpoint.nonce && this.#hasLock()) return;
    ensurePrivateDir(locations.runRoot);
    claimScope(locations.runRoot);
    ensurePrivateDir(locations.runDir);
    if (!this.#hasLock() && !this.#restoreLock()) return this.#lose();
    if (!this.#hasSocket()) {
      const isOthers = lstatSync(locations.socketPath, { throwIfNoEntry: false })?.isSocket() === true;
      if (isOthers && (await isListening(locations.socketPath))) return this.#lose();
      await this.#listen();
      log.warn('endpoint.restored', { what: locations.socketPath });
    }
    if (readEndpoint(locations.pidPath)?.nonce !== endpoint.nonce) {
      this.#writePidFile();
      log.warn('endpoint.restored', { what: locations.pidPath });
    }
  }

  async #listen(): Promise<void> {
    const { locations, createServer } = this.#deps;
    const server = createServer();
    await listenOnSocket(server, locations.socketPath);
    // Open connections stay with the former one.
    this.#server?.close();
    this.#server = server;
    this.#inode = inodeOf(locations.socketPath);
  }

  #hasSocket(): boolean {
    return this.#inode !== '' && inodeOf(this.#deps.locations.socketPath) === this.#inode;
  }

  #hasLock(): boolean {
    if (this.#key === undefined) return true;
    return readFileIfPresent(this.#deps.locations.lockKeyPath)?.trim() === this.#key;
  }

  /** The name of the lock that we hold, back in its file; false if another name stands there by now. */
  #restoreLock(): boolean {
    createFileExclusive(this.#deps.locations.lockKeyPath, `${this.#key}\n`);
    return this.#hasLock();
  }

  #lose(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#deps.log.error('endpoint.lost', { socket: this.#deps.locations.socketPath });
    this.#deps.onLost();
  }

  #writePidFile(): void {
    const { locations, endpoint } = this.#deps;
    writeFileAtomic(locations.pidPath, `${JSON.stringify(endpoint)}\n`);
  }
}

/** Device and number; '' if nothing is there. */
function inodeOf(path: string): string {
  if (process.platform === 'win32') return path;
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat ? `${stat.dev}:${stat.ino}` : '';
}
