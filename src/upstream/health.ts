// Finds out servers that hang. Whoever says anything lives. After a silence a server is asked, beside its calls if there
// are any; but only silence together with processes that do nothing decides: what computes is never ended.
import { AppError } from '../base/errors.ts';
import { ownCommand } from '../base/own-command.ts';
import type { Instance } from './instance.ts';
import { problemOf } from './instance-errors.ts';
import { type Activity, systemActivity } from './process/process-facts.ts';
import type { Slot } from './slot.ts';

export type HealthDeps = {
  now: () => number;
  activity?: Activity;
  /** `why` completes "was stopped: ". */
  onHung: (instance: Instance, why: string) => void;
};

/** Often enough that the next call of a person rarely meets a hung server, rare enough to let an idle one be paged out. */
const everyMs = 60_000;
/** A server that was paged out, or whose machine slept, needs seconds for its first answer. */
const answerMs = 15_000;
/** While nobody waits for it, its end costs nothing but its memory. */
const idleLimitMs = 30_000;
/** With a call under way it may wait for somebody else, and answer nothing before that: longer than such waits are. */
const busyLimitMs = 60 * 60_000;
/** Long enough for a person who stopped it on purpose and goes on. */
const stoppedLimitMs = 30_000;
/** A pause of ours (a suspended machine, a frozen container) was one of the server's too, and no silence. */
const oursMs = 30_000;
/** 1 % of the time: timers of a server that waits cost less, work costs more. */
const workTicksPerSecond = 1;

/** Since when it owes a sign of life, and what its processes had used by then. */
type Doubt = { since: number; ticks: number | undefined; isStopped: boolean };
type HealthRecord = {
  heard: number;
  heardAt: number;
  lookedAt: number;
  doubt: Doubt | undefined;
  isAsking: boolean;
  askedAt: number;
};

export class HealthChecks {
  readonly #deps: HealthDeps;
  readonly #activity: Activity;
  readonly #records = new WeakMap<Slot, HealthRecord>();

  constructor(deps: HealthDeps) {
    this.#deps = deps;
    this.#activity = deps.activity ?? systemActivity;
  }

  /** Called from a timer, for each instance. */
  look(instance: Instance): void {
    for (const slot of instance.slots()) if (instance.state === 'ready') this.#lookAt(instance, slot);
  }

  #lookAt(instance: Instance, slot: Slot): void {
    const now = this.#deps.now();
    const record = this.#recordOf(slot, now);
    if (now - record.lookedAt > oursMs) Object.assign(record, { heardAt: now, doubt: undefined });
    record.lookedAt = now;
    if (record.heard !== slot.heard) {
      Object.assign(record, { heard: slot.heard, heardAt: now, doubt: undefined });
      if (instance.lastError?.code === 'SERVER_HUNG') instance.lastError = undefined;
    }
    const calls = slot.channel.inFlight - (record.isAsking ? 1 : 0);
    const isIdle = calls === 0 && now - instance.lastUsedAt >= everyMs;
    const isStopped = (calls > 0 || record.doubt !== undefined) && this.#isStopped(instance);
    if (isStopped) instance.lastError ??= problemOf(stoppedProcess(instance));
    if (record.doubt === undefined) {
      if (!isStopped && now - record.heardAt < everyMs) return;
      // The calls of a remote server are connections of their own, and its processes are not ours to look at.
      if (!instance.isLocal && !isIdle) return;
    }
    if (record.doubt?.isStopped !== isStopped) record.doubt = this.#doubt(instance, isStopped);
    if (!record.isAsking && (isIdle || now - record.askedAt >= everyMs)) this.#ask(slot, record);
    this.#judge(instance, record, isIdle);
  }

  #judge(instance: Instance, record: HealthRecord, isIdle: boolean): void {
    const { doubt } = record;
    if (!doubt) return;
    const silentMs = this.#deps.now() - doubt.since;
    if (silentMs < (doubt.isStopped ? stoppedLimitMs : isIdle ? idleLimitMs : busyLimitMs)) return;
    const next = this.#doubt(instance, doubt.isStopped);
    const isKnown = next.ticks !== undefined && doubt.ticks !== undefined;
    const used = (next.ticks ?? 0) - (doubt.ticks ?? 0);
    record.doubt = next;
    if (isKnown ? used > (silentMs / 1_000) * workTicksPerSecond : !isIdle) return;
    record.doubt = undefined;
    const seconds = Math.round(silentMs / 1_000);
    const state = doubt.isStopped ? ', and its process was stopped by a signal' : isKnown ? ' and did nothing' : '';
    this.#deps.onHung(instance, `it did not answer for ${seconds} s${state}`);
  }

  #recordOf(slot: Slot, now: number): HealthRecord {
    const known = this.#records.get(slot);
    if (known) return known;
    const asking = { doubt: undefined, isAsking: false, askedAt: now - everyMs };
    const record = { heard: slot.heard, heardAt: now, lookedAt: now, ...asking };
    this.#records.set(slot, record);
    return record;
  }

  #doubt({ pid }: Instance, isStopped: boolean): Doubt {
    return { since: this.#deps.now(), ticks: pid === undefined ? undefined : this.#activity.ticks(pid), isStopped };
  }

  #isStopped({ pid }: Instance): boolean {
    return pid !== undefined && this.#activity.isStopped(pid);
  }

  #ask(slot: Slot, record: HealthRecord): void {
    const settle = () => {
      clearTimeout(timer);
      record.isAsking = false;
    };
    record.isAsking = true;
    record.askedAt = this.#deps.now();
    // An error is an answer too: servers need not know the method. The loss of the channel is the supervisor's matter.
    const method = slot.channel.era.lifeSign;
    const id = slot.channel.request({
      method,
      encode: (number) => slot.channel.encode(number, method),
      onAnswer: settle,
    });
    const timer = setTimeout(() => {
      slot.channel.cancel(id, undefined);
      settle();
    }, answerMs);
    timer.unref();
  }
}

function stoppedProcess({ identity: { server }, pid }: Instance): AppError {
  return new AppError({
    code: 'SERVER_HUNG',
    message: `Server "${server}" answers nothing: its process (pid ${pid}) was stopped by a signal.`,
    hint: `Let it go on: kill -CONT ${pid}. After ${stoppedLimitMs / 1_000} s it is ended, and the next call starts it anew; at once: ${ownCommand(`restart ${server}`)}`,
  });
}
