// A server's answer made fit for a model, with the whole kept under a reference. What is large is worked on elsewhere.

import { cutChars } from '../base/cut-text.ts';
import { stringAt, textAt } from '../base/json-scan.ts';
import { memberAt, type ResponseEnvelope } from '../mcp/envelope.ts';
import type { HeavyTask } from '../results/heavy-task.ts';
import { createHeavyWork, type HeavyWork, heavyBytes } from '../results/heavy-work.ts';
import { createLimitedWork, type LimitedWork } from '../results/limited-work.ts';
import type { ResultStore } from '../results/result-store.ts';
import { type KeepResult, shieldResult } from '../results/shield.ts';
import type { ShieldPolicy } from '../results/shield-policy.ts';
import { nothingPasses, type StructureRule } from '../results/structure-rule.ts';
import { readResult } from './call-tool.ts';

/** Text of the thread's program: set by the build. */
declare const __HEAVY_THREAD__: string | undefined;
/** Named once: the build writes the whole text in its place. */
const threadProgram = typeof __HEAVY_THREAD__ === 'string' ? __HEAVY_THREAD__ : '';

export function openHeavyWork(): HeavyWork {
  return createHeavyWork(threadProgram);
}

export function openLimitedWork(): LimitedWork {
  return createLimitedWork(threadProgram);
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
export async function shortenAnswer(deps: ShortenDeps, scopeId: string, task: ShortenTask): Promise<unknown> {
  const { store, heavy, limited } = deps;
  const { envelope, policy, rule } = task;
  const { line, result } = envelope;
  if (!result) return undefined;
  const bound = line.includes('"structuredContent"') ? await rule() : undefined;
  if (result.end - result.start <= heavyBytes) {
    const value = readResult(envelope);
    const shield = (whole: ShieldPolicy, keep: KeepResult): unknown => {
      const shielded = shieldResult(value, whole, keep).result;
      return shielded === value ? undefined : shielded;
    };
    if (!bound) return shield(policy, store.keeper(scopeId));
    if (!bound.mayRunAway) return shield({ ...policy, isValidStructure: bound.passes }, store.keeper(scopeId));
    // Most results fit: that is known without the rule.
    if (shield(policy, { put: () => undefined }) === undefined) return undefined;
  }
  const bytes = line.subarray(result.start, result.end);
  const ref = store.canHold(bytes.length) ? store.newReference() : undefined;
  const shortening: HeavyTask = { kind: 'shorten', bytes, policy, ref, ruleCode: bound?.code() };
  const outcome = await (bound?.mayRunAway ? limited.run(shortening, limitMs(bytes.length)) : heavy.run(shortening));
  if (!outcome) return shortenAnswer(deps, scopeId, { ...task, rule: async () => nothingPasses });
  if (outcome.kind !== 'shortened') return undefined;
  if (ref !== undefined) await store.putBytes(scopeId, ref, bytes);
  const shortened: unknown = JSON.parse(outcome.text);
  return shortened;
}

// A server's protocol error inside the budget of a result, with the whole under a reference.
/** What went wrong stands at the beginning; the rest is mostly a trace or a page of HTML. */
const maxMessage = 4_096;

/** JSON of the error; undefined: it fits as it is. Its code stays, its data is in the whole alone. */
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
  return JSON.stringify({
    code: code ? Number(textAt(line, code)) : 0,
    message: `${cutChars(message, maxMessage)} [Error shortened, ${error.end - error.start} bytes in all. ${how}]`,
  });
}
