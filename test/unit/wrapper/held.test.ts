import { expect, it } from 'vitest';
import { type Held, HeldLines } from '../../../src/wrapper/held.ts';
import { InFlight, isResendable } from '../../../src/wrapper/in-flight.ts';

const entry = (key: string, bytes = 1, expiresAt = Number.POSITIVE_INFINITY): Held => ({
  line: Buffer.alloc(bytes),
  request: { id: key, key, method: 'm' },
  method: 'm',
  expiresAt,
});
const keys = (entries: Held[]) => entries.map((e) => e.request?.key);

it('holds no more than its lines and bytes, and has room again when some leave', () => {
  const held = new HeldLines({ lines: 2, bytes: 10 });
  expect(held.push(entry('a', 5))).toBe(true);
  expect(held.push(entry('b', 6))).toBe(false);
  expect(held.push(entry('c', 5))).toBe(true);
  expect(held.push(entry('d', 0))).toBe(false);
  expect(keys(held.take((e) => e.request?.key === 'a'))).toEqual(['a']);
  expect(held.push(entry('e', 5))).toBe(true);
  expect(keys(held.takeAll())).toEqual(['c', 'e']);
  expect(held.requests).toBe(0);
});

it('hands out in order, what was put back first, and knows the next expiry', () => {
  const held = new HeldLines({ lines: 9, bytes: 9 });
  expect(held.nextExpiry()).toBeUndefined();
  held.push(entry('b', 1, 50));
  held.push(entry('c', 1, 20));
  held.unshift([entry('a', 1, 90)]);
  expect(held.nextExpiry()).toBe(20);
  expect(keys(held.takeAll())).toEqual(['a', 'b', 'c']);
});

it('settles each request once and parts the lost into what is asked again and what is gone', () => {
  const inFlight = new InFlight();
  const add = (key: string, method: string) =>
    inFlight.add({
      id: key,
      key,
      method,
      sentAt: 0,
      line: isResendable(method) ? Buffer.from(key) : undefined,
      effect: undefined,
    });
  add('1', 'tools/call');
  add('2', 'tools/list');
  add('3', 'resources/read');
  add('4', 'initialize');
  add('5', 'tools/call');
  expect(inFlight.settle('5')?.method).toBe('tools/call');
  expect(inFlight.settle('5')).toBeUndefined();
  const { again, gone } = inFlight.lose();
  expect(again.map((r) => r.key)).toEqual(['2', '4']);
  expect(gone.map((r) => r.key)).toEqual(['1', '3']);
  expect(inFlight.size).toBe(0);
  expect(inFlight.settle('1')).toBeUndefined();
});

it('asks again only what changes nothing', () => {
  const all = ['initialize', 'ping', 'tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'];
  expect(all.filter(isResendable)).toEqual(all);
  const never = ['tools/call', 'resources/read', 'prompts/get', 'completion/complete', 'logging/setLevel', 'x/y'];
  expect(never.filter(isResendable)).toEqual([]);
});
