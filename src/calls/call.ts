// The session's side of one request on its way: answered once, or cancelled, or ended with the session.
import type { AppError } from '../base/errors.ts';
import type { Edit, Span } from '../base/json-scan.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import {
  memberAt,
  type NotificationEnvelope,
  parseEnvelope,
  type RequestEnvelope,
  type ResponseEnvelope,
  withEdits,
} from '../mcp/envelope.ts';
import { idKey } from '../mcp/id-key.ts';
import type { InputAnswers } from '../mcp/input-required.ts';
import { failureLine, notificationLine } from '../mcp/messages.ts';
import type { Session } from '../sessions/session.ts';
import type { Answer } from '../upstream/channel-request.ts';

export type Forward = {
  session: Session;
  request: RequestEnvelope;
  entry: ServerEntry;
  /** What differs in the message to the server, besides id and progress token. */
  edits: readonly Edit[];
  /** What differs in the answer to the host, besides its id. */
  onAnswer?: (answer: ResponseEnvelope) => readonly Edit[];
  /** Takes the outcome in place of the host: what was asked for is shown in another form. */
  onOutcome?: (outcome: Answer) => void;
};

/** A host shows that something happens; more often than this nobody reads. */
const startNoticeMs = 1_000;

export class Call {
  readonly forward: Forward;
  readonly method: string;
  isOver = false;
  wasTriedAgain = false;
  /** How often the server asked for something before it went on, and what it was told last. */
  rounds = 0;
  answers: InputAnswers | undefined;
  /** Capabilities that its server asked for and the program did not declare. */
  readonly lacks = new Set<string>();
  /** Takes it out of the queue, if it still waits there. */
  withdraw: (() => boolean) | undefined;
  /** Tells the server to stop, or withdraws what the host was asked for it. */
  stop: ((reason: string | undefined) => void) | undefined;

  constructor(forward: Forward) {
    this.forward = forward;
    this.method = forward.request.method;
  }

  noteLack(capability: string): void {
    this.lacks.add(capability);
  }

  cancel(reason: string | undefined): void {
    if (!this.#end()) return;
    this.withdraw?.();
    this.stop?.(reason);
  }

  /** `translation`: what differs because the server is of another era. */
  answer(envelope: ResponseEnvelope, translation: readonly Edit[] = []): void {
    if (!this.#end()) return;
    const { session, request, onAnswer, onOutcome } = this.forward;
    const isToolCall = this.method === 'tools/call';
    if (isToolCall) session.results.noteReceived(envelope);
    const shown = [...translation, ...(onAnswer?.(envelope) ?? [])];
    if (onOutcome) return onOutcome({ envelope: translated(envelope, shown) });
    const edits: Edit[] = [{ at: envelope.id, with: request.idText }, ...shown];
    const line = withEdits(envelope.line, edits);
    if (isToolCall) session.results.noteSent('results', line, request.idText);
    session.send(line, idKey(request.idText));
  }

  fail(error: AppError): void {
    if (!this.#end()) return;
    const { session, request, onOutcome } = this.forward;
    if (onOutcome) return onOutcome({ error });
    const line = failureLine(request, error);
    if (this.method === 'tools/call') session.results.noteSent('results', line, request.idText);
    session.send(line, idKey(request.idText));
  }

  progress({ line, params }: NotificationEnvelope, token: Span): void {
    if (this.isOver) return;
    const { session, request } = this.forward;
    const at = memberAt(line, params, ['progressToken']);
    if (!at) return;
    const restored = withEdits(line, [{ at, with: request.line.subarray(token.start, token.end) }]);
    session.send(restored, idKey(request.idText));
  }

  #end(): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    const key = idKey(this.forward.request.idText);
    if (this.forward.session.requests.get(key) === this) this.forward.session.requests.delete(key);
    return true;
  }
}

function translated(envelope: ResponseEnvelope, edits: readonly Edit[]): ResponseEnvelope {
  if (edits.length === 0) return envelope;
  const parsed = parseEnvelope(withEdits(envelope.line, edits));
  return parsed.kind === 'response' ? parsed : envelope;
}

/** While a server starts, a host that asked for progress sees that it does. */
export function noticeStart(call: Call, now: () => number): () => void {
  const { request, session, entry } = call.forward;
  const token = memberAt(request.line, request.params, ['_meta', 'progressToken']);
  // Between two rounds it runs already, and what it reports must increase.
  if (!token || call.rounds > 0) return () => {};
  const since = now();
  let step = 0;
  const timer = setInterval(() => {
    step += 1;
    const seconds = Math.round((now() - since) / 1000);
    // Must increase and stay below whatever the server itself will report later.
    const params = { progress: step * 1e-6, message: `Starting ${entry.name} (${seconds} s)` };
    const text = request.line.subarray(token.start, token.end).toString();
    const line = notificationLine('notifications/progress', { ...params, progressToken: 0 }).toString();
    const own = line.replace('"progressToken":0', () => `"progressToken":${text}`);
    session.send(Buffer.from(own), idKey(request.idText));
  }, startNoticeMs);
  timer.unref();
  return () => clearInterval(timer);
}
