// Says when the config file has changed: after a pause by itself, at once to who is about to answer from it. Watches the
// folder, because editors rename a new file over the old one; looks itself from time to time, because not every file
// system tells. Never keeps the process alive.
import { type FSWatcher, realpathSync, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

export type WatchDeps = {
  /** Runs once after that time without keeping the process alive; returns what cancels it. */
  later: (run: () => void, ms: number) => () => void;
};

export type ConfigWatch = {
  /**
   * Takes a change before an answer is made from the old file. It looks each time: the event of a change may still be
   * under way when a request that was sent after it is read. A look takes 4 us (measured), a call through the daemon 600.
   */
  check: () => void;
  /** Whether the file there is another one than the last that was taken. */
  isChanged: () => boolean;
  /** The caller reads the file now, whatever it holds. */
  taken: () => void;
  close: () => void;
};

/** `isSettled`: whoever writes it has stopped. Else false leaves the file, which may be half of one, for that moment. */
export type OnChange = (isSettled: boolean) => boolean;

/** An editor writes in several steps; after this pause it is done. */
const debounceMs = 150;
/** While there is no folder to watch: as fast as a person would try again, and one stat is nothing. */
const absentPollMs = 1_000;
/** Network and container file systems may never report an event. */
const backstopPollMs = 15_000;

export function watchConfig(path: string, onChange: OnChange, deps: WatchDeps = realTimers): ConfigWatch {
  const { later } = deps;
  const watchers = new Map<string, { watcher: FSWatcher; inode: number }>();
  let cancelDebounce = () => {};
  let cancelPoll = () => {};
  let reported = signature(path);
  let places = watchedPlaces(path);
  let isClosed = false;
  /** What was offered since the last pause. */
  let offered: string | undefined;

  const settle = () => {
    if (isClosed) return;
    const found = signature(path);
    // What was taken before the pause may have been written again in the same tick of the file system's clock.
    if (found === reported && offered === undefined) return;
    reported = found;
    offered = undefined;
    look(); // a link may lead elsewhere now
    onChange(true);
  };
  const settleLater = () => {
    cancelDebounce();
    cancelDebounce = later(settle, debounceMs);
  };
  const touch = () => {
    if (!isClosed && signature(path) !== reported) settleLater();
  };
  const check = () => {
    if (isClosed) return;
    const found = signature(path);
    // Absent for a moment is how some editors save.
    if (found === reported || found === offered || found === absent) return;
    offered = found;
    settleLater();
    if (onChange(false)) reported = found;
  };
  const watchFolder = (folder: string) => {
    const inode = inodeOf(folder);
    const current = watchers.get(folder);
    if (current?.inode === inode) return;
    current?.watcher.close();
    watchers.delete(folder);
    if (inode === undefined) return;
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        // The daemon's log lies in the same folder: its lines must not cost more than this comparison.
        if (name === null || places.get(folder)?.has(name)) touch();
        else if (name === basename(folder)) {
          // The folder itself went or moved. A new one may get the old inode, so the watcher goes in any case.
          watcher.close();
          watchers.delete(folder);
          look();
        }
      });
      watcher.on('error', () => {
        watcher.close();
        watchers.delete(folder);
      });
      watchers.set(folder, { watcher, inode });
    } catch {
      // No watches left or not supported: the poll below goes on.
    }
  };
  const look = () => {
    if (isClosed) return;
    places = watchedPlaces(path);
    for (const [folder, { watcher }] of watchers) {
      if (places.has(folder)) continue;
      watcher.close();
      watchers.delete(folder);
    }
    for (const folder of places.keys()) watchFolder(folder);
    touch();
    cancelPoll();
    cancelPoll = later(look, watchers.size === places.size ? backstopPollMs : absentPollMs);
  };
  look();
  return {
    check,
    isChanged: () => {
      const found = signature(path);
      return found !== reported && found !== absent;
    },
    taken: () => {
      reported = signature(path);
      offered = undefined;
    },
    close: () => {
      isClosed = true;
      for (const { watcher } of watchers.values()) watcher.close();
      watchers.clear();
      cancelDebounce();
      cancelPoll();
    },
  };
}

/** The file's folder, and its target's if it is a link: a change of the target is no event beside the link. */
function watchedPlaces(path: string): Map<string, Set<string>> {
  const places = new Map([[dirname(path), new Set([basename(path)])]]);
  try {
    const target = realpathSync(path);
    const names = places.get(dirname(target)) ?? new Set<string>();
    places.set(dirname(target), names.add(basename(target)));
  } catch {
    // absent or a link to nothing: its own folder is enough
  }
  return places;
}

const absent = 'absent';

/** Differs after every write, rename, removal and creation. */
function signature(path: string): string {
  try {
    const { mtimeNs, size, ino, ctimeNs } = statSync(path, { bigint: true });
    return `${ino}:${size}:${mtimeNs}:${ctimeNs}`;
  } catch {
    return absent;
  }
}

function inodeOf(folder: string): number | undefined {
  try {
    return statSync(folder).ino;
  } catch {
    return undefined;
  }
}

const realTimers: WatchDeps = {
  later: (run, ms) => {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
