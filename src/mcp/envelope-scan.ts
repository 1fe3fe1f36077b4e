// Where the members of one JSON-RPC message lie, for mcp/envelope.ts alone.
import { eachMember, isKeyAt, type Span } from '../base/json-scan.ts';

export type EnvelopeScan = {
  jsonrpc: Span | undefined;
  id: Span | undefined;
  method: Span | undefined;
  params: Span | undefined;
  result: Span | undefined;
  error: Span | undefined;
  /** Two readers could take different ones: such a message could be one thing to us and another to a server. */
  hasTwice: boolean;
};

const keys = ['id', 'method', 'jsonrpc', 'params', 'result', 'error'] as const;

/** Validates the whole message. Throws JsonSyntaxError if it is no JSON object. */
export function scanEnvelope(line: Uint8Array): EnvelopeScan {
  const scan: EnvelopeScan = {
    jsonrpc: undefined,
    id: undefined,
    method: undefined,
    params: undefined,
    result: undefined,
    error: undefined,
    hasTwice: false,
  };
  eachMember(line, { start: 0, end: line.length }, (keyStart, keyEnd, start, end) => {
    for (const key of keys) {
      if (!isKeyAt(line, keyStart, keyEnd, key)) continue;
      if (scan[key] && key !== 'jsonrpc') scan.hasTwice = true;
      scan[key] = { start, end };
      return;
    }
  });
  return scan;
}
