// What a session must find again when its daemon was killed or replaced, on disk: one small value for each, of one kind.
import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readFileIfPresent, removeIfPresent, writeFileAtomic } from '../base/atomic-file.ts';
import { ensurePrivateDir } from '../base/private-dir.ts';

export type SessionFiles = {
  /** undefined if nothing is known. */
  load(session: string): unknown;
  save(session: string, value: unknown): void;
  forget(session: string): void;
  /** Removes what sessions left that ended together with their daemon. */
  expire(): void;
};

/** No session is longer away from every daemon; one that saved nothing new for so long begins anew. */
const maxAgeMs = 7 * 24 * 3_600_000;

/** `folder`: made on first use, 0700. */
export function createSessionFiles({ folder, now }: { folder: string; now: () => number }): SessionFiles {
  // The name of a session is its secret towards other sessions: files are listed by whoever may enter the folder.
  const pathOf = (session: string): string =>
    join(folder, `${createHash('sha256').update(session).digest('hex').slice(0, 32)}.json`);
  return {
    load: (session) => readValue(pathOf(session)),
    save(session, value) {
      try {
        ensurePrivateDir(folder);
        writeFileAtomic(pathOf(session), JSON.stringify(value));
      } catch {
        // A full disk must not cost the call: the value is lost only if the daemon is killed as well.
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

function readValue(path: string): unknown {
  try {
    return JSON.parse(readFileIfPresent(path) ?? 'null');
  } catch {
    return undefined; // half written, or not ours: as if nothing had been saved
  }
}

function tryTo(act: () => void): void {
  try {
    act();
  } catch {
    // Nobody saved anything yet, or somebody cleaned the folder away.
  }
}
