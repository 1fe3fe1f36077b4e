// Answers the control API on a daemon's socket with whatever a test says, for commands that only show it.
import { chmodSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname } from 'node:path';

export type FakeControl = { close: () => Promise<void> };

/** `answers`: by path, as in `/status`. */
export async function openFakeControl(
  socketPath: string,
  answers: Readonly<Record<string, unknown>>,
): Promise<FakeControl> {
  mkdirSync(dirname(socketPath), { recursive: true, mode: 0o700 });
  chmodSync(dirname(socketPath), 0o700);
  const server = createServer((request, response) => {
    request.resume();
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const answer = answers[path];
    const isFailure = typeof answer === 'object' && answer !== null && 'error' in answer;
    response.writeHead(answer === undefined || isFailure ? 503 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? { error: { code: 'BAD_ARGUMENT', message: `No ${path}` } }));
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
