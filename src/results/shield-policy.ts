// The limits of the shield in one place. The numbers are those of harshal-mcp-proxy, so that who comes from there finds the
// same sizes; media has a limit of its own because a picture costs a model by its pixels, not by its base64.
import type { ShrinkLimits } from './shrink.ts';

export type ShieldPolicy = {
  readonly maxItems: number;
  readonly maxString: number;
  readonly heavyFieldBytes: number;
  /** Of the result as JSON, media data not counted. */
  readonly maxTotalBytes: number;
  readonly maxMediaBytes: number;
  /** Given where the caller knows the tool's output schema: a shortened structuredContent must still pass. */
  readonly isValidStructure?: (structure: unknown) => boolean;
};

export const defaultShieldPolicy: ShieldPolicy = {
  maxItems: 50,
  maxString: 8_192,
  heavyFieldBytes: 256,
  maxTotalBytes: 65_536,
  // Four full-page screenshots; hosts refuse single images of over 5 MB themselves.
  maxMediaBytes: 4_194_304,
};

/** For servers whose results a person wants as they are. */
export const unlimitedPolicy: ShieldPolicy = {
  maxItems: Number.MAX_SAFE_INTEGER,
  maxString: Number.MAX_SAFE_INTEGER,
  heavyFieldBytes: Number.MAX_SAFE_INTEGER,
  maxTotalBytes: Number.MAX_SAFE_INTEGER,
  maxMediaBytes: Number.MAX_SAFE_INTEGER,
};

const maxKeys = 1_000;
/** What walks a value calls itself for each level, as JSON.stringify does; real results are less than twenty deep. */
const maxDepth = 1_000;

/** Round 0 is the policy itself; each further round halves what may stay, down to a value that is nearly empty. */
export function limitsOfRound(policy: ShieldPolicy, round: number, mayDropFields: boolean): ShrinkLimits {
  const part = 2 ** round;
  return {
    maxItems: Math.max(1, Math.floor(policy.maxItems / part)),
    maxString: Math.max(32, Math.floor(policy.maxString / part)),
    heavyFieldBytes: Math.max(32, Math.floor(policy.heavyFieldBytes / part)),
    maxKeys: Math.max(1, Math.floor(maxKeys / part)),
    maxDepth: Math.max(2, Math.floor(maxDepth / part)),
    mayDropFields,
  };
}

/** After so many halvings nothing is left to halve. */
export const lastRound = 10;
