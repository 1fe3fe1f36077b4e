// A server's protocol error inside the budget of a result, with the whole under a reference.
import { cutChars } from '../../base/cut-text.ts';
import { stringAt, textAt } from '../../base/json-scan.ts';
import { memberAt, type ResponseEnvelope } from '../../mcp/envelope.ts';
import type { KeepResult } from '../../tools/shield.ts';

/** What went wrong stands at the beginning; the rest is mostly a trace or a page of HTML. */
const maxMessage = 4_096;

/** JSON of the error; undefined: it fits as it is. Its code stays, its data is in the whole alone. */
export function boundedError(
  { line, error }: ResponseEnvelope,
  maxBytes: number,
  keep: KeepResult,
): string | undefined {
  if (!error || error.end - error.start <= maxBytes) return undefined;
  const text = textAt(line, error);
  const code = memberAt(line, error, ['code']);
  const message = stringAt(line, memberAt(line, error, ['message'])) ?? '';
  const ref = keep.put({ content: [{ type: 'text', text }], isError: true });
  const how = ref === undefined ? 'It was too large to be kept.' : `The whole: gateway_get_result {"ref":"${ref}"}.`;
  return JSON.stringify({
    code: code ? Number(textAt(line, code)) : 0,
    message: `${cutChars(message, maxMessage)} [Error shortened, ${error.end - error.start} bytes in all. ${how}]`,
  });
}
