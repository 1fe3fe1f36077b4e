// The reply to one request that comes as an event stream: read until it was there, and resumed where the server allows.
import { setTimeout as delay } from 'node:timers/promises';
import { brokenOff } from './http-call.ts';
import type { HttpResponse } from './http-client.ts';
import { type ReadOptions, readEventStream, retryDelay } from './http-replies.ts';

export type StreamedReply = {
  signal: AbortSignal;
  reading: ReadOptions;
  firstRetryMs: number;
  /** Streams of the newest revision cannot be resumed, whatever ids their events have. */
  isResumable: () => boolean;
  onPaused: () => void;
  /** The rest of it; undefined if the server could not be reached this time. */
  resume: (lastEventId: string) => Promise<HttpResponse | undefined>;
};

/** Five tries to resume one reply without hearing anything take about eight seconds: a restart or a network change. */
const maxResumeTries = 5;

export async function readStreamedReply(first: HttpResponse, options: StreamedReply): Promise<void> {
  const { signal, reading, isResumable, onPaused, resume } = options;
  let response: HttpResponse | undefined = first;
  let retryMs = options.firstRetryMs;
  let lastEventId: string | undefined;
  for (let tries = 0; tries < maxResumeTries; tries += 1) {
    if (response) {
      const read = await readEventStream(response, reading);
      if (read.isAnswered || signal.aborted) return;
      if (read.problem) throw read.problem;
      if (read.events > 0 || read.lastEventId !== undefined) tries = 0;
      lastEventId = read.lastEventId ?? lastEventId;
      retryMs = read.retryMs ?? retryMs;
      if (!isResumable()) break;
      if (lastEventId !== undefined) onPaused();
    }
    if (lastEventId === undefined) break;
    await delay(retryDelay(tries, retryMs), undefined, { signal });
    response = await resume(lastEventId);
  }
  throw brokenOff(first);
}
