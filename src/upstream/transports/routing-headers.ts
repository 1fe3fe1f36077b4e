// Headers by which a 2026-07-28 server, or a gateway before it, routes a message without reading its body.
import { stringAt } from '../../base/json-scan.ts';
import { type Envelope, memberAt } from '../../mcp/envelope.ts';
import { modernVersion } from '../../mcp/eras.ts';
import { headerValue } from '../../mcp/modern-headers.ts';

const namedBy: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};

/** Empty for a legacy message. A modern one says its revision itself, already before anything was negotiated. */
export function routingHeaders(envelope: Envelope, version: string | undefined): Record<string, string> {
  if (envelope.kind !== 'request' && envelope.kind !== 'notification') return {};
  const { line, params, method } = envelope;
  const claimed = stringAt(line, memberAt(line, params, ['_meta', 'io.modelcontextprotocol/protocolVersion']));
  if ((claimed ?? version) !== modernVersion) return {};
  const member = namedBy[method];
  const name = member === undefined ? undefined : stringAt(line, memberAt(line, params, [member]));
  return {
    'mcp-protocol-version': modernVersion,
    'mcp-method': method,
    ...(name === undefined ? {} : { 'mcp-name': headerValue(name) }),
  };
}
