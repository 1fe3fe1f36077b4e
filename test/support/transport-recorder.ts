// Collects what a transport hands out, and asks in JSON-RPC, for tests of transports without a relay around them.
import type { OversizeLine } from '../../src/base/line-splitter.ts';
import type { Transport, TransportEvents, TransportExit } from '../../src/upstream/transports/transport.ts';
import { eventually } from './eventually.ts';

export type Message = Record<string, unknown>;
export type Recorded = { message: Message; stream: string | undefined };

export class TransportRecorder {
  readonly received: Recorded[] = [];
  readonly garbage: string[] = [];
  /** Lines that opened like a message and were none. */
  readonly invalid: string[] = [];
  readonly oversize: OversizeLine[] = [];
  readonly exits: TransportExit[] = [];
  stderr = '';
  stderrBytes = 0;
  /** What came after the exit was told: must stay 0. */
  afterExit = 0;
  #nextId = 1;

  readonly events: TransportEvents = {
    onMessage: (line, stream) => {
      this.#note();
      try {
        this.received.push({ message: JSON.parse(line.toString('utf8')), stream });
      } catch {
        this.invalid.push(line.toString('utf8')); // finding that out is the receiver's part
      }
    },
    onGarbage: (what) => {
      this.#note();
      this.garbage.push(what);
    },
    onOversize: (line) => {
      this.#note();
      this.oversize.push(line);
    },
    onStderr: (chunk) => {
      this.stderrBytes += chunk.length;
      this.stderr = (this.stderr + chunk.toString('utf8')).slice(-10_000);
    },
    onExit: (exit) => this.exits.push(exit),
  };

  /** Sends a request and resolves with its reply. */
  async ask(transport: Transport, method: string, params: Message = {}): Promise<Message> {
    const id = this.#nextId++;
    await transport.send(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params })), String(id));
    return this.reply(id);
  }

  async tell(transport: Transport, method: string, params: Message = {}): Promise<void> {
    await transport.send(Buffer.from(JSON.stringify({ jsonrpc: '2.0', method, params })));
  }

  reply(id: number, timeoutMs = 10_000): Promise<Message> {
    return eventually(
      () => this.received.find(({ message }) => message['id'] === id && !('method' in message))?.message,
      { timeoutMs, what: `the reply to ${id}`, intervalMs: 5 },
    );
  }

  notification(method: string, timeoutMs = 10_000): Promise<Message> {
    return eventually(() => this.received.find(({ message }) => message['method'] === method)?.message, {
      timeoutMs,
      what: method,
      intervalMs: 5,
    });
  }

  exit(timeoutMs = 10_000): Promise<TransportExit> {
    return eventually(() => this.exits[0], { timeoutMs, what: 'the exit', intervalMs: 5 });
  }

  /** Initialize and a first text from a tool, as most tests begin. */
  async open(transport: Transport): Promise<Message> {
    const protocolVersion = '2025-11-25';
    const answer = await this.ask(transport, 'initialize', {
      protocolVersion,
      capabilities: {},
      clientInfo: { name: 'recorder', version: '0' },
    });
    transport.setProtocolVersion?.(protocolVersion);
    await this.tell(transport, 'notifications/initialized');
    return answer;
  }

  /** The text of a tool's result. */
  async call(transport: Transport, name: string, args: Message = {}): Promise<string> {
    return textOf(await this.ask(transport, 'tools/call', { name, arguments: args }));
  }

  #note(): void {
    if (this.exits.length > 0) this.afterExit += 1;
  }
}

export function textOf(reply: Message): string {
  const result: unknown = reply['result'];
  if (typeof result !== 'object' || result === null || !('content' in result) || !Array.isArray(result.content)) {
    throw new Error(`no tool result: ${JSON.stringify(reply).slice(0, 500)}`);
  }
  const [first]: unknown[] = result.content;
  if (typeof first !== 'object' || first === null || !('text' in first)) throw new Error('no text in the result');
  return String(first.text);
}
