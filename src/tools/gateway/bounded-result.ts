// Our own answers inside the budget of every result: what servers wrote is in them too, schemas and errors.
import { jsonBytes } from '../exact-json.ts';
import { shieldResult } from '../shield.ts';
import { type GatewayDeps, textResult } from './gateway-tool.ts';

export type BoundDeps = Pick<GatewayDeps, 'answerPolicy' | 'store'>;

/** Whole where it fits, which is nearly always; else shortened, with a reference for the rest. */
export function boundedResult({ answerPolicy, store }: BoundDeps, session: string, value: unknown, isError = false) {
  const result = textResult(value, isError);
  if (jsonBytes(result) <= answerPolicy.maxTotalBytes) return result;
  return shieldResult(result, answerPolicy, store.keeper(session)).result;
}
