// From what a server wrote to single messages. Servers of revision 2025-03-26 may answer with an array of them.

import { arrayElements, JsonSyntaxError } from '../../base/json-scan.ts';
import { firstText } from '../../base/last-text.ts';
import { oneLine, withoutMark } from '../../mcp/envelope.ts';
import type { TransportEvents } from './transport.ts';

type Receiver = Pick<TransportEvents, 'onMessage' | 'onGarbage'>;

/** Garbage is only a hint for a person: its beginning is enough. */
const maxGarbageBytes = 1_024;

/** False if it was no message and went to `onGarbage`. */
export function handOut(written: Buffer, receiver: Receiver, stream?: string): boolean {
  const line = withoutMark(written);
  const opening = firstByte(line);
  if (opening === 0x7b) receiver.onMessage(oneLine(line), stream);
  else if (opening !== 0x5b || !handOutBatch(line, receiver, stream)) {
    receiver.onGarbage(firstText(line, maxGarbageBytes));
    return false;
  }
  return true;
}

function handOutBatch(line: Buffer, receiver: Receiver, stream: string | undefined): boolean {
  try {
    const messages = arrayElements(line, { start: line.indexOf(0x5b), end: line.length }).map(({ start, end }) =>
      oneLine(line.subarray(start, end)),
    );
    if (messages.length === 0 || !messages.every((message) => message[0] === 0x7b)) return false;
    for (const message of messages) receiver.onMessage(message, stream);
    return true;
  } catch (error) {
    if (error instanceof JsonSyntaxError) return false;
    throw error;
  }
}

function firstByte(line: Buffer): number | undefined {
  for (const c of line) if (c !== 0x20 && c !== 0x09 && c !== 0x0a && c !== 0x0d) return c;
  return undefined;
}
