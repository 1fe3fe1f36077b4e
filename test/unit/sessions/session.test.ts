import { describe, expect, it } from 'vitest';
import { parseEnvelope } from '../../../src/mcp/envelope.ts';
import { Session, type SessionOptions } from '../../../src/sessions/session.ts';

function open(more: Partial<SessionOptions> = {}) {
  const sent: string[] = [];
  const closed: string[] = [];
  const sink = {
    bufferedBytes: 0,
    send: (line: Buffer) => void sent.push(line.toString()),
    close: (why: string) => void closed.push(why),
  };
  const process = { pid: 1, startTime: '1' };
  const session = new Session({
    identity: {
      id: 's',
      lifeId: 'scope-1',
      host: process,
      wrapper: process,
      projectDir: '',
      folder: '',
      projectRoot: '',
    },
    sink,
    baseline: {},
    served: {},
    idPrefix: 'dabc',
    wants: ['TOKEN'],
    now: () => 5,
    maxBufferedBytes: 100,
    ...more,
  });
  return { session, sent, closed, sink };
}

function answer(id: string) {
  const envelope = parseEnvelope(Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":{}}`));
  if (envelope.kind !== 'response') throw new Error('no response');
  return envelope;
}

describe('a session', () => {
  it('waits for the variables it was asked for, again after a reload, and not if none are wanted', async () => {
    const { session } = open();
    expect(session.hasValues).toBe(false);
    let isReady = false;
    const ready = session.valuesReady().then(() => {
      isReady = true;
    });
    await Promise.resolve();
    expect(isReady).toBe(false);
    session.setValues({ TOKEN: 'x' });
    await ready;
    expect(session.values).toEqual({ TOKEN: 'x' });
    session.expectValues();
    expect(session.hasValues).toBe(false);
    expect(open({ wants: [] }).session.hasValues).toBe(true);
  });

  it('ends for one that does not read, and only then', () => {
    const { session, closed, sink } = open();
    sink.bufferedBytes = 100;
    session.notify('a');
    expect(closed).toEqual([]);
    sink.bufferedBytes = 101;
    session.notify('a');
    expect(closed).toHaveLength(1);
  });

  it('takes each answer once, by the id that it gave', async () => {
    const { session, sent } = open();
    const asked = session.ask('roots/list', {});
    const { id } = JSON.parse(sent[0] ?? '');
    expect(JSON.stringify(id)).toBe(asked.id);
    expect(session.answer(answer('"someone-else-1"'))).toBe(false);
    expect(session.answer(answer(asked.id))).toBe(true);
    expect(session.answer(answer(asked.id))).toBe(false);
    expect(await asked.answer).toMatchObject({ kind: 'response' });
  });

  it('cancels what it waits for when it ends, sends nothing more, and answers whoever asked its host', async () => {
    const { session, sent } = open();
    const cancelled: unknown[] = [];
    session.requests.set('1', { method: 'tools/call', cancel: (reason) => cancelled.push(reason) });
    const asked = session.ask('elicitation/create', {});
    session.end();
    session.end();
    session.notify('late');
    expect(cancelled).toEqual(['the session ended']);
    expect(await asked.answer).toBeUndefined();
    expect(sent).toHaveLength(1);
    await session.valuesReady();
  });
});
