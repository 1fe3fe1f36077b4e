import { createServer, request as httpRequest, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { createHttpClient, type HttpClient } from '../../src/upstream/transports/http/http-client.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function listen(server: Server | ReturnType<typeof createTlsServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => server.close());
  const address: AddressInfo | string | null = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  return address.port;
}

/** A forward proxy that sends everything to one port of this machine, whatever name was asked for. */
async function startProxy(targetPort: number, status = 200) {
  const seen: { asked: string; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    seen.push({ asked: `${request.method} ${request.url}`, authorization: request.headers['proxy-authorization'] });
    const path = new URL(request.url ?? '').pathname;
    const forward = httpRequest({ host: '127.0.0.1', port: targetPort, path, method: request.method }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    request.pipe(forward);
  });
  server.on('connect', (request, socket) => {
    seen.push({ asked: `CONNECT ${request.url}`, authorization: request.headers['proxy-authorization'] });
    socket.write(`HTTP/1.1 ${status} X\r\n\r\n`);
    if (status !== 200) return socket.end();
    const onward = connect(targetPort, '127.0.0.1');
    socket.pipe(onward).pipe(socket);
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  return { port: await listen(server), seen };
}

function client(env: Record<string, string>): HttpClient {
  const created = createHttpClient({ env });
  cleanups.push(created.close);
  return created;
}

test('asks an http: address from the proxy, with the user of the proxy address', async () => {
  const target = await listen(
    createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => response.end(`got ${request.url} ${body}`));
    }),
  );
  const proxy = await startProxy(target);
  const env = { http_proxy: `http://user:pass@127.0.0.1:${proxy.port}` };
  const response = await client(env).request({
    url: new URL('http://mcp.example.test/path?q=1'),
    method: 'POST',
    headers: {},
    body: Buffer.from('hello'),
  });
  let text = '';
  for await (const chunk of response.body) text += chunk;
  expect(text).toBe('got /path hello');
  expect(proxy.seen).toEqual([
    {
      asked: 'POST http://mcp.example.test/path?q=1',
      authorization: `Basic ${Buffer.from('user:pass').toString('base64')}`,
    },
  ]);
});

test('opens a tunnel for an https: address and speaks TLS with the server behind it', async () => {
  // Without a certificate this server can only refuse: its alert shows that TLS reached it through the tunnel.
  const tls = createTlsServer({});
  const hellos: boolean[] = [];
  tls.on('tlsClientError', () => hellos.push(true));
  const proxy = await startProxy(await listen(tls));
  const asking = client({ HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` }).request({
    url: new URL('https://mcp.example.test/path'),
    method: 'GET',
    headers: {},
  });
  await expect(asking).rejects.toMatchObject({
    code: 'SERVER_FAILED',
    message: expect.stringContaining('mcp.example.test'),
  });
  expect(proxy.seen).toEqual([{ asked: 'CONNECT mcp.example.test:443', authorization: undefined }]);
  expect(hellos).toEqual([true]);
});

test('says that it was the proxy that refused', async () => {
  const proxy = await startProxy(1, 407);
  const asking = client({ HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` }).request({
    url: new URL('https://mcp.example.test/path'),
    method: 'GET',
    headers: {},
  });
  await expect(asking).rejects.toMatchObject({ message: expect.stringContaining('407'), data: { mayHaveRun: false } });
});
