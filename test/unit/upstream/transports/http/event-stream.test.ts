import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventStreamParser } from '../../../../../src/upstream/transports/http/event-stream.ts';

function parse(chunks: readonly (string | Buffer)[], maxDataBytes = 1_000_000) {
  const events: string[] = [];
  const ids: string[] = [];
  const retries: number[] = [];
  const oversize: { bytes: number; head: string; tail: string }[] = [];
  const parser = new EventStreamParser({
    maxDataBytes,
    onEvent: ({ event, data }) => events.push(`${event}|${data.toString('utf8')}`),
    onId: (id) => ids.push(id),
    onRetry: (ms) => retries.push(ms),
    onOversize: ({ bytes, head, tail }) => oversize.push({ bytes, head: head.toString(), tail: tail.toString() }),
  });
  for (const chunk of chunks) parser.push(Buffer.from(chunk));
  return { events, ids, retries, oversize };
}

const sample =
  '\ufeffevent: endpoint\r\ndata: /messages\r\n\r\n: keep-alive\n\ndata: {"a":\ndata:  "ü"}\nid: 7\n\nretry: 250\rdata:x\r\rid: 8\ndata:\n\ndata: cut off';

test('reads events, ids and retry times with every kind of line end', () => {
  expect(parse([sample])).toEqual({
    events: ['endpoint|/messages', 'message|{"a":\n "ü"}', 'message|x'],
    ids: ['7', '8'],
    retries: [250],
    oversize: [],
  });
});

test('reads the same however the bytes are cut', () => {
  const bytes = Buffer.from(sample);
  const whole = parse([sample]);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 20 }), (cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const chunks = places.slice(1).map((end, i) => bytes.subarray(places[i], end));
      expect(parse(chunks)).toEqual(whole);
    }),
  );
});

test('ignores unknown fields, a bad retry and an id with NUL', () => {
  expect(parse(['retry: soon\nfoo: bar\nid: a\0b\ndata\ndata: x\n\n'])).toEqual({
    events: ['message|\nx'],
    ids: [],
    retries: [],
    oversize: [],
  });
});

test('keeps only the ends of data over the limit and reads the next event', () => {
  const large = `{"jsonrpc":"2.0","id":5,${'x'.repeat(200_000)}END}`;
  const { events, oversize } = parse(
    ['data: ', large.slice(0, 100_000), large.slice(100_000), '\n\ndata: next\n\n'],
    10_000,
  );
  expect(events).toEqual(['message|next']);
  expect(oversize).toHaveLength(1);
  expect(oversize[0]?.head).toContain('"id":5');
  expect(oversize[0]?.tail.endsWith('END}')).toBe(true);
  expect((oversize[0]?.head.length ?? 0) + (oversize[0]?.tail.length ?? 0)).toBeLessThan(10_000);
});

test('limits data made of many short lines as well', () => {
  const { events, oversize } = parse(
    [...Array.from({ length: 5_000 }, () => `data: ${'y'.repeat(100)}\n`), '\n'],
    10_000,
  );
  expect(events).toEqual([]);
  expect(oversize).toHaveLength(1);
});
