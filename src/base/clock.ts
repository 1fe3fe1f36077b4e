// Time as whatever waits in turns needs it, so that a test can hold it.

export type Clock = {
  /** Milliseconds that never jump. */
  now: () => number;
  /** From 0 to 1, for pauses that must not meet. */
  random: () => number;
  /** Runs `act` after so long, without keeping the process; returns what prevents it. */
  later: (ms: number, act: () => void) => () => void;
};

export const steadyClock: Clock = {
  now: () => performance.now(),
  random: Math.random,
  later: (ms, act) => {
    const timer = setTimeout(act, ms).unref();
    return () => clearTimeout(timer);
  },
};
