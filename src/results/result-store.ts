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

export type ResultStore = {
  /** A reference, or undefined when the result alone exceeds the store or is nested deeper than can be written. */
  put(session: string, result: unknown): string | undefined;
  /** Throws RESULT_UNKNOWN for anything that is not this session's living reference. */
  get(session: string, ref: string, request: ViewRequest): ResultView;
  /** The same in its own time, and where large results are read in a thread of their own, in that. */
  read(session: string, ref: string, request: ViewRequest): Promise<ResultView>;
  has(session: string, ref: string): boolean;
  /** From then on the reference leads there for `to` alone. Without effect for one that is not `from`'s. */
  adopt(ref: string, from: string, to: string): void;
  canHold(bytes: number): boolean;
  newReference(): string;
  /** Keeps a result's JSON as it is under a new reference, without holding the event loop. */
  putBytes(session: string, ref: string, bytes: Uint8Array): Promise<void>;
  /** What the shield of one session writes to. */
  keeper(session: string): KeepResult;
  closeSession(session: string): void;
  /** Drops what is too old; the daemon calls it now and then, `get` and `put` do it for what they touch. */
  expire(): void;
  close(): void;
  readonly bytes: number;
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

export function createResultStore(
  deps: ResultStoreDeps,
  limits: ResultStoreLimits = defaultResultStoreLimits,
): ResultStore {
  // In order of age: entries are added at the end and never moved.
  const entries = new Map<string, Entry>();
  // Paging through one result parses it once. Only the last one: parsed JSON is several times its text.
  let lastRead: { readonly ref: string; readonly result: unknown } | undefined;
  let bytes = 0;

  const drop = (entry: Entry): void => {
    entries.delete(entry.ref);
    bytes -= entry.bytes;
    if (lastRead?.ref === entry.ref) lastRead = undefined;
    if (entry.held.kind === 'file') rmSync(entry.held.path, { force: true });
  };
  const isOld = (entry: Entry): boolean => deps.now() - entry.storedAt > limits.maxAgeMs;
  const expire = (): void => {
    for (const entry of entries.values()) {
      if (!isOld(entry)) return;
      drop(entry);
    }
  };
  const makeRoom = (session: string, needed: number): void => {
    const own = [...entries.values()].filter((entry) => entry.session === session);
    for (const entry of own.slice(0, Math.max(0, own.length + 1 - limits.maxResults))) drop(entry);
    for (const entry of entries.values()) {
      if (bytes + needed <= limits.maxBytes) return;
      drop(entry);
    }
  };
  const put = (session: string, result: unknown): string | undefined => {
    expire();
    const text = textOf(result);
    if (text === undefined) return undefined;
    const size = Buffer.byteLength(text);
    if (size > limits.maxBytes) return undefined;
    makeRoom(session, size);
    const ref = randomBytes(refBytes).toString('base64url');
    const held: Held = size > limits.spillBytes ? spillText(deps.spillFolder, text) : { kind: 'memory', text };
    entries.set(ref, { session, ref, bytes: size, storedAt: deps.now(), held });
    bytes += size;
    return ref;
  };
  const read = (entry: Entry): unknown => {
    if (lastRead?.ref === entry.ref) return lastRead.result;
    const result =
      entry.held.kind === 'memory' ? readResultBytes(Buffer.from(entry.held.text)) : readSpilled(entry.held.path);
    lastRead = { ref: entry.ref, result };
    return result;
  };
  const find = (session: string, ref: string): Entry => {
    const entry = entries.get(ref);
    if (!entry || entry.session !== session || isOld(entry)) {
      if (entry && isOld(entry)) drop(entry);
      throw unknownResult();
    }
    return entry;
  };
  return {
    get bytes() {
      return bytes;
    },
    put,
    has(session, ref) {
      const entry = entries.get(ref);
      return entry !== undefined && entry.session === session && !isOld(entry);
    },
    adopt(ref, from, to) {
      const entry = entries.get(ref);
      // In its old place: it is not younger for that.
      if (entry?.session === from) entries.set(ref, { ...entry, session: to });
    },
    canHold: (size) => size <= limits.maxBytes,
    newReference: () => randomBytes(refBytes).toString('base64url'),
    async putBytes(session, ref, given) {
      expire();
      makeRoom(session, given.length);
      // Counted before it is written: two at once must not both take the last room.
      bytes += given.length;
      const held = await spillBytes(deps.spillFolder, given);
      entries.set(ref, { session, ref, bytes: given.length, storedAt: deps.now(), held });
    },
    async read(session, ref, request) {
      const entry = find(session, ref);
      const isLarge = entry.bytes > (deps.largeBytes ?? Number.POSITIVE_INFINITY);
      if (entry.held.kind !== 'file' || !isLarge || !deps.viewLarge) return this.get(session, ref, request);
      return deps.viewLarge(entry.held.path, ref, { ...request, maxBytes: limits.maxViewBytes });
    },
    get(session, ref, request) {
      const entry = find(session, ref);
      let result: unknown;
      try {
        result = read(entry);
      } catch {
        drop(entry); // its file was cleaned away by somebody: for the caller it is gone like an expired one
        throw unknownResult();
      }
      return viewResult(result, { ...request, maxBytes: limits.maxViewBytes });
    },
    keeper: (session) => ({ put: (result) => put(session, result) }),
    closeSession(session) {
      for (const entry of [...entries.values()]) if (entry.session === session) drop(entry);
    },
    expire,
    close() {
      for (const entry of [...entries.values()]) drop(entry);
    },
  };
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
