import { expect, it, vi } from 'vitest';
import { createStderrSink } from '../../../../src/upstream/process/stderr-sink.ts';
import { eventually } from '../../../support/eventually.ts';

function open() {
  const written: string[] = [];
  let now = Date.parse('2026-11-21T12:00:00Z');
  const sink = createStderrSink({
    file: { write: (text) => void written.push(text), close: () => {} },
    redact: (text) => text.replaceAll('canary', '[redacted]'),
    label: 'x-1',
    now: () => now,
  });
  return { sink, written, later: (ms: number) => (now += ms) };
}

it('writes each line with time and copy, without secrets or escapes, and keeps the last of it', () => {
  const { sink, written } = open();
  sink.write(Buffer.from('one canary\n\n\u001b[31mred\u202e\r\n'));
  expect(written).toEqual([
    '2026-11-21T12:00:00.000Z x-1 one [redacted]\n',
    '2026-11-21T12:00:00.000Z x-1 \\u001b[31mred\\u202e\\u000d\n',
  ]);
  expect(sink.tail()).toContain('[redacted]');
  expect(sink.tail()).not.toContain('\u001b');
  sink.write(Buffer.alloc(10_000, 'y'));
  expect(sink.tail()).toBe('y'.repeat(2_048));
});

it('has no words of an earlier process among the last ones of the next', () => {
  const { sink, written } = open();
  sink.write(Buffer.from('the first one\n'));
  sink.begin();
  expect(sink.tail()).toBe('');
  sink.write(Buffer.from('the second one\n'));
  expect(sink.tail()).toBe('the second one');
  expect(written).toHaveLength(2);
});

it('drops a flood beyond its rate, and says how much once it is over', () => {
  const { sink, written, later } = open();
  const chunk = Buffer.alloc(64 * 1024, 'z');
  for (let i = 0; i < 100; i += 1) sink.write(chunk);
  expect(written).toHaveLength(4);
  later(1_000);
  sink.write(Buffer.from('calm\n'));
  expect(written.at(-2)).toContain(`[${96 * 64 * 1024} bytes of stderr were dropped`);
  expect(written.at(-1)).toContain('calm');
});

it('writes a line when it is whole, so that no character and no secret of it is parted', () => {
  const { sink, written } = open();
  for (const byte of Buffer.from('日本 🚀 canary\nand')) sink.write(Buffer.from([byte]));
  expect(written).toEqual(['2026-11-21T12:00:00.000Z x-1 日本 🚀 [redacted]\n']);
  sink.note('[ours]');
  expect(written.slice(1)).toEqual(['2026-11-21T12:00:00.000Z x-1 and\n', '2026-11-21T12:00:00.000Z x-1 [ours]\n']);
  sink.write(Buffer.from('panic'));
  expect(sink.tail()).toMatch(/panic$/);
  expect(written.at(-1)).toContain('panic');
});

it('waits for the rest of each line anew, however steadily they come', () => {
  vi.useFakeTimers();
  try {
    const { sink, written } = open();
    sink.write(Buffer.from('first'));
    vi.advanceTimersByTime(200);
    sink.write(Buffer.from('\nthe can'));
    vi.advanceTimersByTime(200);
    sink.write(Buffer.from('ary\n'));
    expect(written.map((line) => line.slice(25))).toEqual(['x-1 first\n', 'x-1 the [redacted]\n']);
  } finally {
    vi.useRealTimers();
  }
});

it('writes a prompt that has no end, and a line without end in pieces', async () => {
  const { sink, written } = open();
  sink.write(Buffer.from('Password: '));
  await eventually(() => written.length === 1, { what: 'the prompt' });
  for (let i = 0; i < 4_000; i += 1) sink.write(Buffer.from('🚀'));
  expect(written.join('')).not.toContain('\ufffd');
  expect(written.length).toBeGreaterThan(2);
});

it('begins its last words with a whole character', () => {
  const { sink } = open();
  sink.write(Buffer.from(`${'🚀'.repeat(700)}y`));
  expect(sink.tail()).toMatch(/^(?:🚀)+y$/u);
});
