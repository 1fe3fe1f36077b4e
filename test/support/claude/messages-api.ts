// A stand-in for the Messages API on loopback: says what the test wrote, refuses what the real one refuses, keeps all.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isRecord } from '../../../src/base/guards.ts';
import {
  type ApiRequest,
  mark,
  placeOf,
  type ToolResult,
  type Turn,
  tooLongNames,
  toolNamesOf,
  toolResultsOf,
} from './conversation.ts';

export type MessagesApi = {
  url: string;
  /** Every request so far, oldest first. */
  requests: ApiRequest[];
  /** Writes the model's part of a conversation and returns the text that the prompt must contain. */
  script: (name: string, turns: readonly Turn[]) => string;
  /** Requests of that conversation. */
  of: (name: string) => ApiRequest[];
  /** Results of all its tool calls so far. */
  results: (name: string) => ToolResult[];
  close: () => Promise<void>;
};

type Block = { type: 'text'; text: string } | { type: 'tool_use'; id: string; name: string; input: object };

export async function startMessagesApi(): Promise<MessagesApi> {
  const requests: ApiRequest[] = [];
  const scripts = new Map<string, readonly Turn[]>();
  const server = createServer((request, response) => {
    void readRequest(request)
      .then(async (read) => {
        requests.push(read);
        await answer(read, response, scripts);
      })
      .catch((error: unknown) => refuse(response, 500, String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the stand-in has no port');
  const of = (name: string) => requests.filter((request) => placeOf(request)?.name === name);
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    script: (name, turns) => {
      scripts.set(name, turns);
      return mark(name);
    },
    of,
    results: (name) => of(name).map(toolResultsOf).at(-1) ?? [],
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readRequest(request: IncomingMessage): Promise<ApiRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const text = Buffer.concat(chunks).toString('utf8');
  const body: unknown = text === '' ? {} : JSON.parse(text);
  return { path: new URL(request.url ?? '/', 'http://localhost').pathname, body: isRecord(body) ? body : {} };
}

async function answer(
  request: ApiRequest,
  response: ServerResponse,
  scripts: ReadonlyMap<string, readonly Turn[]>,
): Promise<void> {
  if (request.path.endsWith('/count_tokens')) return sendJson(response, 200, { input_tokens: 1 });
  if (!request.path.endsWith('/v1/messages')) return sendJson(response, 200, {});
  const [tooLong] = tooLongNames(request);
  if (tooLong !== undefined) {
    return refuse(response, 400, `tools: name: String should have at most 64 characters: ${tooLong}`);
  }
  // Requests for a title or a summary bring no tools: they are no turn of the conversation.
  const isTurn = Array.isArray(request.body['tools']) && request.body['tools'].length > 0;
  const place = isTurn ? placeOf(request) : undefined;
  const turn = place && scripts.get(place.name)?.[place.turn];
  await (typeof turn?.after === 'function' ? turn.after() : turn?.after);
  say(request, response, blocksOf(turn, request));
}

function blocksOf(turn: Turn | undefined, request: ApiRequest): Block[] {
  const { text, calls = [] } = turn ?? {};
  const wanted = typeof calls === 'function' ? calls(toolNamesOf(request)) : calls;
  const uses = wanted.map(
    ({ tool, input }): Block => ({ type: 'tool_use', id: uniqueId('toolu'), name: tool, input: input ?? {} }),
  );
  return text === undefined && uses.length > 0 ? uses : [{ type: 'text', text: text ?? 'ok' }, ...uses];
}

function uniqueId(prefix: string): string {
  return `${prefix}_${randomUUID().replaceAll('-', '')}`;
}

function say(request: ApiRequest, response: ServerResponse, blocks: Block[]): void {
  const stopReason = blocks.some((block) => block.type === 'tool_use') ? 'tool_use' : 'end_turn';
  const usage = { input_tokens: 1, output_tokens: 1, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };
  const message = {
    id: uniqueId('msg'),
    type: 'message',
    role: 'assistant',
    model: String(request.body['model'] ?? 'stand-in'),
    stop_sequence: null,
    usage,
  };
  if (request.body['stream'] !== true) {
    sendJson(response, 200, { ...message, content: blocks, stop_reason: stopReason });
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (type: string, data: object) =>
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  send('message_start', { message: { ...message, content: [], stop_reason: null } });
  for (const [index, block] of blocks.entries()) {
    const isText = block.type === 'text';
    const empty = isText ? { ...block, text: '' } : { ...block, input: {} };
    const delta = isText
      ? { type: 'text_delta', text: block.text }
      : { type: 'input_json_delta', partial_json: JSON.stringify(block.input) };
    send('content_block_start', { index, content_block: empty });
    send('content_block_delta', { index, delta });
    send('content_block_stop', { index });
  }
  send('message_delta', { delta: { stop_reason: stopReason, stop_sequence: null }, usage });
  send('message_stop', {});
  response.end();
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function refuse(response: ServerResponse, status: number, message: string): void {
  const type = status === 400 ? 'invalid_request_error' : 'api_error';
  sendJson(response, status, { type: 'error', error: { type, message } });
}
