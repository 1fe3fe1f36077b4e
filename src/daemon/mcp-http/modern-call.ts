// One request without a session, over as many POSTs as it takes: a server that asks in the middle of it keeps waiting
// while the program is told what is asked and comes back with the answers.
import { type Edit, isObjectAt, type Span, stringAt, textAt } from '../../base/json-scan.ts';
import { memberAt, type NotificationEnvelope, type RequestEnvelope, withEdits } from '../../mcp/envelope.ts';
import { resultLine } from '../../mcp/messages.ts';
import { mayNeedInput } from '../../mcp/modern.ts';
import { isLoud } from '../../router/log-setting.ts';
import type { ModernReply } from './modern-reply.ts';

export type ModernCallOptions = {
  /** Unlike every other request's of the daemon's life. */
  id: string;
  request: RequestEnvelope;
  reply: ModernReply;
  logLevel: string | undefined;
  progressToken: Span | undefined;
  /** The state that names this call in a round. */
  stateOf: (round: number) => string;
  now: () => number;
};

type Ask = { askId: string; method: string; params: string };

/** A server that asks for several things asks for them in one turn, or nearly so. */
const gatherMs = 20;
/** A person may take long to answer; a program that never comes back must not hold a server's call for ever. */
const heldMs = 10 * 60_000;
const maxRounds = 100;

export class ModernCall {
  readonly id: string;
  readonly method: string;
  readonly #options: ModernCallOptions;
  readonly #asks = new Map<string, Ask>();
  #reply: ModernReply | undefined;
  #idText: string;
  #token: string | undefined;
  #round = 0;
  #lastAsk = 0;
  #gather: NodeJS.Timeout | undefined;
  #heldSince: number | undefined;
  /** The answer came while no POST waited for it. */
  #late: { line: Buffer; idSpan: Span; status: number } | undefined;

  constructor(options: ModernCallOptions) {
    this.#options = options;
    this.id = options.id;
    this.method = options.request.method;
    this.#reply = options.reply;
    this.#idText = options.request.idText;
    this.#token = textOf(options.request.line, options.progressToken);
  }

  get unreadBytes(): number {
    return this.#reply?.unreadBytes ?? 0;
  }

  get round(): number {
    return this.#round;
  }

  /** The program was asked and has not come back. */
  get isHeld(): boolean {
    return this.#heldSince !== undefined;
  }

  /** It will not come back. */
  get isAbandoned(): boolean {
    return this.#heldSince !== undefined && this.#options.now() - this.#heldSince > heldMs;
  }

  /** A POST waits for it now. */
  isAttachedTo(reply: ModernReply): boolean {
    return this.#reply === reply;
  }

  /** true: the question will reach the program. */
  ask(request: RequestEnvelope): boolean {
    if (!mayNeedInput(this.method) || this.#round >= maxRounds) return false;
    this.#lastAsk += 1;
    const params = textOf(request.line, request.params) ?? '{}';
    this.#asks.set(`ask-${this.#lastAsk}`, { askId: request.idText, method: request.method, params });
    this.#tellSoon();
    return true;
  }

  /** The server needs no answer any more. */
  withdraw(askId: string): boolean {
    for (const [name, ask] of this.#asks) if (ask.askId === askId) return this.#asks.delete(name);
    return false;
  }

  /** Ids of the questions that wait, for whoever has to answer them when the program does not. */
  openAsks(): { askId: string; method: string }[] {
    return [...this.#asks.values()];
  }

  notify(notification: NotificationEnvelope): void {
    const { line, method, params } = notification;
    if (method === 'notifications/message') {
      const { logLevel } = this.#options;
      if (logLevel !== undefined && isLoud(notification, logLevel)) this.#reply?.emit(line);
      return;
    }
    if (method !== 'notifications/progress') return this.#reply?.emit(line);
    const token = memberAt(line, params, ['progressToken']);
    // Each POST has a token of its own; one without wants no progress.
    if (token && this.#token !== undefined) this.#reply?.emit(withEdits(line, [{ at: token, with: this.#token }]));
  }

  /** `edits` without the id, which differs with the POST that gets it. */
  answer(line: Buffer, idSpan: Span, edits: readonly Edit[], status: number): void {
    clearTimeout(this.#gather);
    this.#asks.clear();
    if (!this.#reply) {
      // Without its own edits it would have to be parsed again: the id is all that is still open.
      const done = withEdits(line, edits);
      this.#late = { line: done, idSpan: movedBy(idSpan, edits), status };
      return;
    }
    this.#finish(withEdits(line, [...edits, { at: idSpan, with: this.#idText }]), status);
  }

  /** The program comes back. Answers go to `answerAsk`; what is still open is asked again. true: that was the end. */
  resume(
    next: { request: RequestEnvelope; reply: ModernReply; progressToken: Span | undefined },
    responses: Span | undefined,
    answerAsk: (line: Buffer) => void,
  ): boolean {
    const { request, reply, progressToken } = next;
    this.#heldSince = undefined;
    this.#reply = reply;
    this.#idText = request.idText;
    this.#token = textOf(request.line, progressToken);
    if (this.#late) {
      const { line, idSpan, status } = this.#late;
      this.#finish(withEdits(line, [{ at: idSpan, with: this.#idText }]), status);
      return true;
    }
    for (const [name, { askId, method }] of [...this.#asks]) {
      const at = memberAt(request.line, responses, [name]);
      if (!isAnswer(request.line, at, method)) continue;
      this.#asks.delete(name);
      answerAsk(resultLine(askId, request.line.subarray(at.start, at.end)));
    }
    if (this.#asks.size > 0) this.#tellSoon();
    return false;
  }

  close(): void {
    clearTimeout(this.#gather);
  }

  #tellSoon(): void {
    clearTimeout(this.#gather);
    this.#gather = setTimeout(() => this.#tell(), gatherMs);
  }

  #tell(): void {
    if (!this.#reply || this.#asks.size === 0) return;
    this.#round += 1;
    const requests = [...this.#asks].map(
      ([name, { method, params }]) => `"${name}":{"method":${JSON.stringify(method)},"params":${params}}`,
    );
    const state = JSON.stringify(this.#options.stateOf(this.#round));
    const result = `{"resultType":"input_required","inputRequests":{${requests.join(',')}},"requestState":${state}}`;
    this.#finish(resultLine(this.#idText, result), 200);
    this.#heldSince = this.#options.now();
  }

  #finish(line: Buffer, status: number): void {
    const reply = this.#reply;
    this.#reply = undefined;
    reply?.finish(line, status);
  }
}

function textOf(line: Buffer, at: Span | undefined): string | undefined {
  return at && textAt(line, at);
}

/** Where a span lies after edits that stand behind or before it. */
function movedBy(span: Span, edits: readonly Edit[]): Span {
  let by = 0;
  for (const { at, with: text } of edits) {
    if (at.end > span.start) continue;
    by += (typeof text === 'string' ? Buffer.byteLength(text) : text.length) - (at.end - at.start);
  }
  return { start: span.start + by, end: span.end + by };
}

/** Shaped like an answer to that question; what is not is asked again. */
function isAnswer(line: Buffer, at: Span | undefined, method: string): at is Span {
  if (!isObjectAt(line, at)) return false;
  if (method === 'elicitation/create') return stringAt(line, memberAt(line, at, ['action'])) !== undefined;
  return memberAt(line, at, [method === 'roots/list' ? 'roots' : 'content']) !== undefined;
}
