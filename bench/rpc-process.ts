// A JSON-RPC program on pipes, driven without any SDK, so that what is timed is the program.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';

export type RpcProcess = {
  pid: number;
  /** performance.now() at the spawn. */
  startedAt: number;
  call: (method: string, params?: unknown) => Promise<unknown>;
  notify: (method: string, params?: unknown) => void;
  close: () => Promise<void>;
};

export type Command = { command: string; args: string[]; env?: Record<string, string>; cwd?: string };

export function startRpc({ command, args, env = {}, cwd }: Command): RpcProcess {
  const startedAt = performance.now();
  const child: ChildProcessWithoutNullStreams = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stderr.resume();
  const waiting = new Map<number, (message: { result?: unknown; error?: { message: string } }) => void>();
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let lastId = 0;
  let rest = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const message: { id?: number; method?: string; result?: unknown; error?: { message: string } } = JSON.parse(line);
      if (message.method !== undefined || message.id === undefined) continue;
      waiting.get(message.id)?.(message);
      waiting.delete(message.id);
    }
  });
  const send = (message: unknown) => child.stdin.write(`${JSON.stringify(message)}\n`);
  return {
    pid: child.pid ?? 0,
    startedAt,
    notify: (method, params) => send({ jsonrpc: '2.0', method, params }),
    call: (method, params) => {
      lastId += 1;
      const id = lastId;
      return new Promise((resolve, reject) => {
        waiting.set(id, (message) =>
          message.error ? reject(new Error(message.error.message)) : resolve(message.result),
        );
        send({ jsonrpc: '2.0', id, method, params });
      });
    },
    close: async () => {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** The handshake that every host does first; resolves with the answer of tools/list. */
export async function handshake(rpc: RpcProcess): Promise<unknown> {
  await rpc.call('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'bench', version: '1' },
  });
  rpc.notify('notifications/initialized');
  return rpc.call('tools/list', {});
}
