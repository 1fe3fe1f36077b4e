// Messages as server-sent events on a response, for both eras.

import type { ServerResponse } from 'node:http';
import { oneBufferBytes } from '../../base/one-buffer.ts';
import { oneLine } from '../../mcp/envelope.ts';

const dataField = 'data: ';
const eventEnd = '\n\n';
/** Above this a copy costs more than the chunks of HTTP that several writes become. */
const copyLimitBytes = oneBufferBytes;

export function writeStreamHead(response: ServerResponse): void {
  if (response.headersSent) return;
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
}

/**
 * `fields` stand before the data, each with its line break. Nothing is corked: a response that is ended while it is corked
 * sends its last chunk before its data (Node 22, and 24 up to 24.21). The socket is corked by Node itself for the rest of
 * the turn, so that all this still leaves in one system call.
 */
export function writeEvent(response: ServerResponse, fields: string, line: Buffer): void {
  if (isOver(response)) return;
  const data = oneLine(line);
  const head = Buffer.from(`${fields}${dataField}`);
  if (data.length <= copyLimitBytes) {
    response.write(Buffer.concat([head, data, Buffer.from(eventEnd)]));
    return;
  }
  response.write(head);
  response.write(data);
  response.write(eventEnd);
}

/** A line without meaning, so that a dead connection is noticed and a living one is not cut for silence. */
export function writeKeepAlive(response: ServerResponse): void {
  if (response.headersSent && !isOver(response)) response.write(`: ${eventEnd}`);
}

/** It has ended for us, although its program may not have read all of it yet. A write after that is a stray error. */
function isOver(response: ServerResponse): boolean {
  return response.destroyed || response.writableEnded;
}
