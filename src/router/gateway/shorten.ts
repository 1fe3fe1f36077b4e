// A server's answer made fit for a model, with the whole kept under a reference. What is large is worked on elsewhere.
import type { ResponseEnvelope } from '../../mcp/envelope.ts';
import { createHeavyWork, type HeavyWork, heavyBytes } from '../../tools/heavy-work.ts';
import type { ResultStore } from '../../tools/result-store.ts';
import { shieldResult } from '../../tools/shield.ts';
import type { ShieldPolicy } from '../../tools/shield-policy.ts';
import type { StructureRule } from '../../tools/structure-rule.ts';
import { readResult } from './call-tool.ts';

/** Text of the thread's program: set by the build. */
declare const __HEAVY_THREAD__: string | undefined;

export function openHeavyWork(): HeavyWork {
  return createHeavyWork(typeof __HEAVY_THREAD__ === 'string' ? __HEAVY_THREAD__ : '');
}

export type ShortenDeps = { readonly store: ResultStore; readonly heavy: HeavyWork };
export type ShortenTask = {
  readonly envelope: ResponseEnvelope;
  readonly policy: Omit<ShieldPolicy, 'isValidStructure'>;
  /** What the tool's schema demands of a structure; asked only when there is one. */
  readonly rule: () => Promise<StructureRule | undefined>;
};

/** The shortened result, or undefined if nothing had to be cut: then the answer's own bytes are the best there is. */
export async function shortenAnswer(
  { store, heavy }: ShortenDeps,
  scopeId: string,
  { envelope, policy, rule }: ShortenTask,
): Promise<unknown> {
  const { line, result } = envelope;
  if (!result) return undefined;
  const bound = line.includes('"structuredContent"') ? await rule() : undefined;
  if (result.end - result.start <= heavyBytes) {
    const value = readResult(envelope);
    const whole = bound ? { ...policy, isValidStructure: bound.passes } : policy;
    const shielded = shieldResult(value, whole, store.keeper(scopeId)).result;
    return shielded === value ? undefined : shielded;
  }
  const bytes = line.subarray(result.start, result.end);
  const ref = store.canHold(bytes.length) ? store.newReference() : undefined;
  const outcome = await heavy.run({ kind: 'shorten', bytes, policy, ref, ruleCode: bound?.code() });
  if (outcome.kind !== 'shortened') return undefined;
  if (ref !== undefined) await store.putBytes(scopeId, ref, bytes);
  const shortened: unknown = JSON.parse(outcome.text);
  return shortened;
}
