// What one MCP session with a server is asked for its lists: one question of each at a time. What changes while one runs is
// seen by the next, and a server that says all the time that something changed is asked after pauses that grow.
import { backoffMs } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import type { Listing } from '../catalog/listing.ts';
import type { ListName } from '../mcp/lists.ts';

export type Outcome = { readonly listing: Listing } | { readonly error: unknown };

export type SlotListsDeps = {
  /** Asks the server once. */
  fetch: (list: ListName) => Promise<Listing>;
  /** What came, together where it came together. */
  take: (outcomes: ReadonlyMap<ListName, Outcome>) => void;
  clock: Clock;
};

/** Several calls of one change are one question; a server without an end to them is heard every few seconds. */
const pauses = { firstMs: 50, maxMs: 5_000, factor: 2 };
/** After that it was quiet, and what it says next is heard at once. */
const quietMs = 1_000;
/** A list that is not answered must not hold back the others; those that come at once are taken at once. */
const togetherMs = 300;

type Next = {
  readonly done: Promise<void>;
  readonly begin: () => void;
  isUrgent: boolean;
  /** Prevents the end of its pause. */
  cancel: (() => void) | undefined;
};

type Question = {
  running: Promise<void> | undefined;
  /** The one after it, or after its pause. */
  next: Next | undefined;
  endedAt: number;
  /** Questions without a quiet time between them. */
  streak: number;
};

/** What came and was not handed on yet. */
type Taking = { readonly done: Promise<void>; readonly run: () => void; readonly cancel: () => void };

export class SlotLists {
  readonly #deps: SlotListsDeps;
  readonly #questions: ReadonlyMap<ListName, Question>;
  #open = 0;
  #came = new Map<ListName, Outcome>();
  #taking: Taking | undefined;
  #isEnded = false;

  /** `lists`: those that the server has. */
  constructor(lists: readonly ListName[], deps: SlotListsDeps) {
    this.#deps = deps;
    this.#questions = new Map(
      lists.map((list) => [
        list,
        { running: undefined, next: undefined, endedAt: Number.NEGATIVE_INFINITY, streak: 0 },
      ]),
    );
  }

  /** Resolves when a question that was sent from now on is answered and taken. `isUrgent`: without a pause. */
  async ask(lists: readonly ListName[], isUrgent = false): Promise<void> {
    await Promise.all(lists.map((list) => this.#want(list, isUrgent)));
  }

  /** Whether what came the last time is so old, and nothing newer is on its way. */
  isOlderThan(list: ListName, ms: number): boolean {
    const question = this.#questions.get(list);
    if (!question || question.running || question.next) return false;
    return this.#deps.clock.now() - question.endedAt > ms;
  }

  isAsking(list: ListName): boolean {
    return this.#questions.get(list)?.running !== undefined;
  }

  /** Resolves when what is being asked at this moment is answered and taken. */
  async settled(list?: ListName): Promise<void> {
    const asked = [...this.#questions].filter(([name]) => list === undefined || name === list);
    await Promise.all(asked.map(([, { running }]) => running));
  }

  /** The MCP session is over: nothing is asked any more. What runs is answered by its loss. */
  end(): void {
    this.#isEnded = true;
    for (const { next } of this.#questions.values()) next?.begin();
  }

  #want(list: ListName, isUrgent: boolean): Promise<void> {
    const question = this.#questions.get(list);
    if (!question || this.#isEnded) return Promise.resolve();
    if (question.next) {
      const { done, begin } = question.next;
      question.next.isUrgent ||= isUrgent;
      if (isUrgent && !question.running) begin();
      return done;
    }
    if (!question.running && (isUrgent || this.#isQuiet(question))) return this.#run(list, question);
    return this.#queue(list, question, isUrgent);
  }

  #isQuiet(question: Question): boolean {
    const isQuiet = this.#deps.clock.now() - question.endedAt >= quietMs;
    if (isQuiet) question.streak = 0;
    return isQuiet;
  }

  #queue(list: ListName, question: Question, isUrgent: boolean): Promise<void> {
    let begin = () => {};
    const done = new Promise<void>((resolve) => {
      begin = () => {
        question.next?.cancel?.();
        question.next = undefined;
        resolve(this.#isEnded ? undefined : this.#run(list, question));
      };
    });
    question.next = { done, begin, isUrgent, cancel: undefined };
    const wait = () => {
      if (!question.next) return;
      if (question.next.isUrgent) return begin();
      question.streak += 1;
      const ms = backoffMs(question.streak - 1, pauses, this.#deps.clock.random);
      question.next.cancel = this.#deps.clock.later(ms, begin);
    };
    if (question.running) void question.running.then(wait);
    else wait();
    return done;
  }

  #run(list: ListName, question: Question): Promise<void> {
    const running = this.#fetch(list).then((taken) => {
      question.running = undefined;
      question.endedAt = this.#deps.clock.now();
      return taken;
    });
    question.running = running;
    return running;
  }

  async #fetch(list: ListName): Promise<void> {
    this.#open += 1;
    const outcome = await this.#deps.fetch(list).then(
      (listing): Outcome => ({ listing }),
      (error: unknown): Outcome => ({ error }),
    );
    this.#open -= 1;
    this.#came.set(list, outcome);
    this.#taking ??= this.#takeLater();
    const { done, run } = this.#taking;
    if (this.#open === 0) run();
    await done;
  }

  #takeLater(): Taking {
    let run = () => {};
    const done = new Promise<void>((resolve) => {
      run = () => {
        this.#taking?.cancel();
        this.#taking = undefined;
        const came = this.#came;
        this.#came = new Map();
        this.#deps.take(came);
        resolve();
      };
    });
    return { done, run, cancel: this.#deps.clock.later(togetherMs, run) };
  }
}
