// The suite knows no token: this adds it, and gives Host and Origin of the suite's own address the daemon's port.
// Everything else passes as it is, in both directions, so that what is judged is the daemon.
import { createServer, request as send } from 'node:http';

export type TokenFront = { port: number; close: () => void };

export async function openTokenFront(target: { port: number; token: string }): Promise<TokenFront> {
  const server = createServer((request, response) => {
    const own = new RegExp(`:${port}$`);
    const translate = (value: string | undefined) => value?.replace(own, `:${target.port}`);
    const headers: Record<string, string | string[] | undefined> = {
      ...request.headers,
      host: translate(request.headers.host),
      authorization: `Bearer ${target.token}`,
    };
    if (request.headers.origin !== undefined) headers['origin'] = translate(request.headers.origin);
    const onward = send(
      { host: '127.0.0.1', port: target.port, path: request.url, method: request.method, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        response.flushHeaders();
        answer.pipe(response);
        answer.on('error', () => response.destroy());
      },
    );
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  let port = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address === 'object' && address !== null) port = address.port;
  return {
    port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
