// Full results behind shortened ones, private to the session that made the call. Bounded by count, bytes and age; large ones
// lie on disk. Whoever asks with a reference that is not theirs learns no more than with one that never was.
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../base/errors.ts';
import { ensurePrivateDir } from '../base/private-dir.ts';
import { readResultBytes, readSpilled, stringifyExact } from './exact-json.ts';
import { type ResultView, type ViewRequest, viewResult } from './result-view.ts';
import type { KeepResult } from './shield.ts';

export type ResultStoreLimits = {
  /** Per session; the oldest goes first. */
  readonly maxResults: number;
  /** Over all sessions, memory and disk together. */
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  /** Larger results go to disk. */
  readonly spillBytes: number;
  /** Of an answer with a view of a result; absent: as the shield has it without a config. */
  readonly maxViewBytes?: number;
};

export const defaultResultStoreLimits: ResultStoreLimits = {
  // As in the config, which the daemon passes in.
  maxResults: 100,
  maxBytes: 33_554_432,
  maxAgeMs: 1_800_000,
  spillBytes: 262_144,
};

export type ResultStoreDeps = {
  readonly now: () => number;
  /** Made on first use, 0700; must be the store's alone. */
  readonly spillFolder: string;
  /** Reads a file of more than `largeBytes` elsewhere. */
  readonly viewLarge?: (path: string, ref: string, request: ViewRequest) => Promise<ResultView>;
  readonly largeBytes?: number;
};

/** The store as one session has it: what its shield writes to, and what it may read. */
export type SessionResults = KeepResult & {
  read(ref: string, request: ViewRequest): Promise<ResultView>;
  has(ref: string): boolean;
};

type Entry = {
  readonly session: string;
  readonly ref: string;
  readonly bytes: number;
  readonly storedAt: number;
  readonly held: Held;
};
type Held = { readonly kind: 'memory'; readonly text: string } | { readonly kind: 'file'; readonly path: string };

/** 128 bits: a reference cannot be guessed, so holding one is not the protection but no reference leads anywhere else. */
const refBytes = 16;

export class ResultStore {
  readonly #deps: ResultStoreDeps;
  readonly #limits: ResultStoreLimits;
  // In order of age: entries are added at the end and never moved.
  readonly #entries = new Map<string, Entry>();
  // Paging through one result parses it once. Only the last one: parsed JSON is several times its text.
  #lastRead: { readonly ref: string; readonly result: unknown } | undefined;
  #bytes = 0;

  constructor(deps: ResultStoreDeps, limits: ResultStoreLimits = defaultResultStoreLimits) {
    this.#deps = deps;
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  of(session: string): SessionResults {
    return {
      put: (result) => this.put(session, result),
      read: (ref, request) => this.read(session, ref, request),
      has: (ref) => this.has(session, ref),
    };
  }

  /** A reference, or undefined when the result alone exceeds the store or is nested deeper than can be written. */
  put(session: string, result: unknown): string | undefined {
    this.expire();
    const text = textOf(result);
    if (text === undefined) return undefined;
    const bytes = Buffer.byteLength(text);
    if (!this.canHold(bytes)) return undefined;
    this.#makeRoom(session, bytes);
    const ref = this.newReference();
    const isLarge = bytes > this.#limits.spillBytes;
    const held: Held = isLarge ? spillText(this.#deps.spillFolder, text) : { kind: 'memory', text };
    this.#entries.set(ref, { session, ref, bytes, storedAt: this.#deps.now(), held });
    this.#bytes += bytes;
    return ref;
  }

  canHold(bytes: number): boolean {
    return bytes <= this.#limits.maxBytes;
  }

  newReference(): string {
    return randomBytes(refBytes).toString('base64url');
  }

  /** Keeps a result's JSON as it is under a new reference, without holding the event loop. */
  async putBytes(session: string, ref: string, given: Uint8Array): Promise<void> {
    this.expire();
    this.#makeRoom(session, given.length);
    // Counted before it is written: two at once must not both take the last room.
    this.#bytes += given.length;
    const held = await spillBytes(this.#deps.spillFolder, given);
    this.#entries.set(ref, { session, ref, bytes: given.length, storedAt: this.#deps.now(), held });
  }

  /** Throws RESULT_UNKNOWN for anything that is not this session's living reference. */
  get(session: string, ref: string, request: ViewRequest): ResultView {
    const entry = this.#find(session, ref);
    let result: unknown;
    try {
      result = this.#parse(entry);
    } catch {
      this.#drop(entry); // its file was cleaned away by somebody: for the caller it is gone like an expired one
      throw unknownResult();
    }
    return viewResult(result, { ...request, maxBytes: this.#limits.maxViewBytes });
  }

  /** The same in its own time, and where large results are read in a thread of their own, in that. */
  async read(session: string, ref: string, request: ViewRequest): Promise<ResultView> {
    const { held, bytes } = this.#find(session, ref);
    const { viewLarge, largeBytes = Number.POSITIVE_INFINITY } = this.#deps;
    if (held.kind !== 'file' || bytes <= largeBytes || !viewLarge) return this.get(session, ref, request);
    return viewLarge(held.path, ref, { ...request, maxBytes: this.#limits.maxViewBytes });
  }

  has(session: string, ref: string): boolean {
    const entry = this.#entries.get(ref);
    return entry !== undefined && entry.session === session && !this.#isOld(entry);
  }

  /** From then on the reference leads there for `to` alone. Without effect for one that is not `from`'s. */
  adopt(ref: string, from: string, to: string): void {
    const entry = this.#entries.get(ref);
    // In its old place: it is not younger for that.
    if (entry?.session === from) this.#entries.set(ref, { ...entry, session: to });
  }

  closeSession(session: string): void {
    for (const entry of this.#entries.values()) if (entry.session === session) this.#drop(entry);
  }

  /** Drops what is too old; the daemon calls it now and then, `get` and `put` do it for what they touch. */
  expire(): void {
    for (const entry of this.#entries.values()) {
      if (!this.#isOld(entry)) return;
      this.#drop(entry);
    }
  }

  close(): void {
    for (const entry of this.#entries.values()) this.#drop(entry);
  }

  #find(session: string, ref: string): Entry {
    const entry = this.#entries.get(ref);
    if (entry && this.#isOld(entry)) this.#drop(entry);
    else if (entry?.session === session) return entry;
    throw unknownResult();
  }

  #parse({ ref, held }: Entry): unknown {
    if (this.#lastRead?.ref === ref) return this.#lastRead.result;
    const result = held.kind === 'memory' ? readResultBytes(Buffer.from(held.text)) : readSpilled(held.path);
    this.#lastRead = { ref, result };
    return result;
  }

  #makeRoom(session: string, needed: number): void {
    const own = [...this.#entries.values()].filter((entry) => entry.session === session);
    for (const entry of own.slice(0, Math.max(0, own.length + 1 - this.#limits.maxResults))) this.#drop(entry);
    for (const entry of this.#entries.values()) {
      if (this.#bytes + needed <= this.#limits.maxBytes) return;
      this.#drop(entry);
    }
  }

  #drop({ ref, bytes, held }: Entry): void {
    this.#entries.delete(ref);
    this.#bytes -= bytes;
    if (this.#lastRead?.ref === ref) this.#lastRead = undefined;
    if (held.kind === 'file') rmSync(held.path, { force: true });
  }

  #isOld({ storedAt }: Entry): boolean {
    return this.#deps.now() - storedAt > this.#limits.maxAgeMs;
  }
}

/** JSON.parse reads any depth, JSON.stringify runs out of stack. */
function textOf(result: unknown): string | undefined {
  try {
    return stringifyExact(result);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

// Where the disk is full or the folder cannot be made, memory holds it: the call has run, and its result must not be lost
// for want of a place. The store's bound on bytes holds for both.

function spillText(folder: string, text: string): Held {
  let path: string | undefined;
  try {
    path = spillPath(folder);
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
    return { kind: 'file', path };
  } catch {
    if (path !== undefined) rmSync(path, { force: true });
    return { kind: 'memory', text };
  }
}

async function spillBytes(folder: string, bytes: Uint8Array): Promise<Held> {
  let path: string | undefined;
  try {
    path = spillPath(folder);
    await writeFile(path, bytes, { mode: 0o600, flag: 'wx' });
    return { kind: 'file', path };
  } catch {
    if (path !== undefined) rmSync(path, { force: true });
    return { kind: 'memory', text: Buffer.from(bytes).toString('utf8') };
  }
}

/** The name is not the reference: who may list the folder still cannot ask for the result. */
function spillPath(folder: string): string {
  return join(ensurePrivateDir(folder), `${randomBytes(8).toString('hex')}.json`);
}

/** One text for never issued, another session's, expired and pushed out: the difference would tell what others do. */
function unknownResult(): AppError {
  return new AppError({
    code: 'RESULT_UNKNOWN',
    message: 'No stored result has this reference.',
    hint: 'References end with their session and after a while ("shield.keepMs" in the config). Call the tool again.',
  });
}
