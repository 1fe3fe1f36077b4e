// Lists that could not be had: since when and why, and when their server is asked again. One chain of pauses for each list
// of one identity, however many MCP sessions with the server there are; what ended is not started for it.
import { backoffMs } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import type { AppError } from '../base/errors.ts';
import type { ListName } from '../mcp/lists.ts';

/** Which list of whom: of one copy, over HTTP of one identity. `instance` and `snapshot` are its face's keys. */
export type ListKey = { readonly instance: string; readonly list: ListName };
export type ListPlace = ListKey & {
  readonly snapshot: string;
  readonly server: string;
  /** Key of the copy. */
  readonly copy: string;
};

export type ListProblem = {
  /** For people: bounded, without secrets and control characters. */
  readonly reason: string;
  /** The server's own error as JSON text. */
  readonly answer: string | undefined;
  /** It needs a login; names the address. */
  readonly login: AppError | undefined;
  /** Whether another question could be answered otherwise before somebody did something. */
  readonly mayPass: boolean;
};

export type ListTrouble = ListProblem & {
  readonly list: ListName;
  readonly since: number;
  /** undefined: only with the next start, or when the server says that it changed. */
  readonly nextAt: number | undefined;
};

/** What can be asked: an open MCP session with the server. */
export type AskedAgain = {
  /** Resolves when it was answered, in whichever way. */
  readonly retry: (list: ListName) => Promise<void>;
};

/** A start that was too early is over within seconds; a server that stays broken costs one short message in five minutes. */
const pauses = { firstMs: 1_000, maxMs: 300_000, factor: 2 };
/** The least pause before a question that a session causes: a program that lists all the time must not be a storm. */
const nudges = { firstMs: 1_000, maxMs: 30_000, factor: 2 };
/** A first answer is worth so long a wait, once for all who wait. */
const patienceMs = 15_000;
/** After a refusal, what a further session waits for is an answer of one that runs. */
const refusedPatienceMs = 1_300;
/** Far beyond what a person configures; each is a few hundred bytes. */
const maxRecords = 1_000;

type KeptTrouble = {
  readonly place: ListPlace;
  /** Since when the first question without an answer is open. */
  askedSince: number | undefined;
  failed: { problem: ListProblem; since: number; lastAt: number } | undefined;
  tries: number;
  nudged: number;
  /** Those that failed, the one to ask next first. */
  readonly sources: Set<AskedAgain>;
  timer: { at: number; cancel: () => void } | undefined;
};

export class ListRetries {
  readonly #clock: Clock;
  readonly #records = new Map<string, KeptTrouble>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  asked(place: ListPlace): void {
    this.#of(place).askedSince ??= this.#clock.now();
  }

  /** Returns whether it is news: the first failure, or another reason. `source`: who can be asked again, if anybody. */
  failed(place: ListPlace, problem: ListProblem, source: AskedAgain | undefined): boolean {
    const record = this.#of(place);
    const now = this.#clock.now();
    const isNews = record.failed?.problem.reason !== problem.reason;
    record.askedSince = undefined;
    record.failed = { problem, since: record.failed?.since ?? now, lastAt: now };
    if (source) record.sources.add(source);
    if (problem.mayPass && record.sources.size > 0) this.#schedule(record);
    return isNews;
  }

  /** A good answer. Returns whether there had been trouble. */
  listed(place: ListPlace): boolean {
    const key = keyOf(place);
    const record = this.#records.get(key);
    record?.timer?.cancel();
    this.#records.delete(key);
    return record?.failed !== undefined;
  }

  /** It was not asked to its end: its server was stopped meanwhile. */
  dropped(place: ListPlace): void {
    const record = this.#records.get(keyOf(place));
    if (record?.failed) record.askedSince = undefined;
    else this.#records.delete(keyOf(place));
  }

  /** Somebody would like to have it now. */
  async nudge(key: ListKey): Promise<void> {
    const record = this.#records.get(keyOf(key));
    if (!record?.timer || !record.failed) return;
    const leastMs = backoffMs(record.nudged, nudges, this.#clock.random);
    if (this.#clock.now() - record.failed.lastAt < leastMs) return;
    record.nudged += 1;
    await this.#ask(record);
  }

  get isEmpty(): boolean {
    return this.#records.size === 0;
  }

  /** That MCP session is over. */
  ended(source: AskedAgain): void {
    for (const [key, record] of this.#records) {
      if (!record.sources.delete(source) || record.sources.size > 0) continue;
      record.timer?.cancel();
      record.timer = undefined;
      // What a copy refused counts until its next start. An identity may never come back.
      if (record.place.instance !== record.place.copy) this.#records.delete(key);
    }
  }

  troubleOf(key: ListKey): ListTrouble | undefined {
    const record = this.#records.get(keyOf(key));
    return record && troubleIn(record);
  }

  /** All that is wrong with a server, by the copy and the identity that it is wrong for. */
  ofServer(server: string): readonly { place: ListPlace; trouble: ListTrouble }[] {
    return [...this.#records.values()].flatMap((record) => {
      const trouble = record.place.server === server ? troubleIn(record) : undefined;
      return trouble ? [{ place: record.place, trouble }] : [];
    });
  }

  /** How long a list that nobody knows is still worth waiting for. */
  patienceFor(key: ListKey): number {
    const record = this.#records.get(keyOf(key));
    // One that has to be started first is worth a first answer again.
    if (record?.failed && record.sources.size > 0) return refusedPatienceMs;
    if (record?.askedSince === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(0, record.askedSince + patienceMs - this.#clock.now());
  }

  #of(place: ListPlace): KeptTrouble {
    const key = keyOf(place);
    const known = this.#records.get(key);
    if (known) return known;
    if (this.#records.size >= maxRecords) this.#dropOne();
    const unasked = { askedSince: undefined, failed: undefined, timer: undefined };
    const record: KeptTrouble = { place, ...unasked, tries: 0, nudged: 0, sources: new Set() };
    this.#records.set(key, record);
    return record;
  }

  /** The oldest that nobody would ask for anyway, else the oldest. */
  #dropOne(): void {
    const keys = [...this.#records];
    const [key, record] = keys.find(([, { sources }]) => sources.size === 0) ?? keys[0] ?? [];
    record?.timer?.cancel();
    if (key !== undefined) this.#records.delete(key);
  }

  #schedule(record: KeptTrouble): void {
    if (record.timer) return;
    const { now, random, later } = this.#clock;
    const ms = backoffMs(record.tries, pauses, random);
    const cancel = later(ms, () => {
      record.tries += 1;
      void this.#ask(record);
    });
    record.timer = { at: now() + ms, cancel };
  }

  async #ask(record: KeptTrouble): Promise<void> {
    record.timer?.cancel();
    record.timer = undefined;
    const [source] = record.sources;
    if (!source) return;
    // The next time another one: the trouble may be that one's own.
    record.sources.delete(source);
    record.sources.add(source);
    await source.retry(record.place.list);
  }
}

function keyOf({ instance, list }: ListKey): string {
  return `${instance}\0${list}`;
}

function troubleIn({ place: { list }, failed, timer }: KeptTrouble): ListTrouble | undefined {
  return failed && { ...failed.problem, list, since: failed.since, nextAt: timer?.at };
}
