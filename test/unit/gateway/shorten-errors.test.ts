// A server's error of any size costs a model no more than a result may; the whole can be read.
import { expect, it } from 'vitest';
import { boundedError } from '../../../src/gateway/shorten.ts';
import { parseEnvelope } from '../../../src/mcp/envelope.ts';
import { ResultStore } from '../../../src/results/result-store.ts';

const answerWith = (error: unknown) => {
  const envelope = parseEnvelope(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, error })));
  if (envelope.kind !== 'response') throw new Error('not a response');
  return envelope;
};

it('keeps code and beginning of a large error, and the whole under a reference', () => {
  const store = new ResultStore({ now: () => 0, spillFolder: '/nonexistent' });
  const keep = store.of('me');
  const error = { code: -32_050, message: `boom ${'e'.repeat(300_000)}`, data: { trace: 'at the very end' } };
  const short = boundedError(answerWith(error), 65_536, keep) ?? '';
  expect(short.length).toBeLessThan(5_000);
  const { code, message } = JSON.parse(short);
  expect(code).toBe(-32_050);
  expect(message.startsWith('boom eee')).toBe(true);
  const ref = /"ref":"([^"]+)"/.exec(message)?.[1] ?? '';
  expect(store.get('me', ref, { path: '$.data.trace' })).toMatchObject({ data: 'at the very end' });
  expect(() => store.get('other', ref, {})).toThrow('No stored result has this reference.');
});

it('leaves an error that fits to the server, and finds one that is large by its data alone', () => {
  const keep = { put: () => undefined };
  expect(boundedError(answerWith({ code: 1, message: 'no', data: [1] }), 65_536, keep)).toBeUndefined();
  const large = boundedError(answerWith({ code: 1, message: 'no', data: 'x'.repeat(70_000) }), 65_536, keep);
  expect(large).toContain('no [Error shortened');
});
