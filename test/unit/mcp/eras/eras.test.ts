// What each era does, as a table: an operation in a row, an era in a column. A further era is a further column.
import { describe, expect, it } from 'vitest';
import { type Envelope, parseEnvelope, type RequestEnvelope, withEdits } from '../../../../src/mcp/envelope.ts';
import type { Era } from '../../../../src/mcp/eras/era.ts';
import { eraOf, eraOfMessage, eras } from '../../../../src/mcp/eras/eras.ts';
import { sessionsEra } from '../../../../src/mcp/eras/sessions-era.ts';
import { statelessEra } from '../../../../src/mcp/eras/stateless-era.ts';

const version = 'io.modelcontextprotocol/protocolVersion';
const info = 'io.modelcontextprotocol/clientInfo';
const capabilities = 'io.modelcontextprotocol/clientCapabilities';
const level = 'io.modelcontextprotocol/logLevel';
const who = { clientInfo: { name: 'p' }, capabilities: { sampling: {} } };
const says = { [version]: '2026-07-28', [info]: { name: 'p' }, [capabilities]: { sampling: {} } };

function read<Kind extends Envelope['kind']>(kind: Kind, message: Record<string, unknown>): Envelope & { kind: Kind } {
  const envelope = parseEnvelope(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message })));
  const isKind = (one: Envelope): one is Envelope & { kind: Kind } => one.kind === kind;
  if (!isKind(envelope)) throw new Error(`${envelope.kind} instead of ${kind}`);
  return envelope;
}
const request = (method: string, params?: Record<string, unknown>): RequestEnvelope =>
  read('request', { id: 1, method, params });
const response = (member: Record<string, unknown>) => read('response', { id: 1, ...member });
const notice = (params?: Record<string, unknown>) =>
  read('notification', { method: 'notifications/resources/updated', params });

describe('which era it is', () => {
  it.each([
    ['2026-07-28', statelessEra],
    ['2025-11-25', sessionsEra],
    ['2024-10-07', sessionsEra],
    ['2030-01-01', sessionsEra],
    [undefined, sessionsEra],
  ])('%s', (spoken, era) => {
    expect(eraOf(spoken)).toBe(era);
  });

  it('is what a message says of itself, else what was agreed', () => {
    const said = (text: string) => request('tools/list', { _meta: { [version]: text } });
    for (const agreed of eras) {
      expect(eraOfMessage(said('2026-07-28'), agreed)).toBe(statelessEra);
      expect(eraOfMessage(said('2025-06-18'), agreed)).toBe(sessionsEra);
      expect(eraOfMessage(request('tools/list'), agreed)).toBe(agreed);
      expect(eraOfMessage(notice({ uri: 'a:b' }), agreed)).toBe(agreed);
      expect(eraOfMessage(response({ result: { _meta: { [version]: '2026-07-28' } } }), agreed)).toBe(agreed);
    }
  });

  it('has versions that no other era has, and is known by its name', () => {
    const versions = eras.flatMap((era) => era.versions);
    expect(new Set(versions).size).toBe(versions.length);
    for (const era of eras) {
      for (const one of era.versions) expect(eraOf(one)).toBe(era);
      expect(Object.keys(era.from).sort()).toEqual(eras.map(({ name }) => name).sort());
    }
  });
});

const updated = { uri: 'a:b', _meta: { 'io.modelcontextprotocol/subscriptionId': '7' } };
const toolList = Buffer.from('{"tools":[{"name":"t","inputSchema":{"type":"object","properties":{"a":true}}}]}');
const readableList = Buffer.from('{"tools":[{"name":"t","inputSchema":{"type":"object","properties":{"a":{}}}}]}');

const rows: [string, (era: Era) => unknown, { sessions: unknown; stateless: unknown }][] = [
  ['begins with a handshake', (era) => era.hasHandshake, { sessions: true, stateless: false }],
  ['says who asks', (era) => era.requestMeta(who), { sessions: undefined, stateless: says }],
  [
    'says how much is to be logged',
    (era) => era.requestMeta({ ...who, logLevel: 'info' }),
    { sessions: undefined, stateless: { ...says, [level]: 'info' } },
  ],
  ['shows that it lives', (era) => era.lifeSign, { sessions: 'ping', stateless: 'server/discover' }],
  ['hears notifications', (era) => era.hearsNotifications, { sessions: true, stateless: false }],
  [
    'is asked to log',
    (era) => era.levelRequest('info'),
    { sessions: { method: 'logging/setLevel', params: { level: 'info' } }, stateless: undefined },
  ],
  ['is asked to tell', (era) => era.tellsOfResources, { sessions: 'subscribed', stateless: 'listened' }],
  ['may ask in a call', (era) => era.mayAskFirst('tools/call'), { sessions: false, stateless: true }],
  ['may ask in a list', (era) => era.mayAskFirst('tools/list'), { sessions: false, stateless: false }],
  [
    'has definitions that are wrong',
    (era) => era.wrongIn({ what: 'a', olderWhat: 'b' }),
    { sessions: 'a; b', stateless: 'a' },
  ],
  [
    'has definitions that are wrong in one way',
    (era) => era.wrongIn({ what: '', olderWhat: 'b' }),
    { sessions: 'b', stateless: '' },
  ],
  ['has definitions that are right', (era) => era.wrongIn({ what: '' }), { sessions: '', stateless: '' }],
  [
    'tells of a resource',
    (era) => JSON.parse(withEdits(notice(updated).line, era.noticeEdits(notice(updated))).toString()).params,
    { sessions: updated, stateless: { uri: 'a:b' } },
  ],
  [
    'speaks one of its versions',
    (era) => era.negotiate('2025-03-26'),
    { sessions: '2025-03-26', stateless: '2026-07-28' },
  ],
  ['speaks the other one', (era) => era.negotiate('2026-07-28'), { sessions: '2025-11-25', stateless: '2026-07-28' }],
  ['speaks whatever', (era) => era.negotiate(undefined), { sessions: '2025-11-25', stateless: '2026-07-28' }],
  ['is asked by an answer', (era) => era.readsQuestions, { sessions: false, stateless: true }],
  ['reads tools', (era) => era.tools(toolList).toString(), { sessions: `${readableList}`, stateless: `${toolList}` }],
];

const call = { method: 'tools/call', params: { name: 't' } };
const http: typeof rows = [
  ['methods', (era) => era.http.methods, { sessions: ['POST', 'GET', 'DELETE'], stateless: ['POST'] }],
  ['notifications', (era) => era.http.sendsNotifications, { sessions: true, stateless: false }],
  ['a stream aside', (era) => era.http.hasStreamAside, { sessions: true, stateless: false }],
  ['streams resumed', (era) => era.http.resumesStreams, { sessions: true, stateless: false }],
  ['arguments in headers', (era) => era.http.mirrorsParams, { sessions: false, stateless: true }],
  [
    'the headers of a session',
    (era) => era.http.sessionHeaders({ id: 's', version: 'v' }),
    { sessions: { 'mcp-session-id': 's', 'mcp-protocol-version': 'v' }, stateless: {} },
  ],
  [
    'the headers before there is one',
    (era) => era.http.sessionHeaders({ id: undefined, version: undefined }),
    { sessions: {}, stateless: {} },
  ],
  [
    'the headers of a call',
    (era) => era.http.routingHeaders(request(call.method, call.params)),
    {
      sessions: {},
      stateless: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 't' },
    },
  ],
  [
    'the headers of an answer',
    (era) => era.http.routingHeaders(response({ result: {} })),
    { sessions: {}, stateless: {} },
  ],
  ['disowned: version', (era) => era.http.disowns('', -32022), { sessions: true, stateless: true }],
  ['disowned: headers', (era) => era.http.disowns('', -32020), { sessions: true, stateless: false }],
  ['disowned: capability', (era) => era.http.disowns('no session', -32021), { sessions: false, stateless: false }],
  [
    'disowned: the meta is missing',
    (era) => era.http.disowns(version, undefined),
    { sessions: true, stateless: false },
  ],
  ['disowned: no session', (era) => era.http.disowns('No valid session', -32000), { sessions: false, stateless: true }],
  ['disowned: invalid', (era) => era.http.disowns('Invalid session', -32602), { sessions: false, stateless: false }],
  ['disowned: a page', (era) => era.http.disowns('<html>', undefined), { sessions: false, stateless: false }],
];

describe.each(eras.map((era) => [era.name, era] as const))('the %s era', (name, era) => {
  it.each(rows)('%s', (_what, operate, expected) => {
    expect(operate(era)).toEqual(expected[name]);
  });

  it.each(http)('over HTTP: %s', (_what, operate, expected) => {
    expect(operate(era)).toEqual(expected[name]);
  });
});
