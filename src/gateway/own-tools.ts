// The names of our own tools, so that nobody needs their code to know them.
import type { SentKind } from '../sessions/result-ledger.ts';
import type { Mode } from './choose-mode.ts';

const getResult = 'gateway_get_result';
const names: Readonly<Record<Mode, ReadonlySet<string>>> = {
  /** Only where a server's results are shortened. */
  all: new Set([getResult]),
  gateway: new Set([
    'gateway_search',
    'gateway_describe',
    'gateway_invoke',
    'gateway_invoke_async',
    'gateway_invoke_status',
    getResult,
  ]),
  dynamic: new Set(['retrieve_tools', getResult]),
};

export function ownToolNames(mode: Mode): ReadonlySet<string> {
  return names[mode];
}

/** What its answers count as; a server's tool: as results. */
export function sentKindOf(name: string): SentKind {
  return sentKinds[name] ?? 'results';
}

const sentKinds: Readonly<Record<string, SentKind>> = {
  gateway_search: 'searches',
  gateway_describe: 'searches',
  retrieve_tools: 'searches',
  gateway_invoke_async: 'jobs',
  gateway_invoke_status: 'jobs',
  [getResult]: 'fetched',
};
