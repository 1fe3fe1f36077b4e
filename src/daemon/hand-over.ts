// Makes way for a newer build: looks which versions are installed, asks link/fitness.ts whether now is the time.
// The last change of version is kept on disk: the successor must wait before it hands over in its turn.
import { readFileIfPresent, writeFileAtomic } from '../base/atomic-file.ts';
import { describeError, systemCode } from '../base/errors.ts';
import { isRecord } from '../base/guards.ts';
import type { Log } from '../base/log.ts';
import { type Build, describeBuild, ownBuild } from '../link/build.ts';
import type { UpgradeStatus } from '../link/control.ts';
import { decideHandOver, type HandOverView, isNewerBuild, linkProtocol } from '../link/fitness.ts';
import { listInstalled } from '../link/installed.ts';

export type HandOverDeps = {
  appDir: string;
  statePath: string;
  view: () => Omit<HandOverView, 'pauseMs'>;
  /** Drain and end; the wrappers start the newest build. */
  make: (to: Build) => void;
  log: Log;
  now: () => number;
  build?: Build;
};

export type HandOverWatch = { look: () => void; status: () => UpgradeStatus | undefined };

/** In both directions: long enough that two versions that disagree cost nobody anything, short enough for a real update. */
const pauseMs = 10 * 60_000;

export function watchHandOver(deps: HandOverDeps): HandOverWatch {
  const { appDir, statePath, log, now, build = ownBuild } = deps;
  let waiting: UpgradeStatus | undefined;
  let isMade = false;
  const wait = (to: Build, waitsFor: string) => {
    if (waiting?.waitsFor !== waitsFor) log.info('upgrade.waits', { to: describeBuild(to), waitsFor });
    waiting = { to, waitsFor };
  };
  return {
    status: () => waiting,
    look: () => {
      if (isMade) return;
      const newest = listInstalled(appDir, linkProtocol)[0]?.build;
      if (!newest || !isNewerBuild(newest, build)) {
        waiting = undefined;
        return;
      }
      const decision = decideHandOver({ ...deps.view(), pauseMs: pauseLeft(statePath, now()) });
      if (decision.kind === 'wait') return wait(newest, decision.waitsFor);
      // Before the end: without this note on disk (full, read-only) there would be no brake, so there is no hand-over
      // until it can be written.
      const why = note(statePath, now());
      if (why !== undefined) return wait(newest, why);
      isMade = true;
      log.info('upgrade.starts', { from: describeBuild(build), to: describeBuild(newest) });
      deps.make(newest);
    },
  };
}

function pauseLeft(path: string, now: number): number {
  try {
    const value: unknown = JSON.parse(readFileIfPresent(path) ?? '{}');
    const at = isRecord(value) && typeof value['at'] === 'number' ? value['at'] : Number.NEGATIVE_INFINITY;
    // A time in the future: the clock was set back. It must not hold an upgrade for ever.
    return at > now ? 0 : Math.max(0, at + pauseMs - now);
  } catch {
    return 0; // damaged: one hand-over writes it anew
  }
}

/** Why it could not be written. */
function note(path: string, now: number): string | undefined {
  try {
    writeFileAtomic(path, `${JSON.stringify({ at: now })}\n`);
    return undefined;
  } catch (error) {
    return `It waits until ${path} can be written (${systemCode(error) ?? describeError(error)}).`;
  }
}
