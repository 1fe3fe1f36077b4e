// Waits on this machine for the browser to come back from a login.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError } from '../../base/errors.ts';
import { isSameSecret } from '../../base/same-secret.ts';

export type Callback = {
  redirectUrl: string;
  port: number;
  /** The code that the browser brought together with the state. Rejects if the login was refused, or by the signal. */
  code: (expected: ExpectedAnswer) => Promise<string>;
  close: () => void;
};

export type ExpectedAnswer = {
  state: string;
  /** Why an answer with the right state is refused all the same. */
  refusal: (answer: URLSearchParams) => string | undefined;
  signal: AbortSignal;
};

const path = '/callback';

/** Takes `wantedPort` if it is free: a registered client may come back only to the address it registered. */
export async function listenForCallback(wantedPort: number | undefined): Promise<Callback> {
  let onRequest = (_url: URL, response: ServerResponse) => answer(response, 404, 'No login is under way.');
  let origin = '';
  const server = createServer((request: IncomingMessage, response) => {
    // A page elsewhere may point a name of its own here; only the address we gave out is ours.
    const isOurs = request.headers.host === new URL(origin).host && request.method === 'GET';
    const url = URL.canParse(request.url ?? '', origin) ? new URL(request.url ?? '', origin) : undefined;
    if (!isOurs || url?.pathname !== path) answer(response, 404, 'Not found.');
    else onRequest(url, response);
  });
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
  await listen(wantedPort ?? 0).catch(() => listen(0));
  server.unref();
  const address: AddressInfo | string | null = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  origin = `http://127.0.0.1:${port}`;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return {
    redirectUrl: `${origin}${path}`,
    port,
    close,
    code: ({ state, refusal, signal }) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        onRequest = (url, response) => {
          // Whoever does not know the state did not come from our login.
          if (!isSameSecret(url.searchParams.get('state') ?? '', state))
            return answer(response, 400, 'This login is not known.');
          const code = url.searchParams.get('code');
          const refused = refusal(url.searchParams);
          if (refused !== undefined) {
            answer(response, 400, `This login was not taken: ${refused}.`);
            reject(refusedError(refused));
          } else if (code) {
            answer(response, 200, 'You are logged in. You can close this page.');
            resolve(code);
          } else {
            answer(response, 200, 'The login was refused. You can close this page.');
            reject(refusedError(url.searchParams.get('error') ?? 'no reason given'));
          }
        };
      }),
  };
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    connection: 'close',
  });
  response.end(`${text}\n`);
}

function refusedError(reason: string): AppError {
  return new AppError({
    code: 'SERVER_NEEDS_LOGIN',
    message: `The login was refused: ${reason.replace(/[^\w .-]/g, '?').slice(0, 100)}.`,
  });
}
