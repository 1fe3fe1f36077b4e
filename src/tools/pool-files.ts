// The found tools of each session on disk, so that a session sees them again when its daemon was killed or replaced.
import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readFileIfPresent, removeIfPresent, writeFileAtomic } from '../base/atomic-file.ts';
import { ensurePrivateDir } from '../base/private-dir.ts';

export type PoolFiles = {
  /** Empty if nothing is known. */
  load(session: string): string[];
  save(session: string, ids: readonly string[]): void;
  forget(session: string): void;
  /** Removes what sessions left that ended together with their daemon. */
  expire(): void;
};

/** No session is longer away from every daemon; one that found nothing new for so long asks again. */
const maxAgeMs = 7 * 24 * 3_600_000;

/** `folder`: made on first use, 0700. */
export function createPoolFiles({ folder, now }: { folder: string; now: () => number }): PoolFiles {
  // The name of a session is its secret towards other sessions: files are listed by whoever may enter the folder.
  const pathOf = (session: string): string =>
    join(folder, `${createHash('sha256').update(session).digest('hex').slice(0, 32)}.json`);
  return {
    load: (session) => readIds(pathOf(session)),
    save(session, ids) {
      try {
        ensurePrivateDir(folder);
        writeFileAtomic(pathOf(session), JSON.stringify(ids));
      } catch {
        // A full disk must not cost the search: the tools are lost only if the daemon is killed as well.
      }
    },
    forget(session) {
      tryTo(() => removeIfPresent(pathOf(session)));
    },
    expire() {
      tryTo(() => {
        for (const name of readdirSync(folder)) {
          const path = join(folder, name);
          if (now() - statSync(path).mtimeMs > maxAgeMs) removeIfPresent(path);
        }
      });
    },
  };
}

function readIds(path: string): string[] {
  try {
    const value: unknown = JSON.parse(readFileIfPresent(path) ?? '[]');
    return Array.isArray(value) ? value.filter((id) => typeof id === 'string') : [];
  } catch {
    return []; // half written, or not ours: the session searches again
  }
}

function tryTo(act: () => void): void {
  try {
    act();
  } catch {
    // Nobody found anything yet, or somebody cleaned the folder away.
  }
}
