// A server's answer made fit for a model, with the whole kept under a reference. What is large is worked on elsewhere.

import { cutChars, wholeJson } from '../base/cut-text.ts';
import { type Edit, stringAt, textAt } from '../base/json-scan.ts';
import { closed } from '../base/plain-text.ts';
import type { Config } from '../config/load.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import { memberAt, type ResponseEnvelope, withEdits } from '../mcp/envelope.ts';
import { resultLine } from '../mcp/messages.ts';
import { readResultBytes, stringifyExact } from '../results/exact-json.ts';
import type { HeavyTask } from '../results/heavy-task.ts';
import { createHeavyWork, type HeavyWork, heavyBytes } from '../results/heavy-work.ts';
import { LimitedWork } from '../results/limited-work.ts';
import type { ResultStore } from '../results/result-store.ts';
import { type KeepResult, shieldResult } from '../results/shield.ts';
import { defaultShieldPolicy, type ShieldPolicy } from '../results/shrink.ts';
import { nothingPasses, type StructureRule } from '../results/structure-rule.ts';
import type { ToolAnswer } from './tools/gateway-tool.ts';

/** Text of the thread's program: set by the build. */
declare const __HEAVY_THREAD__: string | undefined;
/** Named once: the build writes the whole text in its place. */
const threadProgram = typeof __HEAVY_THREAD__ === 'string' ? __HEAVY_THREAD__ : '';

export function openHeavyWork(): HeavyWork {
  return createHeavyWork(threadProgram);
}

export function openLimitedWork(): LimitedWork {
  return new LimitedWork(threadProgram);
}

export type ShortenerDeps = ShortenDeps & { readonly config: () => Config };
export type ServerAnswer = {
  readonly entry: ServerEntry;
  readonly envelope: ResponseEnvelope;
  /** Of the structure that the tool promises to who called it by its own name. */
  readonly rule?: ShortenTask['rule'];
};

/** The budget of everybody's results, as the config has it at the time. */
export class Shortener {
  readonly #deps: ShortenerDeps;

  constructor(deps: ShortenerDeps) {
    this.#deps = deps;
  }

  get policy(): ShieldPolicy {
    const { arrayItems, stringChars, heavyFieldBytes, maxResultBytes } = this.#deps.config().shield;
    return {
      ...{ maxItems: arrayItems, maxString: stringChars, heavyFieldBytes, maxTotalBytes: maxResultBytes },
      maxMediaBytes: defaultShieldPolicy.maxMediaBytes,
    };
  }

  /** Whole answers are passed on as bytes: nobody needs to read them. */
  async answer(lifeId: string, answer: ServerAnswer): Promise<ToolAnswer> {
    const { envelope } = answer;
    if (!envelope.result) return { kind: 'bytes', envelope, edits: this.errorEdits(lifeId, answer) };
    const value = await this.shorten(lifeId, answer);
    return value === undefined ? { kind: 'bytes', envelope, edits: [] } : { kind: 'value', value };
  }

  /** undefined: nothing had to be cut, or a person wants it as it is. */
  async shorten(lifeId: string, { entry, envelope, rule = async () => undefined }: ServerAnswer): Promise<unknown> {
    if (entry.shield === false) return undefined;
    return shortenAnswer(this.#deps, lifeId, { envelope, policy: this.policy, rule });
  }

  /** None: the error fits, or a person wants it as it is. `onKept`: under which reference the whole is. */
  errorEdits(
    lifeId: string,
    { entry, envelope, onKept }: ServerAnswer & { readonly onKept?: (ref: string) => void },
  ): Edit[] {
    const put = (whole: unknown): string | undefined => {
      const ref = this.#deps.store.put(lifeId, whole);
      if (ref !== undefined) onKept?.(ref);
      return ref;
    };
    const { maxResultBytes } = this.#deps.config().shield;
    const shortened = entry.shield === false ? undefined : boundedError(envelope, maxResultBytes, { put });
    return envelope.error && shortened !== undefined ? [{ at: envelope.error, with: shortened }] : [];
  }
}

export function answerLine(idText: string, answer: ToolAnswer): Buffer {
  if (answer.kind === 'value') return resultLine(idText, stringifyExact(answer.value));
  const { envelope, edits } = answer;
  return withEdits(envelope.line, [{ at: envelope.id, with: idText }, ...edits]);
}

/** A schema is asked some hundred times at most; a megabyte of JSON is shortened in a fraction of a second. */
const limitMs = (bytes: number): number => 2_000 + bytes / 1_000;

export type ShortenDeps = { readonly store: ResultStore; readonly heavy: HeavyWork; readonly limited: LimitedWork };
export type ShortenTask = {
  readonly envelope: ResponseEnvelope;
  readonly policy: Omit<ShieldPolicy, 'isValidStructure'>;
  /** What the tool's schema demands of a structure; asked only when there is one. */
  readonly rule: () => Promise<StructureRule | undefined>;
};

/** The shortened result, or undefined if nothing had to be cut: then the answer's own bytes are the best there is. */
export async function shortenAnswer(deps: ShortenDeps, lifeId: string, task: ShortenTask): Promise<unknown> {
  const { store, heavy, limited } = deps;
  const { envelope, policy, rule } = task;
  const { line, result } = envelope;
  if (!result) return undefined;
  const bound = line.includes('"structuredContent"') ? await rule() : undefined;
  if (result.end - result.start <= heavyBytes) {
    const value = readResultBytes(line, result);
    const shield = (whole: ShieldPolicy, keep: KeepResult): unknown => {
      const shielded = shieldResult(value, whole, keep).result;
      return shielded === value ? undefined : shielded;
    };
    if (!bound) return shield(policy, store.of(lifeId));
    if (!bound.mayRunAway) return shield({ ...policy, isValidStructure: bound.passes }, store.of(lifeId));
    // Most results fit: that is known without the rule.
    if (shield(policy, { put: () => undefined }) === undefined) return undefined;
  }
  const bytes = line.subarray(result.start, result.end);
  const ref = store.canHold(bytes.length) ? store.newReference() : undefined;
  const shortening: HeavyTask = { kind: 'shorten', bytes, policy, ref, ruleCode: bound?.code() };
  const outcome = await (bound?.mayRunAway ? limited.run(shortening, limitMs(bytes.length)) : heavy.run(shortening));
  if (!outcome) return shortenAnswer(deps, lifeId, { ...task, rule: async () => nothingPasses });
  if (outcome.kind !== 'shortened') return undefined;
  if (ref !== undefined) await store.putBytes(lifeId, ref, bytes);
  const shortened: unknown = JSON.parse(outcome.text);
  return shortened;
}

/** What went wrong stands at the beginning; the rest is mostly a trace or a page of HTML. */
const maxMessage = 4_096;

/**
 * A server's protocol error inside the budget of a result, as JSON; undefined: it fits as it is. Its code stays, its data
 * is in the whole alone, under a reference.
 */
export function boundedError(
  { line, error }: ResponseEnvelope,
  maxBytes: number,
  keep: KeepResult,
): string | undefined {
  if (!error || error.end - error.start <= maxBytes) return undefined;
  const text = textAt(line, error);
  const code = memberAt(line, error, ['code']);
  const message = stringAt(line, memberAt(line, error, ['message'])) ?? '';
  const ref = keep.put({ content: [{ type: 'text', text }], isError: true });
  const how = ref === undefined ? 'It was too large to be kept.' : `The whole: gateway_get_result {"ref":"${ref}"}.`;
  return wholeJson({
    code: code ? Number(textAt(line, code)) : 0,
    message: `${closed(cutChars(message, maxMessage))} [Error shortened, ${error.end - error.start} bytes in all. ${how}]`,
  });
}
