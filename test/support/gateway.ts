// What stands between a server and the network: passes requests on, packs answers as CDNs do, and answers by itself what
// it does not let through.
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';

export type Passing = {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  /** Of the JSON-RPC message in it. */
  rpc: string | undefined;
  id: unknown;
};
export type Rules = {
  /** Codings in the order in which they are applied, as in the header. */
  pack?: string;
  /** Bytes of one piece on the wire. */
  pieceBytes?: number;
  /** true: it has answered. */
  answer?: (passing: Passing, response: ServerResponse) => boolean;
};
export type Gateway = { origin: string; passed: Passing[]; sockets: () => number; stop: () => Promise<void> };

const create: unknown = Reflect.get(zlib, 'createZstdCompress');
export const hasZstd = typeof create === 'function';

type Packer = Transform & { flush: (callback?: () => void) => void };
const packers: Record<string, () => Packer> = {
  gzip: () => zlib.createGzip(),
  'x-gzip': () => zlib.createGzip(),
  deflate: () => zlib.createDeflate(),
  'deflate-raw': () => zlib.createDeflateRaw(),
  br: () => zlib.createBrotliCompress(),
  ...(typeof create === 'function' ? { zstd: (): Packer => create() } : {}),
};
/** The wire has one name for two formats. */
const wireName = (coding: string): string => coding.replace('-raw', '');

export async function runGateway(target: string, rules: Rules = {}): Promise<Gateway> {
  const passed: Passing[] = [];
  let sockets = 0;
  const server = createServer((request, response) => {
    response.on('error', () => {});
    void pass(request, response);
  });
  const pass = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const message = parse(body);
    const { method = '', url: path = '', headers } = request;
    const rpc = typeof message['method'] === 'string' ? message['method'] : undefined;
    const passing = { method, path, headers, rpc, id: message['id'] };
    if (!path.startsWith('/test/')) passed.push(passing);
    if (rules.answer?.(passing, response)) return;
    const onward = httpRequest(new URL(path, target), { method, headers, agent: false }, (answer) => {
      const { 'content-length': _length, ...own } = answer.headers;
      const isPacked = rules.pack !== undefined && answer.statusCode !== 202;
      response.writeHead(answer.statusCode ?? 502, {
        ...own,
        ...(isPacked ? { 'content-encoding': rules.pack?.split(',').map(wireName).join(',') } : {}),
      });
      response.flushHeaders();
      send(answer, response, isPacked ? rules : { ...rules, pack: '' });
      answer.on('error', () => response.destroy());
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    onward.end(body);
  };
  server.on('connection', () => {
    sockets += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address: AddressInfo | string | null = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { origin: `http://127.0.0.1:${port}`, passed, sockets: () => sockets, stop };
}

/** Each piece that arrives goes on at once, as far as packing can do it. */
function send(answer: IncomingMessage, response: ServerResponse, { pack = '', pieceBytes }: Rules): void {
  const stages = pack
    .split(',')
    .map((coding) => packers[coding.trim()]?.())
    .filter((stage) => stage !== undefined);
  const write = (piece: Buffer) => {
    const step = pieceBytes ?? piece.length;
    for (let at = 0; at < piece.length; at += step) response.write(piece.subarray(at, at + step));
  };
  const into = (index: number): ((piece: Buffer | undefined) => void) => {
    const stage = stages[index];
    if (!stage) return (piece) => (piece ? write(piece) : response.end());
    const next = into(index + 1);
    stage.on('data', next);
    stage.on('end', () => next(undefined));
    return (piece) => {
      if (!piece) return stage.end();
      stage.write(piece);
      stage.flush();
    };
  };
  const first = into(0);
  answer.on('data', first);
  answer.on('end', () => first(undefined));
}

function parse(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
