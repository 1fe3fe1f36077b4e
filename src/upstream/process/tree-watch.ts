// Remembers what each started server has below it while it lives: a child in a session of its own that dropped its
// environment can be found by its parent only, and at the death of that parent it is too late to look.
import type { ProcessIdentity } from '../../base/process-identity.ts';
import { listProcesses, type TreeRoot, treeOf } from './process-tree.ts';

export type WatchedTree = { known: () => readonly ProcessIdentity[]; forget: () => void };
export type TreeWatch = {
  /** `onChange`: what is below it is not what it was at the last look. */
  add: (root: TreeRoot, onChange?: (known: readonly ProcessIdentity[]) => void) => WatchedTree;
};

type Entry = {
  root: TreeRoot;
  known: readonly ProcessIdentity[];
  onChange: (known: readonly ProcessIdentity[]) => void;
};

/** One pass over all processes for all servers, some milliseconds: seldom enough not to be felt on a battery. */
const defaultEveryMs = 5_000;

export function createTreeWatch({ everyMs = defaultEveryMs }: { everyMs?: number } = {}): TreeWatch {
  const entries = new Set<Entry>();
  let timer: NodeJS.Timeout | undefined;
  const look = () => {
    const processes = listProcesses();
    // Without the marker: whoever carries it is found at the end as well.
    for (const entry of entries) {
      const { pid, pgid, startTime } = entry.root;
      const found = treeOf({ pid, pgid, startTime, known: entry.known }, { processes });
      const isSame = namesOf(found) === namesOf(entry.known);
      entry.known = found;
      if (!isSame) entry.onChange(found);
    }
  };
  return {
    add: (root, onChange = () => {}) => {
      const entry: Entry = { root, known: [], onChange };
      entries.add(entry);
      timer ??= setInterval(look, everyMs).unref();
      return {
        known: () => entry.known,
        forget: () => {
          entries.delete(entry);
          if (entries.size > 0) return;
          clearInterval(timer);
          timer = undefined;
        },
      };
    },
  };
}

function namesOf(processes: readonly ProcessIdentity[]): string {
  return processes
    .map(({ pid, startTime }) => `${pid} ${startTime}`)
    .sort()
    .join();
}
