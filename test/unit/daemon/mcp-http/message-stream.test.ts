// A stream on a real response whose reader is slow: what is on its way when the stream ends or is handed on.
import { createServer, type Server, type ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MessageStream } from '../../../../src/daemon/mcp-http/message-stream.ts';
import { messagesOf, RawConnection } from '../../../support/raw-connection.ts';
import { eventsOf } from '../../../support/strict-http.ts';

let server: Server;
let onRequest: (response: ServerResponse) => void;
let readers: RawConnection[];
const now = () => 0;

beforeEach(async () => {
  readers = [];
  server = createServer((_, response) => onRequest(response));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
});
afterEach(async () => {
  for (const reader of readers) reader.kill();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** More than the sockets between us and a reader hold. */
const large = Buffer.from(JSON.stringify({ text: 'x'.repeat(16 * 1024 * 1024) }));

/** A reader that has the beginning of its answer, and whose response is here. */
async function reader(attach: (response: ServerResponse) => void) {
  const address = server.address();
  const connection = new RawConnection(typeof address === 'object' && address !== null ? address.port : 0);
  readers.push(connection);
  const arrived = new Promise<ServerResponse>((resolve) => {
    onRequest = (response) => {
      attach(response);
      resolve(response);
    };
  });
  const [stream] = await connection.begin({ method: 'GET', path: '/' });
  if (!stream) throw new Error('no answer');
  return { connection, stream, response: await arrived };
}

it('sends what was pushed in the turn in which it ends before that end', async () => {
  const stream = new MessageStream({ id: 's1', primes: true });
  const lines = [Buffer.from('{"n":1}'), Buffer.from('{\r"n"\n:2}'), large, Buffer.from('{"n":3}')];
  const { connection, stream: read } = await reader((response) => stream.attach(response, now));
  for (const line of lines) stream.push(line);
  stream.finish(now);
  await connection.until(() => read.isComplete || undefined, 'the end');
  expect(eventsOf(read).map(({ id }) => id)).toEqual(['s1.0', 's1.1', 's1.2', 's1.3', 's1.4']);
  expect(messagesOf(read)).toEqual([{ n: 1 }, { n: 2 }, JSON.parse(large.toString()), { n: 3 }]);
  await connection.close();
});

it('sends what was pushed in the turn in which another reader takes over, and the rest to that one', async () => {
  const stream = new MessageStream({ id: 's1', primes: false });
  const first = await reader((response) => stream.attach(response, now));
  const second = await reader((response) => {
    stream.push(Buffer.from('{"n":1}'));
    stream.attach(response, now, 1);
    stream.push(Buffer.from('{"n":2}'));
    stream.detach();
  });
  await first.connection.until(() => first.stream.isComplete || undefined, 'the end of the first');
  await second.connection.until(() => second.stream.isComplete || undefined, 'the end of the second');
  expect([messagesOf(first.stream), messagesOf(second.stream)]).toEqual([[{ n: 1 }], [{ n: 2 }]]);
});

it('keeps an answer for a reader that was sent away before it and reads slowly', async () => {
  const stream = new MessageStream({ id: 's1', primes: true });
  const slow = await reader((response) => stream.attach(response, now));
  slow.connection.pause();
  stream.push(large);
  stream.detach();
  // The reader's connection has ended but is not read to its end: nothing may be written to it any more.
  stream.keepAlive();
  stream.push(large);
  stream.finish(now);
  slow.connection.resume();
  await slow.connection.until(() => slow.stream.isComplete || undefined, 'the end of its connection');
  expect(eventsOf(slow.stream).map(({ id }) => id)).toEqual(['s1.0', 's1.1']);
  const back = await reader((response) => stream.attach(response, now, 1));
  await back.connection.until(() => back.stream.isComplete || undefined, 'the end of the stream');
  expect(eventsOf(back.stream).map(({ id }) => id)).toEqual(['s1.2']);
});
