// One log level for each session, the most verbose of them for a server that they share.
import { stringAt } from '../base/json-scan.ts';
import { within } from '../base/within.ts';
import { memberAt, type NotificationEnvelope, type RequestEnvelope } from '../mcp/envelope.ts';
import { errorLine, resultLine, rpcCodes } from '../mcp/messages.ts';
import type { Session } from '../sessions/session.ts';
import type { Instance } from '../upstream/instance.ts';
import type { Slot } from '../upstream/slot.ts';

export type LogSettingDeps = { levels: () => (string | undefined)[]; copies: () => readonly Instance[] };

/** Then the session is answered all the same: one server that does not answer holds no other's level back. */
const heardWithinMs = 1_000;

export class LogSetting {
  readonly #deps: LogSettingDeps;

  constructor(deps: LogSettingDeps) {
    this.#deps = deps;
  }

  /**
   * `logging/setLevel` of one session. Answered when the servers have heard it: over HTTP the next call, which may rely on
   * it, goes another way than this one and would overtake it.
   */
  async set(session: Session, request: RequestEnvelope, isWanted: () => boolean): Promise<void> {
    const level = stringAt(request.line, memberAt(request.line, request.params, ['level']));
    if (!isLogLevel(level)) {
      return session.send(
        errorLine(request.idText, rpcCodes.invalidParams, 'params.level must be a log level such as "info".'),
      );
    }
    session.logLevel = level;
    await within(this.apply(), heardWithinMs);
    if (isWanted()) session.send(resultLine(request.idText, '{}'));
  }

  /** Sessions came, went or changed their minds. Resolves when every server has answered. */
  async apply(): Promise<void> {
    const level = mostVerbose(this.#deps.levels());
    await Promise.all(this.#deps.copies().flatMap((instance) => instance.slots().map((slot) => tell(slot, level))));
  }

  /** A copy that just started knows no level yet. */
  started(slot: Slot): void {
    void tell(slot, mostVerbose(this.#deps.levels()));
  }
}

async function tell(slot: Slot, level: string | undefined): Promise<void> {
  const request = level === undefined ? undefined : slot.channel.era.levelRequest(level);
  if (!request || slot.introduction.capabilities['logging'] === undefined) return;
  await slot.channel.ask(request.method, request.params).catch(() => {}); // a server without it keeps its own level
}

// Syslog levels of MCP logging, least to most severe.
export const logLevels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const;

function isLogLevel(text: string | undefined): text is (typeof logLevels)[number] {
  return logLevels.some((level) => level === text);
}

/** Whether a session that set `least` wants this message; without a level the server's choice holds. */
export function isLoud({ line, params }: NotificationEnvelope, least: string | undefined): boolean {
  if (!isLogLevel(least)) return true;
  const level = stringAt(line, memberAt(line, params, ['level']));
  return !isLogLevel(level) || logLevels.indexOf(level) >= logLevels.indexOf(least);
}

/** The level to ask a shared server for: whatever the most curious session wants. */
export function mostVerbose(levels: readonly (string | undefined)[]): string | undefined {
  const known = levels.filter(isLogLevel);
  return known.sort((a, b) => logLevels.indexOf(a) - logLevels.indexOf(b))[0];
}
