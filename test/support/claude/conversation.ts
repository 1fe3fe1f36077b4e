// What the stand-in model says, and what the client's requests tell about a conversation.
import { isRecord } from '../../../src/base/guards.ts';
import { betweenLooks } from '../eventually.ts';

export type ToolCall = { tool: string; input?: Record<string, unknown> };

/**
 * One assistant turn. It is held back until `after` settles: how a test keeps a session open at a known point. Calls may
 * depend on the tools that the client has.
 */
export type Turn = {
  text?: string;
  calls?: readonly ToolCall[] | ((toolNames: string[]) => readonly ToolCall[]);
  after?: Promise<unknown> | (() => Promise<unknown>);
};

const look: ToolCall = { tool: 'Glob', input: { pattern: 'nothing-of-that-name' } };

/** A turn without effect: the request after it carries the tools that came up to `after`. */
export function lookAround(after: Promise<unknown>): Turn {
  return { after, calls: [look] };
}

/** As many requests as a slow server may need on a busy machine; only with one the client says which tools it has by then. */
const mostLooks = 300;
const lookAgainMs = 500;

/** These calls one by one, once the client has all tools that `isReady` asks for; then the session stays until `held`. */
export function turnsOnceReady(
  isReady: (toolNames: string[]) => boolean,
  calls: readonly ToolCall[],
  held?: Promise<unknown>,
): Turn[] {
  const left = [...calls];
  let hasAll = false;
  const again = async () => {
    if (!hasAll) await betweenLooks(lookAgainMs);
    else if (left.length === 0) await held;
  };
  return Array.from({ length: mostLooks }, (_, i) => ({
    ...(i === 0 ? {} : { after: again }),
    calls: (toolNames) => {
      hasAll ||= isReady(toolNames);
      if (!hasAll) return [look];
      const next = left.shift();
      return next ? [next] : [];
    },
  }));
}

export type ToolResult = { text: string; isError: boolean };

export type Message = { role: string; blocks: Record<string, unknown>[] };

export type ApiRequest = { path: string; body: Record<string, unknown> };

/** Put into a prompt, it ties the session to the turns that the test wrote. */
export function mark(name: string): string {
  return `[[talk:${name}]]`;
}

export function messagesOf(request: ApiRequest): Message[] {
  const messages = Array.isArray(request.body['messages']) ? request.body['messages'] : [];
  return messages.filter(isRecord).map((message) => ({ role: String(message['role']), blocks: blocks(message) }));
}

function blocks(message: Record<string, unknown>): Record<string, unknown>[] {
  const { content } = message;
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return Array.isArray(content) ? content.filter(isRecord) : [];
}

/** What the user's side says in it: prompts, reminders, and the bodies of slash commands. */
export function textsOf(request: ApiRequest): string[] {
  const blocks = messagesOf(request).flatMap((message) => (message.role === 'user' ? message.blocks : []));
  return blocks.map((block) => String(block['text'] ?? ''));
}

/** The conversation that the newest marked prompt belongs to, and how many turns it has had. */
export function placeOf(request: ApiRequest): { name: string; turn: number; messages: Message[] } | undefined {
  const messages = messagesOf(request);
  for (let at = messages.length - 1; at >= 0; at -= 1) {
    const message = messages[at];
    const name = message?.role === 'user' ? markedName(message.blocks) : undefined;
    if (name === undefined) continue;
    const since = messages.slice(at);
    return { name, turn: since.filter(({ role }) => role === 'assistant').length, messages: since };
  }
  return undefined;
}

function markedName(content: Record<string, unknown>[]): string | undefined {
  const text = content.map((block) => (typeof block['text'] === 'string' ? block['text'] : '')).join('\n');
  return [...text.matchAll(/\[\[talk:([\w-]+)\]\]/g)].at(-1)?.[1];
}

/** Results of the tool calls since the newest marked prompt, in order. */
export function toolResultsOf(request: ApiRequest): ToolResult[] {
  return (placeOf(request)?.messages ?? [])
    .flatMap((message) => message.blocks)
    .filter((block) => block['type'] === 'tool_result')
    .map((block) => ({ text: resultText(block['content']), isError: block['is_error'] === true }));
}

function resultText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part) => (isRecord(part) && typeof part['text'] === 'string' ? part['text'] : '')).join('\n');
}

/** Tools with their definition, and those that a client with tool search only names in a text. */
export function toolNamesOf(request: ApiRequest): string[] {
  const named = JSON.stringify([request.body['messages'], request.body['system']]);
  // In JSON a name at a line's start has the n of an escaped line break before it.
  const deferred = named.replaceAll('\\n', ' ').match(/\bmcp__[A-Za-z0-9_-]+/g) ?? [];
  return [...new Set([...definedTools(request), ...deferred])].sort();
}

export function definedTools(request: ApiRequest): string[] {
  const tools = Array.isArray(request.body['tools']) ? request.body['tools'] : [];
  return tools.flatMap((tool) => (isRecord(tool) && typeof tool['name'] === 'string' ? [tool['name']] : []));
}

/** Names that the real API refuses, wherever it reads one. */
export function tooLongNames(request: ApiRequest): string[] {
  const used = messagesOf(request).flatMap((message) => message.blocks.flatMap(namesIn));
  return [...definedTools(request), ...used].filter((name) => name.length > 64);
}

function namesIn(block: Record<string, unknown>): string[] {
  if (block['type'] === 'tool_use' && typeof block['name'] === 'string') return [block['name']];
  const parts = Array.isArray(block['content']) ? block['content'].filter(isRecord) : [];
  return parts.flatMap((part) => (typeof part['tool_name'] === 'string' ? [part['tool_name']] : []));
}
