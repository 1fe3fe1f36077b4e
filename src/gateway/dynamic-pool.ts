// Dynamic mode: the tools one session has found so far, which it sees as real tools. Least recently used ones leave when it
// is full; using a tool counts as well as finding it.

export type DynamicPool = {
  /** Ids in a stable order (as they came in), so that a list only changes when its members do. */
  ids(): string[];
  has(id: string): boolean;
  /** Puts the best hits in; `added` and `evicted` say whether the session's list has changed. */
  retrieve(ids: readonly string[]): { readonly added: string[]; readonly evicted: string[] };
  /** A call of the tool keeps it. Unknown ids are ignored. */
  use(id: string): void;
  /** Drops tools that no longer exist, and what a lower limit has no room for. */
  retain(exists: (id: string) => boolean): void;
};

/** Read at each use: a reload of the config changes them. */
export type PoolLimits = { readonly topK: number; readonly toolsLimit: number };
/** MCPPROXY_TOP_K and MCPPROXY_TOOLS_LIMIT. */
export const defaultPoolLimits: PoolLimits = { topK: 10, toolsLimit: 50 };

/** From a file: not to be trusted. */
export function readPoolIds(saved: unknown): string[] {
  return Array.isArray(saved) ? saved.filter((id) => typeof id === 'string') : [];
}

/** `ids`: what was in it before the daemon was started. */
export function createDynamicPool(limits: PoolLimits = defaultPoolLimits, ids: readonly string[] = []): DynamicPool {
  // A counter instead of a clock: two uses in one millisecond still have an order.
  const lastUse = new Map<string, number>();
  let uses = 0;
  const touch = (id: string): void => {
    uses += 1;
    lastUse.set(id, uses);
  };
  for (const id of ids.slice(0, limits.toolsLimit)) touch(id);
  const evictOldest = (): string | undefined => {
    let oldest: string | undefined;
    for (const [id, use] of lastUse) if (oldest === undefined || use < (lastUse.get(oldest) ?? 0)) oldest = id;
    if (oldest !== undefined) lastUse.delete(oldest);
    return oldest;
  };
  return {
    ids: () => [...lastUse.keys()],
    has: (id) => lastUse.has(id),
    retrieve(ids) {
      const before = new Set(lastUse.keys());
      // Worst first, so that the best hit is the most recent one.
      for (const id of ids.slice(0, Math.min(limits.topK, limits.toolsLimit)).reverse()) touch(id);
      while (lastUse.size > limits.toolsLimit) evictOldest();
      const added = [...lastUse.keys()].filter((id) => !before.has(id));
      const evicted = [...before].filter((id) => !lastUse.has(id));
      return { added, evicted };
    },
    use(id) {
      if (lastUse.has(id)) touch(id);
    },
    retain(exists) {
      for (const id of lastUse.keys()) if (!exists(id)) lastUse.delete(id);
      while (lastUse.size > limits.toolsLimit) evictOldest();
    },
  };
}
