// A server in the test's own process that answers for its tools as it is told: for what comes of good, broken and missing
// answers in any order.
import type { Opener } from '../../src/upstream/reach.ts';
import type { TransportEvents } from '../../src/upstream/transports/transport.ts';

/** `good` and `circles` give the whole list of that number; the others give none. */
export type Behaviour =
  | { kind: 'good' | 'circles' | 'breaks-off'; list: number }
  | { kind: 'error'; code: number }
  | { kind: 'without' | 'null' | 'no-array' | 'no-message' | 'silent' | 'dies' | 'error-null' };

/** Of list 0 none, of the others two more than their number. */
export function toolsOf(list: number): string[] {
  return list === 0 ? [] : Array.from({ length: list + 2 }, (_, i) => `tool_${list}_${i}`);
}

const pageSize = 2;

export class ScriptedServer {
  behaviour: Behaviour = { kind: 'good', list: 0 };
  /** Names in the last answer that was whole. */
  lastGood: readonly string[] | undefined;
  questions = 0;
  /** Most questions for the tools that were open at the same time. */
  mostOpen = 0;
  #open = 0;
  #events: TransportEvents | undefined;

  readonly opener: Opener = {
    isPerSession: false,
    isLocal: true,
    pid: () => undefined,
    describe: () => ({ environment: [] }),
    open: (events) => {
      this.#events = events;
      this.#open = 0;
      const end = () => this.#end({ reason: 'closed' });
      return Promise.resolve({
        send: (line) => Promise.resolve(this.#take(JSON.parse(line.toString()))),
        close: () => Promise.resolve(end()),
        pause: () => {},
        resume: () => {},
      });
    },
  };

  announce(): void {
    this.#say({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
  }

  #end(exit: Parameters<TransportEvents['onExit']>[0]): void {
    const events = this.#events;
    this.#events = undefined;
    events?.onExit(exit);
  }

  #say(message: unknown): void {
    this.#events?.onMessage(Buffer.from(JSON.stringify(message)));
  }

  #take({
    id,
    method,
    params,
  }: {
    id?: number;
    method: string;
    params?: { cursor?: string; requestId?: number };
  }): void {
    if (method === 'notifications/cancelled') this.#open -= 1;
    if (id === undefined) return;
    const result = (value: unknown) => this.#say({ jsonrpc: '2.0', id, result: value });
    if (method === 'initialize') {
      const serverInfo = { name: 'scripted', version: '1' };
      const introduction = { protocolVersion: '2025-06-18', capabilities: { tools: {}, prompts: {} }, serverInfo };
      return queueMicrotask(() => result(introduction));
    }
    if (method === 'prompts/list') return queueMicrotask(() => result({ prompts: [{ name: 'always' }] }));
    if (method !== 'tools/list') return queueMicrotask(() => result({}));
    if (params?.cursor === undefined) this.questions += 1;
    this.#open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.#open);
    const { behaviour } = this;
    queueMicrotask(() => {
      if (behaviour.kind === 'silent') return;
      this.#open -= 1;
      this.#answer(id, behaviour, params?.cursor);
    });
  }

  #answer(id: number, behaviour: Behaviour, cursor: string | undefined): void {
    const result = (value: unknown) => this.#say({ jsonrpc: '2.0', id, result: value });
    const error = (code: number) => this.#say({ jsonrpc: '2.0', id, error: { code, message: 'refused' } });
    switch (behaviour.kind) {
      case 'good':
      case 'circles':
      case 'breaks-off':
        return this.#page(id, behaviour, Number(cursor ?? 0));
      case 'error':
        return error(behaviour.code);
      case 'without':
        return result({});
      case 'null':
        return result({ tools: null });
      case 'no-array':
        return result({ tools: { name: 'one' } });
      case 'error-null':
        return this.#say({ jsonrpc: '2.0', id, result: null, error: { code: -32000, message: 'refused' } });
      case 'no-message':
        return this.#say({ id, result: { tools: [] } });
      case 'dies':
        return this.#end({ reason: 'exited', code: 1, signal: null });
    }
  }

  #page(id: number, { kind, list }: Extract<Behaviour, { list: number }>, from: number): void {
    const names = toolsOf(list);
    const isLast = from + pageSize >= names.length;
    if (kind === 'breaks-off' && (isLast || from > 0)) {
      return this.#say({ jsonrpc: '2.0', id, error: { code: -32603, message: 'refused' } });
    }
    // In circles each page has one of the page before as well, and the last leads back to the first.
    const begin = kind === 'circles' ? Math.max(0, from - 1) : from;
    const tools = names.slice(begin, from + pageSize).map((name) => ({ name, inputSchema: { type: 'object' } }));
    const next = isLast ? (kind === 'circles' && from > 0 ? '2' : undefined) : String(from + pageSize);
    if (isLast) this.lastGood = names;
    this.#say({ jsonrpc: '2.0', id, result: { tools, ...(next === undefined ? {} : { nextCursor: next }) } });
  }
}
