// The bounds of our own tools, read at each use: a reload of the config changes them.

import { defaultJobLimits } from './jobs.ts';
import type { ModesDeps } from './modes-deps.ts';

type Source = Pick<ModesDeps, 'config'>;

/** A job is known as long as what it left in the store. */
export function jobLimits({ config }: Source) {
  return {
    ...defaultJobLimits,
    get finishedMs() {
      return config().shield.keepMs;
    },
  };
}

export function poolLimits({ config }: Source) {
  return {
    get topK() {
      return config().tools.topK;
    },
    get toolsLimit() {
      return config().tools.toolsLimit;
    },
  };
}

export function storeLimits({ config }: Source) {
  return {
    get maxResults() {
      return config().shield.maxResults;
    },
    get maxBytes() {
      return config().shield.maxStoredBytes;
    },
    get maxAgeMs() {
      return config().shield.keepMs;
    },
    /** Below it a file costs more than the memory. */
    spillBytes: 262_144,
    get maxViewBytes() {
      return config().shield.maxResultBytes;
    },
  };
}
