// The MCP endpoint of the daemon on a port of this process, with a clock of the test's own and a router that answers
// every request with an empty result, except `hold`, which it keeps.
import { mkdtempSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { textAt } from '../../src/base/json-scan.ts';
import { silentLog } from '../../src/base/log.ts';
import { createControlHttp } from '../../src/daemon/control/http-server.ts';
import { createMcpHttp, type McpHttp } from '../../src/daemon/mcp-http/endpoint.ts';
import { openRemoteEndpoint, type RemoteEndpoint } from '../../src/daemon/remote-endpoint.ts';
import { parseEnvelope } from '../../src/mcp/envelope.ts';
import { idKey } from '../../src/mcp/id-key.ts';
import { requestLine, resultLine } from '../../src/mcp/messages.ts';
import { Session } from '../../src/sessions/session.ts';
import { eventually } from './eventually.ts';

export type OwnEndpoint = {
  mcp: McpHttp;
  remote: RemoteEndpoint;
  url: () => string;
  /** Sessions that are open, and the reasons of those that ended. */
  open: Set<Session>;
  /** Connections on which a request still waits, or a stream is open. */
  responses: Set<ServerResponse>;
  ended: string[];
  cancelled: string[];
  /** What programs answered to questions. */
  answers: string[];
  now: (() => number) & { advance: (ms: number) => void };
  close: () => void;
};

export async function openEndpoint(): Promise<OwnEndpoint> {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-proxy-endpoint-'));
  let nowMs = 1_800_000_000_000;
  const now = Object.assign(() => nowMs, {
    advance: (ms: number) => {
      nowMs += ms;
    },
  });
  const open = new Set<Session>();
  const ended: string[] = [];
  const cancelled: string[] = [];
  const answers: string[] = [];
  const mcp = createMcpHttp({
    createSession: (identity, sink) =>
      new Session({
        ...{ identity, sink, baseline: {}, served: {}, idPrefix: 't', wants: [], now },
        maxBufferedBytes: 1024 * 1024,
      }),
    handle: (session, line) => {
      const envelope = parseEnvelope(line);
      if (envelope.kind === 'notification' && envelope.method === 'notifications/initialized')
        session.isInitialized = true;
      if (envelope.kind === 'response')
        return void answers.push(envelope.result ? textAt(envelope.line, envelope.result) : 'error');
      if (envelope.kind === 'notification' && envelope.method === 'notifications/cancelled') cancelled.push('call');
      if (envelope.kind !== 'request') return;
      if (envelope.method === 'hold') {
        const cancel = () => void cancelled.push(envelope.idText);
        session.requests.set(idKey(envelope.idText), { method: 'hold', cancel });
        return;
      }
      if (envelope.method === 'tools/call') {
        // A server that asks in the middle of a call, and never goes on by itself.
        const cancel = () => {};
        session.requests.set(idKey(envelope.idText), { method: envelope.method, cancel });
        const params = { message: 'Sure?', requestedSchema: { type: 'object', properties: {} } };
        const question = requestLine(session.nextAskId(), 'elicitation/create', params);
        return session.send(question, idKey(envelope.idText));
      }
      session.send(resultLine(envelope.idText, '{}'));
    },
    onOpen: (session) => open.add(session),
    onClose: (session, reason) => {
      open.delete(session);
      ended.push(reason);
    },
    onProject: () => {},
    onWant: () => {},
    hasServer: () => true,
    findTool: () => undefined,
    maxMessageBytes: () => 1024 * 1024,
    isDraining: () => false,
    home: folder,
    log: silentLog,
    now,
  });
  const responses = new Set<ServerResponse>();
  const watched: McpHttp = {
    ...mcp,
    handle: (request, response, ...rest) => {
      responses.add(response);
      response.once('close', () => responses.delete(response));
      return mcp.handle(request, response, ...rest);
    },
  };
  const http = createControlHttp({ routes: [], token: () => remote.token, mcp: () => watched, log: silentLog });
  const remote = openRemoteEndpoint({
    http: () => http,
    port: 0,
    tokenPath: join(folder, 'token'),
    onPort: () => {},
    onTokenReplaced: () => mcp.endAll('the token was replaced'),
    log: silentLog,
  });
  await eventually(() => remote.port !== undefined, { what: 'the port' });
  return {
    ...{ mcp, remote, open, responses, ended, cancelled, answers, now },
    url: () => `http://127.0.0.1:${remote.port}/mcp`,
    close: () => {
      mcp.close('test is over');
      remote.close();
      http.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
