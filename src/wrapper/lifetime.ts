// When the wrapper ends: with its host, never with its daemon. Claude Code sends SIGINT, SIGTERM 100 ms later and SIGKILL
// 400 ms after that, without closing stdin first; a host that is killed leaves only an end of stdin, or nothing.
export type LifetimeOptions = {
  exit: (code: number) => void;
  openRequests: () => number;
  /** Bytes that the host has not taken from us. */
  unreadBytes: () => number;
  parentPid: () => number;
};

/** `printf … | run-mcp-proxy` closes stdin at once and still wants its answers. */
const answersWaitMs = 5_000;
/** A host that is gone but whose pipe somebody inherited. */
const parentCheckMs = 5_000;
/** While answers are awaited after the end of stdin, a dead host should be noticed soon. */
const endingCheckMs = 50;

export class Lifetime {
  readonly #options: LifetimeOptions;
  readonly #parent: number;
  #hasEnded = false;

  constructor(options: LifetimeOptions) {
    this.#options = options;
    this.#parent = options.parentPid();
  }

  start(): void {
    process.on('SIGINT', () => {}); // hosts have sent it by mistake
    process.on('SIGTERM', () => this.#options.exit(0));
    setInterval(() => this.#exitIfOrphan(), parentCheckMs).unref();
  }

  onStdinEnd(): void {
    this.#hasEnded = true;
    this.#exitIfOrphan();
    this.onSettled();
    setInterval(() => {
      this.#exitIfOrphan();
      this.onSettled();
    }, endingCheckMs);
    setTimeout(() => this.#options.exit(0), answersWaitMs);
  }

  /** A request was answered. */
  onSettled(): void {
    const { openRequests, unreadBytes, exit } = this.#options;
    if (this.#hasEnded && openRequests() === 0 && unreadBytes() === 0) exit(0);
  }

  onStdoutGone(): void {
    this.#options.exit(0);
  }

  #exitIfOrphan(): void {
    if (this.#options.parentPid() !== this.#parent) this.#options.exit(0);
  }
}
