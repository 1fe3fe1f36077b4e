// The last one out: when nobody has needed the daemon for the grace period, it ends.

export type IdleExitDeps = {
  /** Why it must stay, or undefined. */
  busyBecause: () => string | undefined;
  idleExitMs: () => number;
  onIdle: () => void;
  now: () => number;
};

/** How often the state is looked at; an exit may be that much late. */
const lookMs = 500;

export function watchIdle(deps: IdleExitDeps): { close: () => void } {
  let idleSince = deps.now();
  let lastLook = deps.now();
  const timer = setInterval(() => {
    const now = deps.now();
    // The clock jumped (sleep, or set by hand): time in which nobody could come does not count.
    if (Math.abs(now - lastLook) > 10 * lookMs) idleSince = now;
    lastLook = now;
    if (deps.busyBecause() !== undefined) idleSince = now;
    else if (now - idleSince >= deps.idleExitMs()) {
      clearInterval(timer);
      deps.onIdle();
    }
  }, lookMs);
  return { close: () => clearInterval(timer) };
}
