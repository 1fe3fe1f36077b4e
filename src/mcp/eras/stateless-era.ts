// Revision 2026-07-28: no handshake and no session. Each request says who asks; the server asks by its answers.
import { textAt } from '../../base/json-scan.ts';
import { legacyErrorEdits, legacyNotificationEdits, legacyResultEdits } from '../down-convert.ts';
import { memberAt, type ResponseEnvelope } from '../envelope.ts';
import { answerEdits } from '../input-required.ts';
import { addEnvelopeEdits, envelopeMeta, errorCode, mayNeedInput, modernCodes, requestedVersion } from '../modern.ts';
import { routingHeaders } from '../modern-headers.ts';
import { statelessVersion } from '../versions.ts';
import type { Crossing, Era, HttpManner } from './era.ts';

const fromSessions: Crossing = {
  requestEdits: (request, { who, answers }) => [
    ...addEnvelopeEdits(request, who()),
    ...(answers ? answerEdits(request, answers) : []),
  ],
  answerEdits: (answer, { method }) => (answer.error ? legacyErrorEdits(answer, method) : legacyResultEdits(answer)),
  undeclared: (answer) => (errorCode(answer) === modernCodes.missingCapability ? requiredIn(answer) : undefined),
};

const fromStateless: Crossing = {
  // What we ask in a program's name it did not write itself.
  requestEdits: (request, { who, answers }) => [
    ...(requestedVersion(request) === undefined ? addEnvelopeEdits(request, who()) : []),
    ...(answers ? answerEdits(request, answers) : []),
  ],
  answerEdits: () => [],
  undeclared: () => undefined,
};

function requiredIn({ line, error }: ResponseEnvelope): string[] {
  const wanted = memberAt(line, error, ['data', 'requiredCapabilities']);
  return wanted ? Object.keys(Object(JSON.parse(textAt(line, wanted)))) : [];
}

/** Said by servers of this era too, so that no words in them mean another one. */
const ownCodes: ReadonlySet<number> = new Set([...Object.values(modernCodes), -32601, -32602, -32603]);

const http: HttpManner = {
  methods: ['POST'],
  sendsNotifications: false,
  hasStreamAside: false,
  resumesStreams: false,
  mirrorsParams: true,
  sessionHeaders: () => ({}),
  routingHeaders,
  disowns: (refusal, code) => {
    if (code === modernCodes.unsupportedVersion) return true;
    const isOwn = code !== undefined && ownCodes.has(code);
    return !isOwn && /session|not initiali[sz]ed|unsupported protocol version/i.test(refusal);
  },
};

export const statelessEra: Era = {
  name: 'stateless',
  versions: [statelessVersion],
  http,
  hasHandshake: false,
  requestMeta: envelopeMeta,
  lifeSign: 'server/discover',
  hearsNotifications: false,
  levelRequest: () => undefined,
  tellsOfResources: 'listened',
  noticeEdits: legacyNotificationEdits,
  mayAskFirst: mayNeedInput,
  wrongIn: ({ what }) => what,
  from: { sessions: fromSessions, stateless: fromStateless },
  negotiate: () => statelessVersion,
  readsQuestions: true,
  tools: (list) => list,
};
