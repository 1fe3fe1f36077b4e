// Lines survive any cut of the stream, also when every chunk is overwritten by the next: readers use one buffer.
import { Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from '../../../src/base/line-splitter.ts';
import { writeLine } from '../../../src/base/line-writer.ts';
import { oneBufferBytes } from '../../../src/base/one-buffer.ts';

/** `bytes` in chunks of those lengths, each gone as soon as `push` has returned. */
function feed(bytes: Buffer, lengths: readonly number[], push: (chunk: Buffer) => void): void {
  const buffer = Buffer.alloc(oneBufferBytes);
  let from = 0;
  for (let i = 0; from < bytes.length; i += 1) {
    const length = bytes.copy(buffer, 0, from, from + (lengths[i % lengths.length] ?? 1));
    push(buffer.subarray(0, length));
    buffer.fill('!');
    from += length;
  }
}

const lines = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).map(oneLine), { maxLength: 30 });
const lengths = fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 8 });

function oneLine(text: string): string {
  return text.replace(/[\r\n]/g, '-');
}

describe('lines from one buffer', () => {
  it('are what was sent, however it was cut', () => {
    fc.assert(
      fc.property(lines, lengths, (sent, cuts) => {
        const got: string[] = [];
        const onLine = (line: Buffer) => got.push(line.toString('utf8'));
        const splitter = new LineSplitter({ maxLineBytes: 1_000, onLine, onOversize: () => {} });
        feed(Buffer.from(sent.map((line) => `${line}\n`).join('')), cuts, (chunk) => splitter.push(chunk));
        splitter.end();
        // A line of blanks is as empty as an empty line.
        expect(got).toEqual(sent.filter((line) => /[^ \t]/.test(line)));
      }),
    );
  });

  it('reach a reader that is slower than they come', async () => {
    const sent = ['short', 'x'.repeat(20_000), 'y'.repeat(oneBufferBytes - 1), 'z'.repeat(3 * oneBufferBytes)];
    const written: Buffer[] = [];
    let goOn = () => {};
    const stuck = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const slow = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        void stuck.then(() => {
          written.push(Buffer.from(chunk));
          done();
        });
      },
    });
    const onLine = (line: Buffer) => writeLine(slow, line);
    const splitter = new LineSplitter({ maxLineBytes: 1024 ** 2, onLine, onOversize: () => {} });
    feed(Buffer.from(sent.map((line) => `${line}\n`).join('')), [oneBufferBytes], (chunk) => splitter.push(chunk));
    goOn();
    await new Promise((resolve) => slow.end(() => resolve(undefined)));
    expect(Buffer.concat(written).toString()).toBe(sent.map((line) => `${line}\n`).join(''));
  });
});
