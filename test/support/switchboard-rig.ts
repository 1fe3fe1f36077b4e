// The middle of the daemon in the test's own process: real router and supervisor, a config of the test's, and servers that
// are a function. No process, no socket.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Log, silentLog } from '../../src/base/log.ts';
import { createRedactor } from '../../src/base/redact.ts';
import { Switchboard } from '../../src/daemon/switchboard.ts';
import { type Environment, type Locations, locate } from '../../src/link/locations.ts';
import { Session, type SessionIdentity } from '../../src/sessions/session.ts';
import type { Opener, OpenerRequest } from '../../src/upstream/reach.ts';

/** Names its tools, and answers calls of them; `undefined` leaves the caller waiting. */
export type ScriptedTools = {
  tools: string[];
  /** Called when its list is asked for, which then comes once this has resolved. */
  beforeList?: () => Promise<void>;
  call?: (tool: string, args: unknown) => object | undefined;
};

export class SwitchboardRig {
  readonly home = realpathSync(mkdtempSync(join(tmpdir(), 'relay-')));
  readonly env: Environment;
  readonly locations: Locations;
  /** By name of the server. */
  readonly servers = new Map<string, ScriptedTools>();
  /** Each connection to a server, in order. */
  readonly opened: string[] = [];
  readonly #relays: Switchboard[] = [];

  /** `isOnPort`: the daemon's port is that of the config. */
  constructor({ isOnPort = false }: { isOnPort?: boolean } = {}) {
    this.env = { HOME: this.home, PATH: '/bin', ...(isOnPort ? {} : { MCPPROXY_PORT: 'off' }) };
    this.locations = locate(this.env);
    for (const folder of [this.locations.runDir, this.locations.dataDir])
      mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  config(config: Record<string, unknown>): void {
    this.write(this.locations.configPath, JSON.stringify(config));
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, text, { mode: 0o600 });
  }

  switchboard({ isAlone = false, log = silentLog }: { isAlone?: boolean; log?: Log } = {}): Switchboard {
    const { env, locations, createOpener } = this;
    const switchboard = new Switchboard({
      ...{ env, locations, isAlone, log, createOpener, now: Date.now },
      redactor: createRedactor(),
      beforeRequest: () => {},
    });
    this.#relays.push(switchboard);
    return switchboard;
  }

  async close(): Promise<void> {
    for (const switchboard of this.#relays) {
      await switchboard.servers.supervisor.close('the test is over');
      switchboard.faces.flush();
      switchboard.router.modes.close();
      await switchboard.servers.close();
    }
    rmSync(this.home, { recursive: true, force: true });
  }

  readonly createOpener = ({ entry }: OpenerRequest): Opener => ({
    isPerSession: false,
    isLocal: true,
    pid: () => undefined,
    describe: () => ({ environment: [] }),
    open: (events) => {
      const script = this.servers.get(entry.name);
      if (!script) return Promise.reject(new Error(`${entry.name} does not start`));
      this.opened.push(entry.name);
      const say = (message: object) => events.onMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message })));
      return Promise.resolve({
        send: async (line) => {
          const { id, method, params } = JSON.parse(line.toString('utf8'));
          const reply = id === undefined ? undefined : answer(script, method, params);
          if (!reply) return;
          const before = method === 'tools/list' ? script.beforeList?.() : undefined;
          void Promise.resolve(before).then(() => say({ id, ...reply }));
        },
        close: async () => events.onExit({ reason: 'closed' }),
        pause: () => {},
        resume: () => {},
      });
    },
  });
}

function answer(
  { tools, call }: ScriptedTools,
  method: string,
  params: { name: string; arguments: unknown },
): object | undefined {
  switch (method) {
    case 'initialize': {
      const serverInfo = { name: 'scripted', version: '1' };
      return { result: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo } };
    }
    case 'tools/list':
      return { result: { tools: tools.map((name) => ({ name, inputSchema: { type: 'object' } })) } };
    case 'tools/call':
      return call?.(params.name, params.arguments);
    default:
      return { result: {} };
  }
}

/** A session with what it was sent, one message an entry. */
export function openSession(more: Partial<SessionIdentity> = {}): {
  session: Session;
  sent: { method?: string; params?: unknown }[];
  closed: string[];
} {
  const self = { pid: process.pid, startTime: '1' };
  const sent: { method?: string; params?: unknown }[] = [];
  const closed: string[] = [];
  const session = new Session({
    identity: {
      ...{ id: `s${Math.random()}`, lifeId: `scope-${Math.random()}`, host: self, wrapper: self },
      ...{ projectDir: '', folder: '', projectRoot: '', ...more },
    },
    sink: {
      send: (line) => void sent.push(JSON.parse(line.toString('utf8'))),
      bufferedBytes: 0,
      close: (why) => void closed.push(why),
    },
    ...{ baseline: {}, served: {}, idPrefix: 't', wants: [], now: Date.now, maxBufferedBytes: 1_000 },
  });
  return { session, sent, closed };
}
