import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { parseEnvelope } from '../../../src/mcp/envelope.ts';
import { SessionMemory } from '../../../src/wrapper/session-memory.ts';
import { Waiting } from '../../../src/wrapper/waiting.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** What a wrapper of this age wrote after all of its waits, given these lines of its host. */
function answersAt(age: number, lines: string[]): unknown[] {
  const begin = Date.now() - age;
  const written: unknown[] = [];
  const waiting = new Waiting({
    memory: new SessionMemory(),
    face: () => ({ facesDir: '/nowhere', projectDir: '/', home: '/', server: undefined, mode: undefined }),
    write: (line) => written.push(JSON.parse(line.toString())),
    now: () => Date.now() - begin,
    reason: () => undefined,
    isHopeless: () => false,
  });
  for (const line of lines) {
    const envelope = parseEnvelope(Buffer.from(line));
    if (envelope.kind === 'request' || envelope.kind === 'notification') waiting.hold(envelope);
  }
  vi.advanceTimersByTime(60_000);
  return written;
}
const ids = (messages: unknown[]): unknown[] =>
  messages.map((m) => (m instanceof Object && 'id' in m ? m.id : undefined));
const initialize = '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}';
const initialized = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
const list = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';

it.each([
  0, 199, 200, 201, 700, 1_200, 5_000,
])('answers what was asked at once in its order without a daemon, %i ms after its start', (age) => {
  expect(ids(answersAt(age, [initialize, initialized, list]))).toEqual([0, 1]);
});
