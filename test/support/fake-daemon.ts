// A daemon's outside without its inside: real process, real socket, answers that a test asks for by the tool's name.
// Bundled by wrapper-rig.ts as the dist/daemon.cjs that the wrapper starts. Everything it hears goes to a log.
import { appendFileSync, existsSync, unlinkSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { isRecord } from '../../src/base/guards.ts';
import { findMember, objectMembers, textAt } from '../../src/base/json-scan.ts';
import { LineSplitter } from '../../src/base/line-splitter.ts';
import { processStartTime } from '../../src/base/process-identity.ts';
import { claimLocations } from '../../src/daemon-client/claim.ts';
import { ownBuild, protocolMajor } from '../../src/link/build.ts';
import { eventually } from './eventually.ts';

/** `readyAfter`: a file, which a test writes when the daemon may begin. */
type Behaviour = { wants?: string[]; readyAfter?: string; refuse?: string; dieWith?: string; silentHello?: boolean };

const behaviour: Behaviour = JSON.parse(process.env['MCPPROXY_FAKE'] ?? '{}');
const name = process.argv[process.argv.indexOf('--name') + 1] ?? 'mcp-user';
const locations = claimLocations(process.env, name);
const nonce = `${process.pid}x${Date.now().toString(36)}`;
const log = (entry: Record<string, unknown>) =>
  appendFileSync(join(locations.root, 'fake-daemon.log'), `${JSON.stringify({ pid: process.pid, nonce, ...entry })}\n`);
const announce = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

log({ event: 'spawn' });
if (behaviour.dieWith) {
  process.stderr.write(`${behaviour.dieWith}\n`, () => process.exit(3));
} else if (behaviour.readyAfter === undefined) start();
else whenThere(behaviour.readyAfter, start);

/** As long as a test may last: one that was killed never writes its file, and nobody else ends this process then. */
function whenThere(file: string, act: () => void): void {
  const options = { timeoutMs: 180_000, what: file, intervalMs: 20 };
  void eventually(() => existsSync(file), options).then(act, () => process.exit(1));
}

let connections = 0;
let idle: NodeJS.Timeout | undefined;
/** A test that fails half-way must not leave a process for good. */
const endWhenIdle = () => {
  clearTimeout(idle);
  idle = setTimeout(() => connections === 0 && process.exit(0), 60_000);
};

function start(): void {
  const trial = createConnection(locations.socketPath);
  trial.on('connect', () => {
    announce({ ready: false, reason: 'already-running' });
    trial.destroy();
  });
  trial.on('error', () => {
    try {
      unlinkSync(locations.socketPath);
    } catch {
      // nothing stood there
    }
    const server = createServer(serve);
    server.listen(locations.socketPath, () => {
      log({ event: 'start', argv: process.argv.slice(2), env: Object.keys(process.env) });
      announce({ ready: true, pid: process.pid, socket: locations.socketPath });
      endWhenIdle();
    });
  });
}

function serve(socket: Socket): void {
  connections += 1;
  socket.on('close', () => {
    connections -= 1;
    endWhenIdle();
  });
  socket.on('error', () => {});
  const send = (line: string) => socket.write(`${line}\n`);
  const waiting = new Map<string, (message: Record<string, unknown>) => void>();
  let asked = 0;

  const call = (id: string, params: Record<string, unknown>) => {
    const args = isRecord(params['arguments']) ? params['arguments'] : {};
    const answer = (text: string) => send(`{"jsonrpc":"2.0","id":${id},"result":${text}}`);
    const say = (text: string) => answer(JSON.stringify({ content: [{ type: 'text', text }] }));
    switch (params['name']) {
      case 'hang':
        return;
      case 'crash':
        return void process.kill(process.pid, 'SIGKILL');
      case 'twice':
        say('first');
        return say('second');
      case 'big':
        return say('x'.repeat(Number(args['bytes'])));
      case 'close':
        return void socket.end();
      case 'raw':
        return void send(String(args['line']));
      case 'want':
        waiting.set('aitkit/env', (message) => say(JSON.stringify(message['params'])));
        return void send(JSON.stringify({ jsonrpc: '2.0', method: 'aitkit/want', params: { names: args['names'] } }));
      case 'drain':
        waiting.set('aitkit/drained', () => {
          say('drained');
          socket.end(() => process.exit(0));
        });
        return void send(JSON.stringify({ jsonrpc: '2.0', method: 'aitkit/drain', params: args }));
      case 'ask': {
        asked += 1;
        const askId = `d${nonce}-${asked}`;
        waiting.set(askId, (message) => say(JSON.stringify(message['result'])));
        return void send(JSON.stringify({ jsonrpc: '2.0', id: askId, method: 'elicitation/create', params: {} }));
      }
      case 'stop-reading':
        socket.pause();
        return whenThere(String(args['until']), () => socket.resume());
      default:
        return say(JSON.stringify(args));
    }
  };

  const onLine = (line: Buffer) => {
    const message: unknown = JSON.parse(line.toString('utf8'));
    if (!isRecord(message)) return;
    log({ event: 'line', line: line.length > 10_000 ? `${line.length} bytes` : line.toString('utf8') });
    const method = String(message['method']);
    const idSpan = findMember(objectMembers(line), 'id');
    const id = idSpan ? textAt(line, idSpan) : 'null';
    const params = isRecord(message['params']) ? message['params'] : {};
    const waiter = waiting.get(message['method'] === undefined ? String(message['id']) : method);
    if (waiter) return waiter(message);
    const answer = (result: unknown) => send(`{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(result)}}`);
    switch (method) {
      case 'aitkit/hello':
        return hello(answer);
      case 'initialize':
        return answer({
          protocolVersion: params['protocolVersion'] ?? '2025-11-25',
          capabilities: { tools: { listChanged: true } },
          serverInfo: { name: 'fake-daemon', version: '1' },
        });
      case 'tools/list':
        send(JSON.stringify({ jsonrpc: '2.0', method: 'aitkit/served', params: { list: 'tools', etag: 'etag-live' } }));
        return answer({ tools: [{ name: 'echo', inputSchema: { type: 'object' } }] });
      case 'tools/call':
        return call(id, params);
      default:
        if (idSpan && message['method'] !== undefined) answer({});
    }
  };
  const hello = (answer: (result: unknown) => void) => {
    if (behaviour.silentHello) return;
    if (behaviour.refuse) {
      const error = { code: -32000, message: behaviour.refuse, data: { code: 'SETTINGS_DIFFER', hint: 'Unset it.' } };
      socket.end(`${JSON.stringify({ jsonrpc: '2.0', id: 'hello', error })}\n`);
      return;
    }
    const daemon = { pid: process.pid, startTime: processStartTime(process.pid) ?? '' };
    const wants = behaviour.wants ?? [];
    answer({ protocol: protocolMajor, build: ownBuild, daemon, nonce, sessionId: 's1', wants });
  };
  const splitter = new LineSplitter({
    maxLineBytes: 80 * 1024 * 1024,
    onLine,
    onOversize: ({ bytes }) => log({ event: 'oversize', bytes }),
  });
  socket.on('data', (chunk: Buffer) => splitter.push(chunk));
}
