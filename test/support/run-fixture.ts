// Runs a fixture server that listens by itself, and ends it with the test.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { eventually } from './eventually.ts';

export type Fixture = { port: number; origin: string; child: ChildProcess; stop: () => Promise<void> };

/** Starts `name` of the fixtures/upstreams folder; it says `{"port": …}` on stdout when it listens. */
export async function runFixture(name: string, env: Record<string, string> = {}): Promise<Fixture> {
  const path = join(import.meta.dirname, '../fixtures/upstreams', name);
  const child = spawn(process.execPath, [path], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], PORT: '0', ...env },
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8');
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGKILL');
    await gone;
  };
  try {
    const line = await eventually(() => said.split('\n').find((one) => one.startsWith('{')), {
      what: `${name} to listen`,
    });
    const { port }: { port: number } = JSON.parse(line);
    return { port, origin: `http://127.0.0.1:${port}`, child, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
