// The revisions up to 2025-11-25: a handshake, then a session that both sides know.
import { textAt } from '../../base/json-scan.ts';
import { structureEdits } from '../down-convert.ts';
import type { ResponseEnvelope } from '../envelope.ts';
import { envelopeEdits, metaKeys, modernCodes } from '../modern.ts';
import { olderTools } from '../older-tools.ts';
import { latestSessionsVersion, sessionsVersions } from '../versions.ts';
import type { Crossing, Era, HttpManner } from './era.ts';

const fromSessions: Crossing = {
  requestEdits: () => [],
  // Most answers have none, and most tools are as their servers wrote them: neither is read for this.
  answerEdits: (answer, { method, isReshaped }) =>
    method === 'tools/call' && answer.line.includes('"structuredContent"') && isReshaped()
      ? structureEdits(answer)
      : [],
  undeclared: () => undefined,
};

const fromStateless: Crossing = {
  requestEdits: envelopeEdits,
  answerEdits: (answer, { lacks }) => lackEdits(answer, lacks),
  undeclared: () => undefined,
};

/**
 * The server learns from our refusal that a program cannot be asked. If its call fails with that, the program has to be
 * told in the words of its own era; a call that goes on without is answered as ever.
 */
function lackEdits({ line, error }: ResponseEnvelope, lacks: ReadonlySet<string>) {
  if (lacks.size === 0 || !error) return [];
  const requiredCapabilities = Object.fromEntries([...lacks].map((capability) => [capability, {}]));
  const message = `This needs ${[...lacks].join(', ')}, which the request did not declare.`;
  const told = JSON.stringify({ code: modernCodes.missingCapability, message, data: { requiredCapabilities } });
  return [{ at: error, with: told.replace(/\}\}$/, () => `,"cause":${textAt(line, error)}}}`) }];
}

const http: HttpManner = {
  methods: ['POST', 'GET', 'DELETE'],
  sendsNotifications: true,
  hasStreamAside: true,
  resumesStreams: true,
  mirrorsParams: false,
  sessionHeaders: ({ id, version }) => ({
    ...(id === undefined ? {} : { 'mcp-session-id': id }),
    ...(version === undefined ? {} : { 'mcp-protocol-version': version }),
  }),
  routingHeaders: () => ({}),
  disowns: (refusal, code) =>
    code === modernCodes.unsupportedVersion ||
    code === modernCodes.headerMismatch ||
    refusal.includes(metaKeys.protocolVersion),
};

export const sessionsEra: Era = {
  name: 'sessions',
  versions: sessionsVersions,
  http,
  hasHandshake: true,
  requestMeta: () => undefined,
  lifeSign: 'ping',
  hearsNotifications: true,
  levelRequest: (level) => ({ method: 'logging/setLevel', params: { level } }),
  tellsOfResources: 'subscribed',
  noticeEdits: () => [],
  mayAskFirst: () => false,
  wrongIn: ({ what, olderWhat = '' }) => [what, olderWhat].filter((one) => one !== '').join('; '),
  from: { sessions: fromSessions, stateless: fromStateless },
  // If we speak it, else our latest (specification, lifecycle).
  negotiate: (asked) => sessionsVersions.find((version) => version === asked) ?? latestSessionsVersion,
  readsQuestions: false,
  tools: olderTools,
};
