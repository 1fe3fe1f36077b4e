// Which mode a session gets: what it asks for itself wins over what the config says of its program, then of all.

import type { Config } from '../config/load.ts';
import { catalogModes } from '../config/schema.ts';
import type { ServerEntry } from '../config/server-entry.ts';

export type Mode = 'all' | 'gateway' | 'dynamic';
export type ChosenMode = {
  readonly mode: Mode;
  /** Decided by the number of tools: it may change until all servers have spoken. */
  readonly isByCount: boolean;
  readonly reason: string;
};

export type ModeQuestion = {
  isAlone: boolean;
  asked: string | undefined;
  /** As it names itself; undefined before `initialize`. */
  client: string | undefined;
  settings: Config['tools'];
  countTools: () => number;
};

/**
 * With more tools than that, `auto` gives programs other than Claude Code the gateway: their definitions then cost some ten
 * times what the six gateway tools do, in every request (`npm run bench:tokens`), and there are programs that hand a
 * model no more than 40.
 */
export const autoAllTools = 40;

export function chooseMode({ isAlone, asked, client, settings, countTools }: ModeQuestion): ChosenMode {
  if (isAlone) return { mode: 'all', isByCount: false, reason: 'one server alone is shown as it is' };
  const chosen: readonly (readonly [string | undefined, string])[] = [
    [asked, 'the session asked for it'],
    [client === undefined ? undefined : settings.clients[client], `"tools.clients" says so for ${client}`],
    [settings.mode, '"tools.mode" says so'],
  ];
  for (const [value, reason] of chosen) {
    if (value === undefined) continue;
    // The first that says anything decides: `auto` for one program undoes a mode set for all.
    if (value === 'auto') break;
    const mode = modeNamed(value);
    if (mode) return { mode, isByCount: false, reason };
  }
  if (client === 'claude-code') {
    return { mode: 'all', isByCount: false, reason: 'Claude Code loads definitions on demand itself' };
  }
  const tools = countTools();
  return tools <= autoAllTools
    ? { mode: 'all', isByCount: true, reason: `${tools} tools are few enough to show` }
    : { mode: 'gateway', isByCount: true, reason: `${tools} tools are more than ${autoAllTools}` };
}

function modeNamed(value: string): Mode | undefined {
  const found = catalogModes.find((mode) => mode === value);
  return found === 'auto' ? undefined : found;
}

/** In `all` only where a person asked for it; else everywhere except where a person took it off. */
export function isShielded(entry: ServerEntry, mode: Mode): boolean {
  return mode === 'all' ? entry.shield === true : entry.shield !== false;
}
