// A host with a person at it: answers what servers ask, and logs in where the daemon says that a login is needed, in an
// answer or in `status`.
import { get } from 'node:http';
import { isRecord } from '../../../src/base/guards.ts';
import type { DaemonRig } from '../../support/daemon-rig.ts';
import { eventually } from '../../support/eventually.ts';
import type { McpClient, Message } from '../../support/mcp-client.ts';

export class McpHost {
  readonly #client: McpClient;
  readonly #rig: DaemonRig;
  readonly #patience: number;
  readonly #answered = new Set<Message>();
  #logins = 0;

  /** `patience`: how often the person logs in for one thing before it is given up. */
  constructor(client: McpClient, rig: DaemonRig, patience: number) {
    this.#patience = patience;
    this.#client = client;
    this.#rig = rig;
    client.child.stdout?.on('data', () => this.#answerQuestions());
  }

  async request(method: string, params: Message = {}): Promise<Message> {
    for (let logins = 0; ; logins += 1) {
      const answer = await this.#client.request(method, params, 60_000);
      const address = loginAddressIn(answer);
      if (address === undefined || logins === this.#patience) return answer;
      await this.#logIn(address);
    }
  }

  call(name: string, args: Message = {}): Promise<Message> {
    return this.request('tools/call', { name, arguments: args });
  }

  async tools(): Promise<Message[]> {
    for (let logins = 0; ; logins += 1) {
      const tools = await this.#list();
      const address = tools.length > 0 ? undefined : await this.#loginInStatus();
      if (address === undefined || logins === this.#patience) return tools;
      await this.#logIn(address);
    }
  }

  async #list(): Promise<Message[]> {
    const answer = await this.request('tools/list');
    const tools = isRecord(answer['result']) ? answer['result']['tools'] : undefined;
    if (!Array.isArray(tools)) throw new Error(`no list: ${JSON.stringify(answer)}`);
    return tools.filter(isRecord);
  }

  /** What a person sees who wonders why there are no tools. */
  async #loginInStatus(): Promise<string | undefined> {
    return loginAddressIn((await this.#rig.cli(['status'])).stdout);
  }

  /** Until the daemon has dealt with what the browser brought: tools arrive, or the login is no longer waited for. */
  async #logIn(address: string): Promise<void> {
    await browse(address);
    const event = ['oauth.logged-in', 'oauth.login-failed'];
    const ended = () => this.#rig.log().filter((line) => event.includes(line.event)).length;
    this.#logins += 1;
    await eventually(() => ended() >= this.#logins, { what: 'the end of the login' });
  }

  #answerQuestions(): void {
    for (const message of this.#client.messages) {
      const { id, method } = message;
      if (id === undefined || typeof method !== 'string' || this.#answered.has(message)) continue;
      this.#answered.add(message);
      this.#client.send({ jsonrpc: '2.0', id, result: answerTo(method, message['params']) });
    }
  }
}

function answerTo(method: string, params: unknown): Message {
  if (method === 'roots/list') return { roots: [] };
  if (method === 'sampling/createMessage') {
    return { role: 'assistant', content: { type: 'text', text: 'sampled' }, model: 'scripted', stopReason: 'endTurn' };
  }
  const schema = isRecord(params) && isRecord(params['requestedSchema']) ? params['requestedSchema'] : {};
  const fields = isRecord(schema['properties']) ? Object.entries(schema['properties']) : [];
  // A form as a person leaves it who changes nothing: defaults stay, and a box without one gets its tick.
  const content = fields.flatMap(([name, field]) => {
    if (!isRecord(field)) return [];
    if ('default' in field) return [[name, field['default']]];
    return field['type'] === 'boolean' ? [[name, true]] : [];
  });
  return { action: 'accept', content: Object.fromEntries(content) };
}

/** In an error's data, or in the text that a model is shown. */
function loginAddressIn(said: unknown): string | undefined {
  return /https?:\/\/[^\s"\\]+[?&]code_challenge=[^\s"\\]+/.exec(JSON.stringify(said))?.[0];
}

/** What a browser does with the address: the login page of a scenario sends it straight back to this machine. */
async function browse(address: string): Promise<void> {
  for (let next: string | undefined = address; next !== undefined; ) next = await visit(new URL(next));
}

function visit(url: URL): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      response.resume();
      response.on('end', () => {
        const { location } = response.headers;
        resolve(location === undefined ? undefined : new URL(location, url).href);
      });
    }).on('error', reject);
  });
}
