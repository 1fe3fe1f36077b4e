// One call of an own tool while it runs.
import { textAt } from '../base/json-scan.ts';
import { memberAt, type RequestEnvelope, type ResponseEnvelope, withEdits } from '../mcp/envelope.ts';
import { resultLine } from '../mcp/messages.ts';
import { stringifyExact } from '../results/exact-json.ts';
import type { Session } from '../sessions/session.ts';
import { argumentNames } from './tools/call-arguments.ts';

/** What came with it as bytes, and the bytes that answer it. */
export class OwnWork {
  readonly session: Session;
  readonly request: RequestEnvelope;
  readonly signal: AbortSignal;
  readonly isJob: boolean;
  #answer: { envelope: ResponseEnvelope; result: unknown; isWhole: boolean } | undefined;

  constructor(init: { session: Session; request: RequestEnvelope; signal: AbortSignal }) {
    this.session = init.session;
    this.request = init.request;
    this.signal = init.signal;
    this.isJob = argumentText(init.request, ['name']) === '"gateway_invoke_async"';
  }

  /** The arguments for the server's tool, byte for byte as the model wrote them. */
  get args(): string {
    const written = argumentNames.map((name) => argumentText(this.request, ['arguments', name]));
    const text = written.find((one) => one !== undefined) ?? '{}';
    if (!text.startsWith('"')) return text;
    // The JSON of an object instead of the object. Line feeds in it are between values, and would end the message.
    return String(JSON.parse(text)).replace(/[\r\n]+/g, ' ');
  }

  /** The server's answer, shortened or not; what stands for it until its line is written. */
  take(envelope: ResponseEnvelope, shortened: unknown): unknown {
    // Whole answers are passed on as bytes: nobody needs to read them.
    const result = shortened ?? {};
    this.#answer = { envelope, result, isWhole: shortened === undefined };
    return result;
  }

  line(result: unknown): Buffer {
    const { idText } = this.request;
    const answer = this.#answer;
    if (answer?.isWhole && result === answer.result) {
      return withEdits(answer.envelope.line, [{ at: answer.envelope.id, with: idText }]);
    }
    return resultLine(idText, stringifyExact(result));
  }
}

export function argumentText({ line, params }: RequestEnvelope, path: readonly string[]): string | undefined {
  const span = memberAt(line, params, path);
  return span && textAt(line, span);
}
