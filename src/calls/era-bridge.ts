// One call between a program and a server of different protocol families: what is added to it on the way there, what is
// taken from its answer on the way back, and whether the server's questions are ours to ask.
import { AppError } from '../base/errors.ts';
import { type Edit, textAt } from '../base/json-scan.ts';
import { legacyErrorEdits, legacyResultEdits, structureEdits } from '../mcp/down-convert.ts';
import { memberAt, type ResponseEnvelope } from '../mcp/envelope.ts';
import { isLegacyVersion, modernVersion } from '../mcp/eras.ts';
import { answerEdits } from '../mcp/input-required.ts';
import {
  addEnvelopeEdits,
  envelopeEdits,
  errorCode,
  mayNeedInput,
  modernCodes,
  requestedVersion,
} from '../mcp/modern.ts';
import type { Instance } from '../upstream/instance.ts';
import { capabilitiesFor } from './abilities.ts';
import type { Call } from './call.ts';
import type { Copy } from './copies.ts';

export type Crossing = {
  requestEdits: () => Edit[];
  /** The program cannot be asked by an answer, so it is asked by a request of ours, and the call is sent anew. */
  isDriven: boolean;
  answerEdits: (answer: ResponseEnvelope) => Edit[];
  /** An error that describes our own hop, in words that the program understands. */
  failureOf: (answer: ResponseEnvelope) => AppError | undefined;
};

/** `isReshaped`: whether a program with sessions was given another definition of the tool than its server wrote. */
export function crossingOf(call: Call, { instance, slot }: Copy, isReshaped: () => boolean): Crossing {
  const { session, request, onOutcome } = call.forward;
  const isStateless = session.protocolVersion === modernVersion;
  const hasSessions = isLegacyVersion(slot.introduction.protocolVersion);
  if (hasSessions && !isStateless) {
    // Most answers have none, and most tools are as their servers wrote them: neither is read for this.
    const answerEdits = (answer: ResponseEnvelope) =>
      answer.line.includes('"structuredContent"') && isReshaped() ? structureEdits(answer) : [];
    return request.method === 'tools/call' ? { ...plain, answerEdits } : plain;
  }
  if (hasSessions) {
    return { ...plain, requestEdits: () => envelopeEdits(request), answerEdits: (answer) => lackEdits(call, answer) };
  }
  const requestEdits = () => {
    const isComplete = isStateless && requestedVersion(request) !== undefined;
    const envelope = isComplete ? [] : addEnvelopeEdits(request, envelopeOf(call, instance));
    return call.answers ? [...envelope, ...answerEdits(request, call.answers)] : envelope;
  };
  // Whoever takes the outcome in place of the program knows results only.
  const isDriven = mayNeedInput(request.method) && (!isStateless || onOutcome !== undefined);
  if (isStateless) return { ...plain, requestEdits, isDriven };
  return {
    requestEdits,
    isDriven,
    answerEdits: (answer) => (answer.error ? legacyErrorEdits(answer, request.method) : legacyResultEdits(answer)),
    failureOf: (answer) =>
      errorCode(answer) === modernCodes.missingCapability ? missingCapability(call, answer) : undefined,
  };
}

/**
 * A server with sessions learns from our refusal that a program cannot be asked. If its call fails with that, the program
 * has to be told in the words of its own family; a call that goes on without is answered as ever.
 */
function lackEdits({ lacks }: Call, { line, error }: ResponseEnvelope): Edit[] {
  if (lacks.size === 0 || !error) return [];
  const requiredCapabilities = Object.fromEntries([...lacks].map((capability) => [capability, {}]));
  const message = `This needs ${[...lacks].join(', ')}, which the request did not declare.`;
  const told = JSON.stringify({ code: modernCodes.missingCapability, message, data: { requiredCapabilities } });
  return [{ at: error, with: told.replace(/\}\}$/, () => `,"cause":${textAt(line, error)}}}`) }];
}

const plain = { requestEdits: () => [], isDriven: false, answerEdits: () => [], failureOf: () => undefined };

function envelopeOf({ forward: { session } }: Call, instance: Instance) {
  const { client, logLevel } = session;
  const clientInfo = client?.info ?? { name: client?.name ?? 'unknown', version: '0' };
  const capabilities = capabilitiesFor(session, instance);
  return { clientInfo, capabilities, ...(logLevel === undefined ? {} : { logLevel }) };
}

function missingCapability({ forward: { entry } }: Call, { line, error }: ResponseEnvelope): AppError {
  const wanted = memberAt(line, error, ['data', 'requiredCapabilities']);
  const names = wanted ? Object.keys(Object(JSON.parse(textAt(line, wanted)))).join(', ') : '';
  return new AppError({
    code: 'INPUT_REFUSED',
    message: `Server "${entry.name}" needs ${names || 'an ability'} for this, which the session's program does not offer.`,
    hint: 'Call it from a program that does.',
    data: { mayHaveRun: false },
  });
}
