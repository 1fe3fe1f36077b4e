import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import { requestLine } from '../../../src/mcp/messages.ts';
import { Channel } from '../../../src/upstream/channel.ts';
import type { Answer } from '../../../src/upstream/channel-request.ts';
import type { Transport } from '../../../src/upstream/transports/transport.ts';

function open(write: (line: Buffer) => Promise<void> = () => Promise.resolve()) {
  const sent: { id?: number; method?: string; params?: Record<string, unknown> }[] = [];
  const others: string[] = [];
  const transport: Transport = {
    send: (line) => {
      sent.push(JSON.parse(line.toString()));
      return write(line);
    },
    close: () => Promise.resolve(),
    pause: () => {},
    resume: () => {},
  };
  const channel = new Channel(transport, {
    onServerRequest: ({ method }) => others.push(`request ${method}`),
    onNotification: ({ method }) => others.push(`notification ${method}`),
    onInvalid: ({ reason }) => others.push(`invalid ${reason}`),
  });
  const ask = (owner: string, onAnswer: (answer: Answer) => void, onProgress = () => {}) =>
    channel.request({
      method: 'tools/call',
      owner,
      encode: (id) => requestLine(String(id), 'tools/call', {}),
      onAnswer,
      onProgress,
    });
  const receive = (message: unknown) => channel.receive(Buffer.from(JSON.stringify(message)));
  return { channel, sent, others, ask, receive };
}

const lost = new AppError({ code: 'SERVER_CRASHED', message: 'gone' });
const textOfAnswer = (answer: Answer) => ('error' in answer ? answer.error.message : answer.envelope.line.toString());

describe('the channel to a server', () => {
  it('numbers from 1 and hands each answer to its asker once, whatever the order', () => {
    const { ask, receive, sent } = open();
    const heard: string[] = [];
    for (const name of ['a', 'b', 'c'])
      ask(name, (answer) => heard.push(`${name} ${JSON.parse(textOfAnswer(answer)).result}`));
    expect(sent.map(({ id }) => id)).toEqual([1, 2, 3]);
    for (const id of [3, 1, 1, 99, 0, '2', null, 2, 3]) receive({ jsonrpc: '2.0', id, result: `r${id}` });
    expect(heard).toEqual(['c r3', 'a r1', 'b r2']);
  });

  it('tells what was never written apart from what may have run, when the server is lost', async () => {
    const fate = (mayHaveRun: boolean | undefined) =>
      Promise.reject(new AppError({ code: 'SERVER_CRASHED', message: 'gone', data: { mayHaveRun } }));
    const writes = [() => Promise.resolve(), () => fate(false), () => fate(true), () => Promise.reject(new Error('x'))];
    const { channel, ask } = open(() => (writes.shift() ?? (() => fate(false)))());
    const heard: string[] = [];
    for (const name of ['sent', 'unsent', 'cut', 'broken', 'last', 'withdrawn'])
      ask(name, (answer) => heard.push(`${name}: ${textOfAnswer(answer)}`));
    channel.cancel(6, undefined);
    await new Promise((resolve) => setImmediate(resolve));
    expect(channel.isAsked).toBe(true);
    channel.lose(lost, new AppError({ code: 'SERVER_STOPPED', message: 'not sent' }));
    expect(heard).toEqual(['sent: gone', 'unsent: not sent', 'cut: gone', 'broken: gone', 'last: not sent']);
    expect(channel.isAsked).toBe(false);
  });

  it('is asked nothing by what was never written, nor by the daemon itself', async () => {
    const { channel, ask } = open(() =>
      Promise.reject(new AppError({ code: 'SERVER_CRASHED', message: 'gone', data: { mayHaveRun: false } })),
    );
    ask('a', () => {});
    void channel.ask('tools/list').catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    expect(channel.isAsked).toBe(false);
  });

  it('takes an answer that has its number as a string, as the SDKs do', () => {
    const { ask, receive } = open();
    const heard: string[] = [];
    for (const name of ['a', 'b'])
      ask(name, (answer) => heard.push(`${name} ${JSON.parse(textOfAnswer(answer)).result}`));
    for (const id of ['2', '1', '01', '1.0', ' 2', 'x']) receive({ jsonrpc: '2.0', id, result: `"${id}"` });
    expect(heard).toEqual(['b "2"', 'a "1"']);
  });

  it('gives progress to the request whose token it carries, and to nobody after the answer', () => {
    const { ask, receive } = open();
    const heard: string[] = [];
    ask(
      'a',
      () => {},
      () => heard.push('a'),
    );
    ask(
      'b',
      () => {},
      () => heard.push('b'),
    );
    const progress = (progressToken: unknown) =>
      receive({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress: 1 } });
    for (const token of [2, '1', 7, {}, undefined]) progress(token);
    receive({ jsonrpc: '2.0', id: 2, result: {} });
    progress(2);
    expect(heard).toEqual(['b', 'a']);
  });

  it('tells the server of a cancellation by its own id, and drops the late answer', () => {
    const { channel, ask, receive, sent } = open();
    const heard: string[] = [];
    const id = ask('a', () => heard.push('answered'));
    channel.cancel(id, 'enough');
    channel.cancel(id, 'twice');
    receive({ jsonrpc: '2.0', id, result: {} });
    expect(heard).toEqual([]);
    expect(sent.slice(1)).toEqual([
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id, reason: 'enough' } },
    ]);
    expect(channel.inFlight).toBe(0);
  });

  it('answers everything that waits once when the server is lost, and what comes after at once', () => {
    const { channel, ask, receive, sent } = open();
    const heard: string[] = [];
    ask('a', (answer) => heard.push(textOfAnswer(answer)));
    channel.lose(lost);
    channel.lose(lost);
    receive({ jsonrpc: '2.0', id: 1, result: {} });
    ask('b', (answer) => heard.push(textOfAnswer(answer)));
    expect(heard).toEqual(['gone', 'gone']);
    expect(sent).toHaveLength(1);
  });

  it('tells what comes after the loss that it was not sent, and lets go who waited for room', () => {
    const { channel, ask, sent } = open();
    const heard: string[] = [];
    const later = new AppError({ code: 'SERVER_CRASHED', message: 'not sent' });
    channel.onRoom = () => heard.push(`room ${channel.isLost}`);
    ask('a', (answer) => {
      heard.push(textOfAnswer(answer));
      ask('a', (next) => heard.push(textOfAnswer(next)));
    });
    channel.lose(lost, later);
    expect(heard).toEqual(['gone', 'not sent', 'room true']);
    expect(sent).toHaveLength(1);
  });

  it('keeps sessions apart: same requests, any order of answers, progress and loss', () => {
    const step = fc.oneof(
      fc.record({ ask: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ answer: fc.integer({ min: 0, max: 30 }) }),
      fc.record({ cancel: fc.integer({ min: 0, max: 30 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { channel, ask, receive } = open();
        const asked = new Map<number, string>();
        const answers = new Map<number, number>();
        const cancelled = new Set<number>();
        for (const action of steps) {
          if ('ask' in action) {
            const id = ask(action.ask, (answer) => {
              if (!('error' in answer)) expect(JSON.parse(textOfAnswer(answer)).result).toBe(id);
              answers.set(id, (answers.get(id) ?? 0) + 1);
            });
            asked.set(id, action.ask);
            expect(channel.ownerOf(id)).toBe(action.ask);
          } else if ('answer' in action) receive({ jsonrpc: '2.0', id: action.answer, result: action.answer });
          else {
            if (channel.ownerOf(action.cancel)) cancelled.add(action.cancel);
            channel.cancel(action.cancel, undefined);
          }
        }
        channel.lose(lost);
        for (const id of asked.keys()) expect(answers.get(id) ?? 0).toBe(cancelled.has(id) ? 0 : 1);
      }),
    );
  });

  it('shows what is no message, and goes on', () => {
    const { channel, others } = open();
    channel.receive(Buffer.from('{"jsonrpc":"2.0","id":{},"method":"x"}'));
    channel.receive(Buffer.from('{"jsonrpc":"2.0","id":"q","method":"ping"}'));
    expect(others[0]).toMatch(/^invalid /);
    expect(others[1]).toBe('request ping');
  });
});
