// A call of a session to a server: what its eras make of it together.
import { describe, expect, it } from 'vitest';
import { Call, type Forward } from '../../../src/calls/call.ts';
import { crossingOf } from '../../../src/calls/era-bridge.ts';
import { checkServer } from '../../../src/config/server-entry.ts';
import { parseEnvelope, withEdits } from '../../../src/mcp/envelope.ts';
import type { EraName } from '../../../src/mcp/eras/era.ts';
import { eras } from '../../../src/mcp/eras/eras.ts';
import { Session } from '../../../src/sessions/session.ts';

const prefix = 'io.modelcontextprotocol/';
const newest = { sessions: '2025-11-25', stateless: '2026-07-28' };

function sessionOf(era: EraName): Session {
  const self = { pid: 1, startTime: '1' };
  const session = new Session({
    identity: { id: 'i', lifeId: 's', host: self, wrapper: self, projectDir: '/p', folder: '/p', projectRoot: '/p' },
    sink: { send: () => {}, bufferedBytes: 0, close: () => {} },
    baseline: {},
    served: {},
    idPrefix: 'd',
    wants: [],
    now: () => 0,
    maxBufferedBytes: 1,
  });
  session.speak(newest[era]);
  session.client = { name: 'p', capabilities: { sampling: {} } };
  session.logLevel = 'info';
  return session;
}

function cross(program: EraName, server: EraName, own: Partial<Forward> & { method?: string } = {}) {
  const { method = 'tools/call', ...rest } = own;
  const request = parseEnvelope(Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"${method}","params":{}}`));
  const { entry } = checkServer('srv', { command: 'x' }, '/home/me');
  const era = eras.find(({ name }) => name === server);
  if (request.kind !== 'request' || !entry || !era) throw new Error('no call');
  const call = new Call({ session: sessionOf(program), request, entry, edits: [], ...rest });
  const identity = { id: 'c', key: 'k', snapshotKey: 'k', server: 'srv', sharing: 'shared' as const };
  return {
    call,
    request,
    crossing: crossingOf(call, { instance: { identity }, slot: { channel: { era } } }, () => false),
  };
}

const pairs: [EraName, EraName][] = eras.flatMap((one) => eras.map(({ name }): [EraName, EraName] => [one.name, name]));

describe.each(pairs)('a call of a program of the %s era to a server of the %s era', (program, server) => {
  it('asks the program for the server only where the program cannot be asked by an answer', () => {
    const isDriven = (own?: Parameters<typeof cross>[2]) => cross(program, server, own).crossing.isDriven;
    expect(isDriven()).toBe(program === 'sessions' && server === 'stateless');
    // Whoever takes the outcome in place of the program knows results only.
    expect(isDriven({ onOutcome: () => {} })).toBe(server === 'stateless');
    expect(isDriven({ method: 'completion/complete', onOutcome: () => {} })).toBe(false);
  });

  it('tells the server who asks where it has to be told', () => {
    const { crossing, request } = cross(program, server);
    const { params } = JSON.parse(withEdits(request.line, crossing.requestEdits()).toString());
    const said = {
      [`${prefix}protocolVersion`]: '2026-07-28',
      [`${prefix}clientInfo`]: { name: 'p', version: '0' },
      [`${prefix}clientCapabilities`]: { sampling: {} },
      [`${prefix}logLevel`]: 'info',
    };
    expect(params).toEqual(server === 'stateless' ? { _meta: said } : {});
  });

  it('is answered with what the program lacks in its own words', () => {
    const { call, crossing } = cross(program, server);
    call.noteLack('roots');
    const failed = parseEnvelope(Buffer.from('{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"m"}}'));
    if (failed.kind !== 'response') throw new Error(failed.kind);
    const { error } = JSON.parse(withEdits(failed.line, crossing.answerEdits(failed)).toString());
    expect(error.code).toBe(program === 'stateless' && server === 'sessions' ? -32021 : -1);
    expect(crossing.failureOf(failed)).toBeUndefined();
  });

  it.each([
    ['sampling, roots', { requiredCapabilities: { sampling: {}, roots: {} } }],
    ['an ability', undefined],
  ])('fails with words for people where the server’s are for programs of its era: %s', (named, data) => {
    const { crossing } = cross(program, server);
    const error = { code: -32021, message: 'm', data };
    const answer = parseEnvelope(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, error })));
    if (answer.kind !== 'response') throw new Error(answer.kind);
    const failure = crossing.failureOf(answer);
    if (program === 'stateless' || server === 'sessions') return expect(failure).toBeUndefined();
    expect(failure).toMatchObject({ code: 'INPUT_REFUSED', data: { mayHaveRun: false } });
    expect(failure?.message).toBe(`Server "srv" needs ${named} for this, which the session's program does not offer.`);
  });
});
