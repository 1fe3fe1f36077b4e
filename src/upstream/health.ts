// Finds out servers that hang while nobody waits for them. A busy one is never asked: it may answer late, and a server
// that works through a long call is not ill. The calls themselves are bounded by their own limit.
import type { Instance } from './instance.ts';
import type { Slot } from './slot.ts';

export type HealthDeps = {
  now: () => number;
  /** It did not answer repeatedly. */
  onHung: (instance: Instance, silentMs: number) => void;
};

/** Often enough that the next call of a person rarely meets a hung server, rare enough to let an idle one be paged out. */
const everyMs = 60_000;
/** A server that was paged out, or whose machine slept, needs seconds for its first answer. */
const answerMs = 15_000;
const missesAllowed = 2;

type Record = { checkedAt: number; misses: number; isAsking: boolean };

export class HealthChecks {
  readonly #deps: HealthDeps;
  readonly #records = new WeakMap<Slot, Record>();

  constructor(deps: HealthDeps) {
    this.#deps = deps;
  }

  /** Called from a timer, for each instance. */
  look(instance: Instance): void {
    if (instance.state !== 'ready') return;
    const now = this.#deps.now();
    for (const slot of instance.slots()) {
      const record = this.#records.get(slot) ?? { checkedAt: now, misses: 0, isAsking: false };
      this.#records.set(slot, record);
      const isIdle = slot.channel.inFlight === 0 && now - instance.lastUsedAt >= everyMs;
      // After a miss it is asked again at once.
      if (record.isAsking || !isIdle || (record.misses === 0 && now - record.checkedAt < everyMs)) continue;
      this.#ask(instance, slot, record);
    }
  }

  #ask(instance: Instance, slot: Slot, record: Record): void {
    const settle = (misses: number) => {
      clearTimeout(timer);
      record.isAsking = false;
      record.checkedAt = this.#deps.now();
      record.misses = misses;
    };
    record.isAsking = true;
    // An error is an answer too: servers need not know `ping`. The loss of the channel is the supervisor's matter.
    const method = slot.channel.isStateless ? 'server/discover' : 'ping';
    const id = slot.channel.request({
      method,
      encode: (number) => slot.channel.encode(number, method),
      onAnswer: () => settle(0),
    });
    const timer = setTimeout(() => {
      // Somebody called meanwhile: then it is busy, and that call has its own limit.
      const isIdle = slot.channel.inFlight <= 1;
      slot.channel.cancel(id, undefined);
      settle(isIdle ? record.misses + 1 : 0);
      if (record.misses >= missesAllowed) this.#deps.onHung(instance, missesAllowed * answerMs);
    }, answerMs);
    timer.unref();
  }
}
