// The environment laid over the file. A bad value is named and changes nothing: a typo in a profile must not move a port.
import type { Environment } from '../link/locations.ts';
import { type ConfigProblem, quote } from './problems.ts';
import {
  portSchema,
  type Settings,
  type TransportChoice,
  toolsLimitSchema,
  topKSchema,
  transportSchema,
  transports,
} from './schema.ts';

export type LayeredSettings = Settings & { transport: TransportChoice };

export function layEnvironment(
  file: Settings,
  env: Environment,
): { settings: LayeredSettings; problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const take = <T>(name: string, read: (value: string) => T | undefined, kept: T, wanted: string): T => {
    const value = env[name];
    if (value === undefined || value === '') return kept;
    const taken = read(value.trim());
    if (taken !== undefined) return taken;
    problems.push({
      code: 'CONFIG_INVALID',
      message: `The environment variable ${name} is ${quote(value)}; ${quote(kept)} stays.`,
      hint: `Write ${wanted}.`,
    });
    return kept;
  };
  const port = take('MCPPROXY_PORT', readPort, file.http.port, 'a port from 1 to 65535, 0 for any free one, or off');
  const topK = take('MCPPROXY_TOP_K', (v) => readNumber(v, topKSchema), file.tools.topK, 'a number from 1 to 1000');
  const toolsLimit = take(
    'MCPPROXY_TOOLS_LIMIT',
    (value) => readNumber(value, toolsLimitSchema),
    file.tools.toolsLimit,
    'a number from 1 to 10000',
  );
  const transport = take<TransportChoice>(
    'MCPPROXY_TRANSPORT',
    readTransport,
    'streamable-http',
    transports.join(' or '),
  );
  const settings = { ...file, http: { ...file.http, port }, tools: { ...file.tools, topK, toolsLimit }, transport };
  return { settings, problems };
}

function readPort(value: string): 'off' | number | undefined {
  return value === 'off' ? 'off' : readNumber(value, portSchema);
}

type NumberSchema<T> = { safeParse: (value: unknown) => { success: boolean; data?: T | undefined } };

function readNumber<T>(value: string, schema: NumberSchema<T>): T | undefined {
  // Number('') is 0 and Number('0x10') is 16; neither is what somebody means by a port.
  if (!/^\d{1,9}$/.test(value)) return undefined;
  const parsed = schema.safeParse(Number(value));
  return parsed.success ? parsed.data : undefined;
}

function readTransport(value: string): TransportChoice | undefined {
  const parsed = transportSchema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}
