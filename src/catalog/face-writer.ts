// Keeps the ready-made answers on disk equal to what sessions were last served.
import { mkdirSync } from 'node:fs';
import { writeFileAtomic } from '../base/atomic-file.ts';
import { wholeJson } from '../base/cut-text.ts';
import type { Log } from '../base/log.ts';
import { type FaceKey, facePath } from '../link/faces.ts';
import { type ListName, listNames } from '../mcp/lists.ts';
import type { JointList } from './joint-list.ts';

export type ShownFace = {
  initialize: Record<string, unknown>;
  list: (list: ListName) => Pick<JointList, 'result' | 'etag'>;
};

/** Lists come in groups; one write for each. */
const delayMs = 300;

export class FaceWriter {
  readonly #folder: string;
  readonly #log: Log;
  readonly #written = new Map<string, string>();
  readonly #waiting = new Map<string, () => ShownFace>();
  #timer: NodeJS.Timeout | undefined;

  constructor(folder: string, log: Log) {
    this.#folder = folder;
    this.#log = log;
  }

  /** `source` is read when the write is due. */
  schedule(key: FaceKey, source: () => ShownFace): void {
    this.#waiting.set(facePath(this.#folder, key), source);
    this.#timer ??= setTimeout(() => this.flush(), delayMs);
    this.#timer.unref();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [path, source] of this.#waiting) {
      try {
        this.#write(path, source());
      } catch (error) {
        this.#log.warn('face.not-saved', { error }); // a wrapper without a daemon then has an older one
      }
    }
    this.#waiting.clear();
  }

  #write(path: string, source: ShownFace): void {
    const lists = listNames.map((name) => ({ name, list: source.list(name) }));
    const digest = [JSON.stringify(source.initialize), ...lists.map(({ list }) => list.etag)].join('|');
    if (this.#written.get(path) === digest) return;
    const parts: (string | Buffer)[] = [`{"initialize":${wholeJson(source.initialize)},"lists":{`];
    lists.forEach(({ name, list }, i) => {
      parts.push(`${i > 0 ? ',' : ''}\n"${name}":{"etag":${JSON.stringify(list.etag)},"result":`, list.result, '}');
    });
    parts.push('}}\n');
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    writeFileAtomic(path, Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))));
    this.#written.set(path, digest);
  }
}
