// Requests of a program over HTTP as bytes, in both protocol families.
import type { Message, RawRequest } from './raw-connection.ts';

export const bothAccepted = 'application/json, text/event-stream';
export const acceptHeaders = [
  bothAccepted,
  'text/event-stream, application/json',
  'application/json',
  'text/event-stream',
] as const;

export type Speaker = {
  request: (id: number, method: string, params?: Message, progressToken?: string) => RawRequest;
};

export type LegacySpeaker = Speaker & {
  /** GET, DELETE, or a POST of what is no request. */
  other: (method: string, body?: unknown, headers?: Record<string, string>) => RawRequest;
};

export type SpeakerOptions = { path: string; token: string; accept?: string };

export function legacyHeaders({ token, accept = bothAccepted }: SpeakerOptions): Record<string, string> {
  return { authorization: `Bearer ${token}`, accept };
}

export function initialize(options: SpeakerOptions, protocolVersion: string): RawRequest {
  const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'raw', version: '1' } };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
  return { method: 'POST', path: options.path, headers: legacyHeaders(options), body };
}

export function legacySpeaker(options: SpeakerOptions, session: { id: string; version: string }): LegacySpeaker {
  const { path } = options;
  const headers = {
    ...legacyHeaders(options),
    'mcp-session-id': session.id,
    'mcp-protocol-version': session.version,
  };
  return {
    request: (id, method, params = {}, progressToken) => {
      const _meta = progressToken === undefined ? {} : { _meta: { progressToken } };
      const body = JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, ..._meta } });
      return { method: 'POST', path, headers, body };
    },
    other: (method, body, more = {}) => ({
      method,
      path,
      headers: { ...headers, ...more },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  };
}

const metaKey = (name: string) => `io.modelcontextprotocol/${name}`;

export function modernSpeaker({ path, token, accept = bothAccepted }: SpeakerOptions): Speaker {
  return {
    request: (id, method, params = {}, progressToken) => {
      const name = params['name'] ?? params['uri'];
      const _meta = {
        [metaKey('protocolVersion')]: '2026-07-28',
        [metaKey('clientInfo')]: { name: 'raw', version: '1' },
        [metaKey('clientCapabilities')]: {},
        ...(progressToken === undefined ? {} : { progressToken }),
      };
      return {
        method: 'POST',
        path,
        headers: {
          authorization: `Bearer ${token}`,
          accept,
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': method,
          ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
        },
        body: JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta } }),
      };
    },
  };
}
