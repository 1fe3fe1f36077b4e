// May this wrapper use this daemon? One function for both sides: two opinions would restart each other for ever.

import { ownCommand } from '../base/own-command.ts';
import { type Build, compareVersions, protocolMajor } from './build.ts';
import type { HelloRefusal, SessionSettings } from './hello.ts';

export type Fitness = { fit: true } | { fit: false; refusal: HelloRefusal };

const settingNames: Record<keyof SessionSettings, string> = {
  configPath: 'MCPPROXY_CONFIG_PATH',
  dataDir: 'MCPPROXY_DATA_DIR',
  port: 'MCPPROXY_PORT',
};

/** Builds of one protocol major serve each other; settings that a wrapper was given must be the daemon's own. */
export function checkFitness(
  wrapper: { protocol: number; settings: SessionSettings },
  daemon: { protocol: number; settings: Required<SessionSettings> },
): Fitness {
  if (wrapper.protocol !== daemon.protocol) {
    return refuse(
      'DAEMON_UNFIT',
      `The daemon speaks link protocol ${daemon.protocol}, this wrapper ${wrapper.protocol}.`,
      `Close the other sessions, or run \`${ownCommand('stop')}\`.`,
    );
  }
  for (const key of ['configPath', 'dataDir', 'port'] as const) {
    const wanted = wrapper.settings[key];
    if (wanted === undefined || wanted === daemon.settings[key]) continue;
    return refuse(
      'SETTINGS_DIFFER',
      `${settingNames[key]} is ${wanted} here, but the running daemon was started with ${daemon.settings[key]}.`,
      `Unset ${settingNames[key]}, or run \`${ownCommand('stop')}\` so that the next session starts a daemon with it, or use another name: run-mcp-proxy <name>.`,
    );
  }
  return { fit: true };
}

export const linkProtocol = protocolMajor;

/**
 * Whether build `a` takes the place of `b`: the wrapper starts the newest that is installed, the daemon makes way for it.
 * Two builds of one version cannot be put in order, so neither replaces the other.
 */
export function isNewerBuild(a: Build, b: Build): boolean {
  return compareVersions(a.version, b.version) > 0;
}

/** What a hand-over would cost now. */
export type HandOverView = {
  sessions: number;
  /** Requests of sessions that are under way. */
  calls: number;
  /** Names of running servers whose memory belongs to a project or a session. */
  stateful: readonly string[];
  /** ms until another hand-over is allowed: two versions must not replace each other for ever. */
  pauseMs: number;
};

export type HandOver = { kind: 'now' } | { kind: 'wait'; waitsFor: string };

/** May the running daemon make way for a newer build at this moment? */
export function decideHandOver({ sessions, calls, stateful, pauseMs }: HandOverView): HandOver {
  if (pauseMs > 0) {
    return {
      kind: 'wait',
      waitsFor: `The last change of version was moments ago; ${Math.ceil(pauseMs / 60_000)} min to go.`,
    };
  }
  if (sessions === 0) return { kind: 'now' };
  if (calls > 0) return { kind: 'wait', waitsFor: `It waits for ${calls} running ${calls === 1 ? 'call' : 'calls'}.` };
  if (stateful.length === 0) return { kind: 'now' };
  const names = [...new Set(stateful)].sort().join(', ');
  return {
    kind: 'wait',
    waitsFor: `It waits until ${names} ${stateful.length === 1 ? 'is' : 'are'} idle: their state would be lost.`,
  };
}

function refuse(code: string, message: string, hint: string): Fitness {
  return { fit: false, refusal: { code, message, hint } };
}
