// The GET stream of revisions with sessions: what belongs to no request. Asked for again whenever it ends.
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '../../base/backoff.ts';
import { errorText, isEventStream } from './http-call.ts';
import type { HttpResponse } from './http-client.ts';
import { type ReadOptions, readEventStream } from './http-replies.ts';

export type Aside = {
  signal: AbortSignal;
  firstRetryMs: number;
  reading: ReadOptions;
  open: (lastEventId: string | undefined) => Promise<HttpResponse>;
  onRefused: (response: HttpResponse, text: string) => void;
};

/** A server that is away for long is not asked more often than this. */
const maxRetryMs = 30_000;

/** Spread, so that many do not come back at once, but never before the time that the server named. */
export function retryDelay(failures: number, firstMs: number, random: () => number = Math.random): number {
  return Math.max(firstMs, backoffMs(failures, { firstMs, maxMs: maxRetryMs, factor: 1.5 }, random));
}

export async function listenAside({ signal, firstRetryMs, reading, open, onRefused }: Aside): Promise<void> {
  let lastEventId: string | undefined;
  let firstMs = firstRetryMs;
  for (let failures = 0; !signal.aborted; failures += 1) {
    const response = await open(lastEventId).catch(() => undefined);
    if (response?.status === 200 && isEventStream(response)) {
      const read = await readEventStream(response, reading);
      lastEventId = read.lastEventId ?? lastEventId;
      firstMs = read.retryMs ?? firstMs;
      if (read.events > 0) failures = 0;
    } else if (response) {
      const text = await errorText(response);
      // 405 says that the server has no such stream; whatever else it refuses, asking again would not change it.
      if (response.status < 500) {
        if (response.status >= 400) onRefused(response, text);
        return;
      }
    }
    await delay(retryDelay(failures, firstMs), undefined, { signal, ref: false });
  }
}
