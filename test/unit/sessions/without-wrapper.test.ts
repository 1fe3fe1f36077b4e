// Sessions of programs without a wrapper. Breaks when one waits for variables that nobody will send, or when the daemon's
// own is closed for what it did not read.
import { expect, it } from 'vitest';
import { unreadLimit } from '../../../src/sessions/session.ts';
import { createUnconnected, createUnwrapped } from '../../../src/sessions/without-wrapper.ts';

const self = { pid: 1, startTime: '1' };
const identity = { id: 's', lifeId: 's', host: self, wrapper: self, projectDir: '', folder: '', projectRoot: '' };
const options = { identity, baseline: {}, idPrefix: 't', now: () => 5, values: { TOKEN: 'x' } };

it('has its values from the start and waits for none', async () => {
  const sink = { send: () => {}, bufferedBytes: 0, close: () => {} };
  const session = createUnwrapped({ ...options, sink, maxBufferedBytes: 1 });
  expect(session.hasValues).toBe(true);
  await session.valuesReady();
  expect(session.values).toEqual({ TOKEN: 'x' });
});

it('is handed every line when it has no connection', () => {
  const lines: string[] = [];
  const session = createUnconnected({ ...options, onLine: (line) => void lines.push(line.toString()) });
  session.notify('a');
  session.notify('b');
  session.end();
  session.notify('late');
  expect(lines).toEqual(['{"jsonrpc":"2.0","method":"a"}', '{"jsonrpc":"2.0","method":"b"}']);
  expect(session.hasValues).toBe(true);
});

it('may leave two of the largest messages unread', () => {
  expect(unreadLimit(1_000)).toBe(2_000);
});
