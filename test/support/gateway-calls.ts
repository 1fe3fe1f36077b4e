// What a model does in the modes gateway and dynamic, as calls of a test's session.
import { isRecord } from '../../src/base/guards.ts';
import { type McpClient, type Message, resultOf, textOf } from './mcp-client.ts';

export type Found = { id: string; server: string; args: string[]; score: number };

export function invoke(client: McpClient, id: string, args: Message = {}): Promise<Message> {
  return client.call('gateway_invoke', { id, args });
}

/** The JSON in the first text of a result. */
export function jsonOf(answer: Message): Record<string, unknown> {
  const value: unknown = JSON.parse(textOf(answer));
  return isRecord(value) ? value : {};
}

export async function search(client: McpClient, query: string, more: Message = {}): Promise<Found[]> {
  const { tools } = jsonOf(await client.call('gateway_search', { query, ...more }));
  return Array.isArray(tools) ? tools : [];
}

/** The reference in the result's `_meta`; a test that reads it back proves that it leads somewhere. */
export function refOf(answer: Message): string {
  const meta = resultOf(answer)['_meta'];
  const shield = isRecord(meta) ? meta['aitkit/shield'] : undefined;
  const ref = isRecord(shield) ? shield['ref'] : undefined;
  if (typeof ref !== 'string') throw new Error(`no reference in ${JSON.stringify(answer).slice(0, 500)}`);
  return ref;
}

export async function start(client: McpClient, id: string, args: Message, more: Message = {}): Promise<string> {
  const { jobId } = jsonOf(await client.call('gateway_invoke_async', { id, args, ...more }));
  if (typeof jobId !== 'string') throw new Error('no job id');
  return jobId;
}

/** Reads a whole value of a stored result page by page, as a model would. */
export async function readBack(client: McpClient, ref: string, request: Message): Promise<unknown> {
  const array: unknown[] = [];
  const entries: [string, unknown][] = [];
  let text = '';
  for (let offset = 0; ; ) {
    const answer = await client.call('gateway_get_result', { ref, ...request, offset });
    const [block] = contentOf(resultOf(answer));
    // A picture comes back as what it is.
    if (!isRecord(block) || block['type'] !== 'text' || resultOf(answer)['isError'] === true) return block;
    const view = jsonOf(answer);
    const { kind, data, nextOffset, tooLarge } = view;
    if (kind === undefined) return block;
    if (kind === 'value') return data;
    const path = isRecord(tooLarge) ? String(tooLarge['path']) : undefined;
    const large = path === undefined ? undefined : await readBack(client, ref, { ...request, path });
    if (kind === 'string') text += String(data);
    else if (Array.isArray(data)) array.push(...data, ...(path === undefined ? [] : [large]));
    else {
      entries.push(...Object.entries(isRecord(data) ? data : {}));
      const key = /\[("(?:[^"\\]|\\.)*")\]$/.exec(path ?? '')?.[1];
      if (key) entries.push([String(JSON.parse(key)), large]);
    }
    if (typeof nextOffset !== 'number') {
      return kind === 'string' ? text : kind === 'array' ? array : Object.fromEntries(entries);
    }
    offset = nextOffset;
  }
}

export function contentOf(result: Message): unknown[] {
  return Array.isArray(result['content']) ? result['content'] : [];
}
