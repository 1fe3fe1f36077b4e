// What a server packed, in whatever way and cut at whatever place on the wire, is what it meant.
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../../src/base/errors.ts';
import { bodyOf, DecodedBody } from '../../../../../src/upstream/transports/http/decoded-body.ts';

type Pack = (bytes: Buffer) => Buffer;
const packers: Record<string, Pack> = {
  gzip: (bytes) => zlib.gzipSync(bytes),
  'x-gzip': (bytes) => zlib.gzipSync(bytes),
  deflate: (bytes) => zlib.deflateSync(bytes),
  br: (bytes) => zlib.brotliCompressSync(bytes),
  identity: (bytes) => bytes,
};
const create: unknown = Reflect.get(zlib, 'zstdCompressSync');
const zstd = typeof create === 'function' ? (bytes: Buffer): Buffer => Buffer.from(create(bytes)) : undefined;
if (zstd) packers['zstd'] = zstd;

/** A response whose parts come one after another; `breaks`: the connection ends behind them. */
function respond(
  encoding: string | undefined,
  parts: readonly Buffer[],
  { status = 200, method = 'POST', breaks = false } = {},
) {
  const incoming = new IncomingMessage(new Socket());
  if (encoding !== undefined) incoming.headers['content-encoding'] = encoding;
  incoming.on('error', () => {});
  const { body, discard } = bodyOf(incoming, { url: new URL('http://server.test/mcp'), status, method });
  const chunks: Buffer[] = [];
  const ended = new Promise<{ text: string; hasEnded: boolean; problem: unknown }>((resolve) => {
    let hasEnded = false;
    body.on('data', (chunk: Buffer) => chunks.push(chunk));
    body.on('end', () => {
      hasEnded = true;
    });
    body.on('close', () => resolve({ text: Buffer.concat(chunks).toString(), hasEnded, problem: body.errored }));
  });
  for (const part of parts) incoming.push(part);
  if (breaks) setImmediate(() => incoming.destroy());
  else {
    incoming.complete = true;
    incoming.push(null);
  }
  return { incoming, body, discard, ended, chunks };
}

const split = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length)).filter(({ length }) => length > 0);
};
const bytewise = (bytes: Buffer): Buffer[] => split(bytes, [...bytes.keys()]);
const message = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { text: 'grüße '.repeat(50) } });
const packed = (name: string, text = message): Buffer => (packers[name] ?? ((bytes) => bytes))(Buffer.from(text));

describe('the body of a response', () => {
  it('is what was packed, by any stack of codings and cut anywhere', async () => {
    const names = Object.keys(packers);
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary', maxLength: 2_000 }),
        fc.array(fc.constantFrom(...names), { maxLength: 5 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        async (text, stack, cuts) => {
          const bytes = stack.reduce<Buffer>((packing, name) => packers[name]?.(packing) ?? packing, Buffer.from(text));
          const { ended } = respond(stack.join(', '), split(bytes, cuts));
          expect(await ended).toEqual({ text: Buffer.from(text).toString(), hasEnded: true, problem: null });
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each(
    Object.keys(packers),
  )('is decoded byte by byte, whatever case and space the header has (%s)', async (name) => {
    const { ended } = respond(`\t ${name.toUpperCase()} ,`, bytewise(packed(name)));
    expect(await ended).toMatchObject({ text: message, hasEnded: true });
  });

  it('is decoded where deflate is the bare format', async () => {
    const { ended } = respond('deflate', bytewise(zlib.deflateRawSync(message)));
    expect(await ended).toMatchObject({ text: message, hasEnded: true });
  });

  it('is handed on as far as it has arrived', async () => {
    const flushed = (text: string) => zlib.deflateRawSync(text, { finishFlush: zlib.constants.Z_SYNC_FLUSH });
    const incoming = new IncomingMessage(new Socket());
    incoming.headers['content-encoding'] = 'gzip';
    const { body } = bodyOf(incoming, { url: new URL('http://server.test'), status: 200, method: 'GET' });
    const heard = body[Symbol.asyncIterator]();
    incoming.push(zlib.gzipSync('').subarray(0, 10));
    for (const event of ['data: one\n\n', 'data: two\n\n', ': still there\n\n']) {
      incoming.push(flushed(event));
      expect(String((await heard.next()).value)).toBe(event);
    }
    body.destroy();
    expect(incoming.destroyed).toBe(true);
  });

  it.each([
    [204, 'POST'],
    [205, 'POST'],
    [304, 'GET'],
    [200, 'HEAD'],
  ])('is empty where none can be, whatever its headers say (%s to %s)', async (status, method) => {
    expect(await respond('gzip', [], { status, method }).ended).toMatchObject({ text: '', hasEnded: true });
  });

  it.each(Object.keys(packers))('is empty where nothing came (%s)', async (name) => {
    expect(await respond(name, []).ended).toEqual({ text: '', hasEnded: true, problem: null });
  });

  it('is read as it is where the coding is none that exists, and the body is text', async () => {
    for (const name of ['utf-8', 'none', 'aws-chunked', 'gzip, utf-8']) {
      const { ended } = respond(name, bytewise(Buffer.from(message)));
      expect(await ended).toEqual({ text: message, hasEnded: true, problem: null });
    }
    expect(await respond('none, gzip', [packed('gzip')]).ended).toMatchObject({ text: message });
  });

  it.each([
    ['x-new', packed('gzip'), '"x-new"'],
    ['gzip, lz4', Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60]), '"lz4"'],
    ['gzip, gzip, gzip, gzip, gzip, gzip', packed('gzip'), '"gzip, gzip, gzip, gzip, gzip, gzip"'],
    ['gzip', Buffer.from(message), 'gzip'],
    ['br', Buffer.from(message), 'br'],
    ['deflate', Buffer.from(message), 'deflate'],
    ['gzip', packed('deflate'), 'gzip'],
    ['gzip', Buffer.concat([packed('gzip'), Buffer.from('garbage behind it')]), 'gzip'],
  ])('ends with an error that names the coding where it cannot be decoded (%s)', async (encoding, bytes, name) => {
    for (const parts of [[bytes], bytewise(bytes)]) {
      const { ended, incoming } = respond(encoding, parts);
      const { hasEnded, problem } = await ended;
      expect(hasEnded).toBe(false);
      expect(problem).toBeInstanceOf(AppError);
      expect(String(problem)).toContain(name);
      expect(incoming.destroyed).toBe(true);
    }
  });

  it('names the Node.js that decodes zstd where this one does not', async () => {
    const bytes = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x11, 0x00]);
    const { problem } = await respond('zstd', bytewise(bytes)).ended;
    if (zstd) expect(problem).not.toBeInstanceOf(AppError);
    else expect(String(problem)).toContain('"zstd", which cannot be decoded by Node.js');
  });

  it.each(['deflate', 'br'])('does not mind what follows the end of %s', async (name) => {
    const bytes = Buffer.concat([packed(name), Buffer.from('garbage behind it')]);
    for (const parts of [[bytes], bytewise(bytes)])
      expect(await respond(name, parts).ended).toMatchObject({ text: message, hasEnded: true });
    const endless = [bytes, Buffer.alloc(200_000)];
    expect(await respond(name, endless).ended).toMatchObject({ text: message, hasEnded: true });
  });

  it.each(['gzip', 'deflate', 'br'])('says that %s ended too early, and hands on what there was', async (name) => {
    const bytes = packed(name);
    const { body, ended } = respond(name, bytewise(bytes.subarray(0, -1)));
    const { text, hasEnded } = await ended;
    expect(message.startsWith(text.slice(0, -1))).toBe(true);
    expect(hasEnded).toBe(true);
    expect(body instanceof DecodedBody && body.isCut).toBe(true);
  });

  it.each(['gzip', 'deflate', 'br'])('loses nothing of what came before the connection broke (%s)', async (name) => {
    const { ended } = respond(name, bytewise(packed(name)), { breaks: true });
    expect(await ended).toEqual({ text: message, hasEnded: false, problem: null });
  });

  it('holds the connection back while nobody reads, whatever its size would be', async () => {
    const bomb = zlib.gzipSync(Buffer.alloc(64 * 1024 * 1024));
    const incoming = new IncomingMessage(new Socket());
    incoming.headers['content-encoding'] = 'gzip, gzip';
    const { body } = bodyOf(incoming, { url: new URL('http://server.test'), status: 200, method: 'GET' });
    incoming.push(zlib.gzipSync(bomb));
    let bytes = 0;
    body.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > 1024 * 1024) body.pause();
    });
    await new Promise<void>((resolve) => body.once('pause', resolve));
    // Whatever is under way ends in some turns of the loop.
    for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(bytes).toBeLessThan(1.2 * 1024 * 1024);
    expect(body.readableLength).toBeLessThan(256 * 1024);
    body.destroy();
    expect(incoming.destroyed).toBe(true);
  });

  it('is not unpacked where nobody wants it', async () => {
    const incoming = new IncomingMessage(new Socket());
    incoming.headers['content-encoding'] = 'gzip';
    const { discard } = bodyOf(incoming, { url: new URL('http://server.test'), status: 202, method: 'POST' });
    incoming.push(Buffer.from('no gzip'));
    incoming.complete = true;
    incoming.push(null);
    const ended = new Promise<void>((resolve) => incoming.once('end', resolve));
    discard();
    await ended;
    expect(incoming.errored).toBe(null);
  });
});
