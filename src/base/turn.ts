// When what was written leaves. A system call dominates the cost of a call, so what one chunk of input leads to leaves
// together; and a lone call must not wait for the end of the event loop's turn, so the first chunk of a turn leaves at
// once. Whatever follows in the same turn has company, and is gathered until its end.
import type { Writable } from 'node:stream';

type Gathering = Pick<Writable, 'cork' | 'uncork' | 'writableCorked'>;

let depth = 0;
/** One chunk of this turn of the event loop has left already. */
let isLater = false;
let held: Gathering[] = [];

/** Around the work on one chunk of input. */
export function inTurn(act: () => void): void {
  depth += 1;
  try {
    act();
  } finally {
    depth -= 1;
    if (depth === 0 && !isLater) {
      release();
      isLater = true;
      setImmediate(endTurn);
    }
  }
}

/** Before a write: it leaves with the others of its turn. */
export function gather(stream: Gathering): void {
  if ((depth === 0 && !isLater) || stream.writableCorked > 0) return;
  stream.cork();
  held.push(stream);
}

function endTurn(): void {
  isLater = false;
  release();
}

function release(): void {
  if (held.length === 0) return;
  const streams = held;
  held = [];
  for (const stream of streams) stream.uncork();
}
