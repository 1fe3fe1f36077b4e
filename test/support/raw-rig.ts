// The built daemon on the Node that runs the tests, with the echo server behind `/mcp/echo`, for tests that read bytes.
import { readFileSync } from 'node:fs';
import { DaemonRig, fixture } from './daemon-rig.ts';
import type { McpClient } from './mcp-client.ts';
import { type Message, messagesOf, RawConnection } from './raw-connection.ts';
import { bothAccepted, initialize, type LegacySpeaker, legacySpeaker, type SpeakerOptions } from './raw-speakers.ts';
import type { StrictResponse } from './strict-http.ts';

export class RawRig {
  readonly rig = new DaemonRig({ MCPPROXY_PORT: '0' });
  #session: McpClient | undefined;
  readonly #connections: RawConnection[] = [];
  #port = 0;
  #token = '';

  constructor() {
    this.rig.writeConfig({ echo: fixture('echo.mjs') });
  }

  get session(): McpClient {
    if (!this.#session) throw new Error('start() comes first');
    return this.#session;
  }

  async start(): Promise<void> {
    this.#session = await this.rig.open();
    const { daemon } = await this.rig.statusUntil((status) => status.daemon.port !== undefined, 'a port');
    this.#port = daemon.port ?? 0;
    this.#token = readFileSync(this.rig.locations.tokenPath, 'utf8').trim();
  }

  /** Who speaks to the echo server, and what it takes. */
  options(accept: string = bothAccepted): SpeakerOptions {
    return { path: '/mcp/echo', token: this.#token, accept };
  }

  open(): RawConnection {
    const connection = new RawConnection(this.#port);
    this.#connections.push(connection);
    return connection;
  }

  /** A session of the older family, introduced on this connection. */
  async begin(connection: RawConnection, version: string, accept?: string): Promise<LegacySpeaker> {
    const options = this.options(accept);
    const opened = await connection.ask(initialize(options, version));
    const answer = JSON.stringify(answerIn(opened, 0));
    if (!answer.includes(`"protocolVersion":"${version}"`)) throw new Error(`not introduced: ${answer}`);
    const speaker = legacySpeaker(options, { id: opened.headers['mcp-session-id'] ?? '', version });
    const { status, parts } = await connection.ask(
      speaker.other('POST', { jsonrpc: '2.0', method: 'notifications/initialized' }),
    );
    if (status !== 202 || parts.length > 0) throw new Error(`notifications/initialized was answered with ${status}`);
    return speaker;
  }

  async dispose(): Promise<void> {
    for (const connection of this.#connections) connection.kill();
    await this.rig.dispose();
  }
}

export const call = (name: string, args: Message = {}): Message => ({ name, arguments: args });

/** A call whose result is this text. */
export const say = (text: string): Message => call('raw', { result: { content: [{ type: 'text', text }] } });

/** The one answer to that request in it. */
export function answerIn(response: StrictResponse, id: number): Message {
  const [answer, ...others] = messagesOf(response).filter((message) => message['id'] === id);
  if (!answer || others.length > 0) throw new Error(`${others.length + (answer ? 1 : 0)} answers to ${id}`);
  return answer;
}
