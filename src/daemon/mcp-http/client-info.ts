// What a request without a session says of its program, for those parts that know sessions only.
import { isRecord } from '../../base/guards.ts';

export type Introduced = { name: string; capabilities: Record<string, unknown> };

/** Both as written in the request: JSON objects. */
export function readIntroduced(clientInfo: string | undefined, capabilities: string): Introduced {
  const name = clientInfo === undefined ? undefined : recordIn(clientInfo)['name'];
  return { name: typeof name === 'string' ? name : 'unknown', capabilities: recordIn(capabilities) };
}

function recordIn(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  return isRecord(value) ? value : {};
}
