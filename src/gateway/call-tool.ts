// One call of a server's tool on behalf of one of our own: the same way as a host's call (queue, start, limits, progress,
// attribution), only its outcome comes back here.
import { AppError } from '../base/errors.ts';
import type { Forwarder } from '../calls/forward.ts';
import { linkEdits } from '../calls/links.ts';
import type { SessionView } from '../calls/views.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import { parseEnvelope, type ResponseEnvelope } from '../mcp/envelope.ts';
import { idKey } from '../mcp/id-key.ts';
import type { Session } from '../sessions/session.ts';

export type ToolCall = {
  /** Whose call it is; its answers and questions go there. */
  session: Session;
  /** What the session sees: links in the answer are said in its way. */
  view: SessionView;
  idText: string;
  entry: ServerEntry;
  /** As the server knows it. */
  tool: string;
  /** JSON, passed on as it is. */
  args: string;
  meta: string | undefined;
  signal: AbortSignal;
};

/** The server's answer; rejects with the AppError of a call that got none, or when it is cancelled. */
export function callTool(forwarder: Pick<Forwarder, 'forward'>, call: ToolCall): Promise<ResponseEnvelope> {
  const { session, view, idText, entry, tool, args, meta, signal } = call;
  const members = [`"name":${JSON.stringify(tool)}`, `"arguments":${args}`, ...(meta ? [`"_meta":${meta}`] : [])];
  const line = `{"jsonrpc":"2.0","id":${idText},"method":"tools/call","params":{${members.join(',')}}}`;
  const request = parseEnvelope(Buffer.from(line));
  if (request.kind !== 'request') throw new Error('a call of our own must be a request');
  const key = idKey(idText);
  const own = session.requests.get(key);
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(cancelled());
    forwarder.forward({
      session,
      request,
      entry,
      edits: [],
      onAnswer: (answer) => linkEdits(view, entry.shownSlug, request.method, answer),
      onOutcome: (outcome) => ('error' in outcome ? reject(outcome.error) : resolve(outcome.envelope)),
    });
    // The request that the host knows stays the one that it cancels; it ends this one with it.
    const forwarded = session.requests.get(key);
    if (own) session.requests.set(key, own);
    if (forwarded === own) return;
    const stop = () => {
      forwarded?.cancel(reasonOf(signal));
      reject(cancelled());
    };
    signal.addEventListener('abort', stop, { once: true });
  });
}

function reasonOf(signal: AbortSignal): string | undefined {
  return signal.reason instanceof Error ? signal.reason.message : undefined;
}

function cancelled(): AppError {
  return new AppError({ code: 'TOOL_CANCELLED', message: 'The call was cancelled.' });
}
