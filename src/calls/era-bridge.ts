// One call between a program and a server, of different eras or the same: what is added to it on the way there, what is
// taken from its answer on the way back, and whether the server's questions are ours to ask.
import { AppError } from '../base/errors.ts';
import type { Edit } from '../base/json-scan.ts';
import type { ResponseEnvelope } from '../mcp/envelope.ts';
import type { WhoAsks } from '../mcp/modern.ts';
import type { Channel } from '../upstream/channel.ts';
import type { Instance } from '../upstream/instance.ts';
import { capabilitiesFor } from './abilities.ts';
import type { Call } from './call.ts';

export type BridgedCall = {
  requestEdits: () => Edit[];
  /** The program cannot be asked by an answer, so it is asked by a request of ours, and the call is sent anew. */
  isDriven: boolean;
  answerEdits: (answer: ResponseEnvelope) => Edit[];
  /** An error that describes our own hop, in words that the program understands. */
  failureOf: (answer: ResponseEnvelope) => AppError | undefined;
};

/** As far as it matters here. */
type Reached = { instance: Pick<Instance, 'identity'>; slot: { channel: Pick<Channel, 'era'> } };

/** `isReshaped`: whether a program with sessions was given another definition of the tool than its server wrote. */
export function crossingOf(call: Call, { instance, slot }: Reached, isReshaped: () => boolean): BridgedCall {
  const { session, request, entry, onOutcome } = call.forward;
  const { method } = request;
  const { era } = slot.channel;
  const between = era.from[session.era.name];
  const who = () => whoAsks(call, instance);
  return {
    requestEdits: () => between.requestEdits(request, { who, answers: call.answers }),
    // Whoever takes the outcome in place of the program knows results only.
    isDriven: era.mayAskFirst(method) && (!session.era.readsQuestions || onOutcome !== undefined),
    answerEdits: (answer) => between.answerEdits(answer, { method, lacks: call.lacks, isReshaped }),
    failureOf: (answer) => {
      const names = between.undeclared(answer);
      return names && undeclared(entry.name, names);
    },
  };
}

function whoAsks({ forward: { session } }: Call, instance: Reached['instance']): WhoAsks {
  const { client, logLevel } = session;
  const clientInfo = client?.info ?? { name: client?.name ?? 'unknown', version: '0' };
  const capabilities = capabilitiesFor(session, instance);
  return { clientInfo, capabilities, ...(logLevel === undefined ? {} : { logLevel }) };
}

function undeclared(server: string, names: readonly string[]): AppError {
  return new AppError({
    code: 'INPUT_REFUSED',
    message: `Server "${server}" needs ${names.join(', ') || 'an ability'} for this, which the session's program does not offer.`,
    hint: 'Call it from a program that does.',
    data: { mayHaveRun: false },
  });
}
