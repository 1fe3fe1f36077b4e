// A host as Claude Code is one: what it declares, what it answers when it is asked, and what it saw in bytes.
import type { ChildProcess } from 'node:child_process';
import type { McpClient, Message } from '../support/mcp-client.ts';
import { itemsOf, lineWithId, memberOf, parseExact, textOf, type Value } from './exact-text.ts';
import type { ToolCall } from './server-row.ts';

export const listNames = ['tools', 'prompts', 'resources', 'templates'] as const;
export type ListName = (typeof listNames)[number];
const lists: Record<ListName, { method: string; member: string; capability: string }> = {
  tools: { method: 'tools/list', member: 'tools', capability: 'tools' },
  prompts: { method: 'prompts/list', member: 'prompts', capability: 'prompts' },
  resources: { method: 'resources/list', member: 'resources', capability: 'resources' },
  templates: { method: 'resources/templates/list', member: 'resourceTemplates', capability: 'resources' },
};

/** What came back: a list's entries or one result, or the error in its place. */
export type Answer = { items: Value[]; error?: Value };

/** Longer than a server of the fleet takes to start on a loaded machine. */
const answerMs = 120_000;
const maxPages = 50;

export class Host {
  readonly client: McpClient;
  readonly #folder: string;
  readonly #stopAnswering: () => void;
  #asked = 0;
  #heard = 0;

  constructor(client: McpClient, folder: string) {
    this.client = client;
    this.#folder = folder;
    this.#stopAnswering = client.watch(() => this.#answerQuestions());
  }

  get child(): ChildProcess {
    return this.client.child;
  }

  async initialize(): Promise<Value> {
    const answer = await this.ask('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: { roots: {}, elicitation: {} },
      clientInfo: { name: 'fleet', version: '1' },
    });
    this.client.notify('notifications/initialized');
    return answer;
  }

  /** The whole answer. */
  async ask(method: string, params: Message = {}, timeoutMs = answerMs): Promise<Value> {
    this.#asked += 1;
    const id = `f${this.#asked}`;
    this.client.send({ jsonrpc: '2.0', id, method, params });
    await Promise.race([
      this.client.answer(id, timeoutMs).catch(() => {
        throw new Error(`no answer to ${method} within ${timeoutMs / 1_000} s`);
      }),
      this.client.exited.then(({ code, signal }) => {
        throw new Error(`it ended with ${signal ?? code}: ${lastWords(this.client.stderr)}`);
      }),
    ]);
    return parseExact(lineWithId(this.client.lines, id));
  }

  async list(name: ListName): Promise<Answer> {
    const { method, member } = lists[name];
    const items: Value[] = [];
    let cursor = '';
    for (let page = 0; page < maxPages; page += 1) {
      const answer = await this.ask(method, cursor === '' ? {} : { cursor });
      const error = memberOf(answer, 'error');
      if (error) return { items, error };
      items.push(...itemsOf(memberOf(answer, 'result', member)));
      cursor = textOf(memberOf(answer, 'result', 'nextCursor'));
      if (cursor === '') break;
    }
    return { items };
  }

  async call([name, args]: ToolCall): Promise<Answer> {
    const answer = await this.ask('tools/call', { name, arguments: args });
    const result = memberOf(answer, 'result');
    const error = memberOf(answer, 'error');
    return { items: result ? [result] : [], ...(error ? { error } : {}) };
  }

  /** No more input, then the end of the process, or not within `withinMs`. */
  async close(withinMs: number): Promise<boolean> {
    this.#stopAnswering();
    this.client.child.stdin?.end();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), withinMs);
    });
    const hasEnded = await Promise.race([this.client.exited.then(() => true), late]);
    clearTimeout(timer);
    return hasEnded;
  }

  #answerQuestions(): void {
    for (const { id, method } of this.client.messages.slice(this.#heard)) {
      if (id === undefined || method === undefined) continue;
      const folder = { uri: `file://${this.#folder}`, name: 'project' };
      const results: Record<string, Message> = {
        ping: {},
        'roots/list': { roots: [folder] },
        'elicitation/create': { action: 'cancel' },
      };
      const result = results[String(method)];
      const answer = result ? { result } : { error: { code: -32601, message: 'Method not found' } };
      this.client.send({ jsonrpc: '2.0', id, ...answer });
    }
    this.#heard = this.client.messages.length;
  }
}

/** A host asks only for what was declared. */
export function declaredLists(initialized: Value): ListName[] {
  const capabilities = memberOf(initialized, 'result', 'capabilities');
  return listNames.filter((name) => memberOf(capabilities, lists[name].capability) !== undefined);
}

export function lastWords(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => !line.startsWith('at '));
  const telling = lines.findLast((line) => /error|cannot|not found|must|required|missing/i.test(line));
  return (telling ?? lines.findLast(Boolean) ?? 'without a word').slice(0, 200);
}
