// initialize and the four lists: answered from what is known; servers that nobody knows yet are started and waited for
// only as long as the host itself waits.

import { wholeJson } from '../base/cut-text.ts';
import { AppError } from '../base/errors.ts';
import { findMember, objectMembers, splice, textAt } from '../base/json-scan.ts';
import { ownCommand } from '../base/own-command.ts';
import { within } from '../base/within.ts';
import type { HeldNames } from '../calls/held-names.ts';
import type { SessionView, Views } from '../calls/views.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import { type Offers, ownInstructions } from '../gateway/offers.ts';
import { ownBuild } from '../link/build.ts';
import { linkMethods } from '../link/hello.ts';
import { memberAt, type RequestEnvelope } from '../mcp/envelope.ts';
import type { Era } from '../mcp/eras/era.ts';
import { joinInstructions, jointCapabilities } from '../mcp/face.ts';
import { type ListName, listKinds, listNames } from '../mcp/lists.ts';
import { appErrorLine, errorLine, notificationLine, resultLine, rpcCodes } from '../mcp/messages.ts';
import type { Session } from '../sessions/session.ts';
import type { Learning } from './learning.ts';
import { listFailed } from './list-problem.ts';

export type ListsDeps = {
  views: Views;
  /** How servers become known. */
  learning: Pick<Learning, 'learnOnce' | 'nudge' | 'patienceFor' | 'troubleOf'>;
  /** A list went out: the ready-made answers on disk should be the same. */
  onServed: (session: Session) => void;
  sessions: () => readonly Session[];
  offer: Offers;
  heldNames: HeldNames;
  configTrouble: () => string | undefined;
  now: () => number;
};

/** `claude -p` goes on without a server's tools 2.0 s after its own start; ours begins a little later (measured). */
const claudeWaitMs = 1_300;
/** Others wait for the answer itself, mostly 30 or 60 s. */
const otherWaitMs = 15_000;
/** A server that came while sessions were open: long enough for most starts; of a slower one list_changed tells. */
const newServerWaitMs = 1_300;
/**
 * A single server behind its own entry: what it says of itself is worth waiting for, but not until the host gives up:
 * opencode after 5 s, Codex after 10, Claude Code after 30. Only until it has spoken once: then it is known.
 */
export const aloneWaitMs = 4_000;
const claudeAloneWaitMs = 20_000;

export class Lists {
  readonly #deps: ListsDeps;
  /** The same lists as an era's programs can read them: made once for all sessions that see them. */
  readonly #readable = new WeakMap<Era, WeakMap<Buffer, Buffer>>();
  #newSince = Number.NEGATIVE_INFINITY;

  constructor(deps: ListsDeps) {
    this.#deps = deps;
  }

  async initialize(session: Session, request: RequestEnvelope, asked: string | undefined): Promise<void> {
    const protocolVersion = session.era.negotiate(asked);
    session.speak(protocolVersion);
    if (session.identity.server === undefined) {
      const { views, offer, configTrouble } = this.#deps;
      const own = [offer.instructions(session), withoutConfig(configTrouble())].filter((text) => text !== undefined);
      const face = jointFace(views.of(session), own.join(' '));
      const result = { protocolVersion, ...face };
      session.send(resultLine(request.idText, wholeJson(result)));
      return;
    }
    const waitMs = isClaude(session) ? claudeAloneWaitMs : aloneWaitMs;
    const faceless = this.#deps.views.of(session).servers.filter(({ face }) => !face);
    const entries = faceless.map(({ entry }) => entry);
    const failure = await this.#waitFor(session, entries, { ms: waitMs });
    const view = this.#deps.views.of(session);
    const raw = aloneIntroduction(view, protocolVersion) ?? (failure ? undefined : startingFace(session, view));
    const line = raw
      ? resultLine(request.idText, raw)
      : appErrorLine(request.idText, failure ?? this.#noSuchServer(session));
    session.send(line);
  }

  #noSuchServer({ identity }: Session): AppError {
    return new AppError({
      code: 'SERVER_UNKNOWN',
      message: `Server "${identity.server ?? ''}" is not configured here, not enabled, or did not start.`,
      hint: withoutConfig(this.#deps.configTrouble()) ?? `See \`${ownCommand('status')}\`.`,
    });
  }

  async serve(session: Session, request: RequestEnvelope, list: ListName): Promise<void> {
    const cursor = memberAt(request.line, request.params, ['cursor']);
    // Our lists have one page, so no cursor is ours; some programs write that they have none.
    if (cursor && !/^(?:null|"")$/.test(textAt(request.line, cursor))) {
      const message = `${request.method}: the cursor is unknown; the list comes in one page.`;
      return session.send(errorLine(request.idText, rpcCodes.invalidParams, message));
    }
    const waitMs = isClaude(session) ? claudeWaitMs : otherWaitMs;
    const until = Math.max(session.since + waitMs, this.#newSince + newServerWaitMs);
    const left = until - this.#deps.now();
    const { offer, learning } = this.#deps;
    learning.nudge(session, list);
    if (!offer.isOwn(session, list)) {
      await this.#waitFor(session, this.#deps.views.of(session).missing(list), { ms: Math.max(left, 0), list });
    }
    await offer.ready(session);
    if (session.isClosed) return;
    const view = this.#deps.views.of(session);
    const { result, etag } = offer.list(session, list) ?? view.list(list);
    this.#deps.heldNames.listed(session, list, view);
    session.served[list] = etag;
    session.announced.delete(list);
    session.send(notificationLine(linkMethods.served, { list, etag }));
    const refusal = this.#refusalOf(session, list, request);
    if (refusal) return session.send(refusal);
    session.send(resultLine(request.idText, this.readable(session, session.era, { list, result })));
    this.#deps.onServed(session);
  }

  /** A list that was made for this session, as programs of that era can read it. */
  readable(session: Session, era: Era, { list, result }: { list: ListName; result: Buffer }): Buffer {
    if (list !== 'tools' || !this.#deps.views.of(session).servers.some(({ face }) => face?.lists.tools.isNewer))
      return result;
    const made = this.#readable.get(era) ?? new WeakMap<Buffer, Buffer>();
    this.#readable.set(era, made);
    const known = made.get(result) ?? era.tools(result);
    made.set(result, known);
    return known;
  }

  /** Servers came whose lists nobody knows: what is asked for next waits for them a little. */
  expectNew(): void {
    this.#newSince = this.#deps.now();
  }

  /** Tells each session whose last served list differs, once until it asks again. */
  announce(): void {
    for (const session of this.#deps.sessions()) this.announceTo(session);
  }

  announceTo(session: Session): void {
    if (!session.isInitialized) return;
    const methods = new Set<string>();
    for (const list of listNames) {
      const served = session.served[list];
      if (served === undefined || session.announced.has(list)) continue;
      const offered = this.#deps.offer.list(session, list);
      if (!offered) void this.#deps.offer.ready(session).then(() => this.announceTo(session));
      if (!offered || offered.etag === served) continue;
      session.announced.add(list);
      methods.add(listKinds[list].changed);
    }
    for (const method of methods) session.notify(method);
  }

  /** What it holds is no longer true, though the list may read the same. */
  announceMoved(session: Session, list: ListName): void {
    if (session.announced.has(list)) return;
    session.announced.add(list);
    session.notify(listKinds[list].changed);
  }

  /**
   * One server behind its own entry that refuses the only list it was ever asked for: its own words, as without us. Beside
   * others, and where it has not answered yet, the list goes out without it. The host asks again when the list came.
   */
  #refusalOf(session: Session, list: ListName, { idText }: RequestEnvelope): Buffer | undefined {
    const [only] = this.#deps.views.of(session).servers;
    if (session.identity.server === undefined || !only) return undefined;
    const trouble = this.#deps.learning.troubleOf(session, only.entry, list);
    if (!trouble) return undefined;
    if (trouble.answer !== undefined) return Buffer.from(`{"jsonrpc":"2.0","id":${idText},"error":${trouble.answer}}`);
    const failure = listFailed(only.entry.name, list, trouble);
    // A login comes from elsewhere, and a host that was told of an error may never ask again.
    return failure.code === 'LIST_FAILED' ? appErrorLine(idText, failure) : undefined;
  }

  /**
   * Servers that have never said it: waits until they have, at most so long; without a list for their introduction. Why
   * one of them cannot be had, as far as that is known by then.
   */
  async #waitFor(
    session: Session,
    entries: readonly ServerEntry[],
    { ms, list }: { ms: number; list?: ListName },
  ): Promise<AppError | undefined> {
    let failure: AppError | undefined;
    const { learning } = this.#deps;
    const waits = entries.map((entry) => {
      // A server that cannot start has nothing to list: its trouble is told when it is called, and in status.
      const learned = learning.learnOnce(session, entry, list).catch((error: unknown) => {
        if (error instanceof AppError) failure ??= error;
      });
      return within(learned, list ? Math.min(ms, learning.patienceFor(session, entry, list)) : ms);
    });
    await Promise.all(waits);
    return failure;
  }
}

/** For who misses a server; undefined if nothing is wrong with the file. */
export function withoutConfig(trouble: string | undefined): string | undefined {
  return trouble && `Servers may be missing, because the configuration cannot be read: ${trouble}`;
}

function isClaude({ client }: Session): boolean {
  return client?.name === 'claude-code';
}

/** Of a server that has not spoken yet: all that it might offer, since hosts never ask later for what was not declared. */
function startingFace({ protocolVersion }: Session, { servers }: SessionView): string | undefined {
  const entry = servers[0]?.entry;
  if (!entry) return undefined;
  return JSON.stringify({
    protocolVersion,
    capabilities: jointCapabilities,
    serverInfo: { name: entry.name, version: '0' },
    instructions: `Server "${entry.name}" is still starting. What it offers appears as soon as it is ready.`,
  });
}

/** What the joint endpoint says of itself, without the protocol version. */
export function jointFace(view: SessionView, own = ownInstructions): Record<string, unknown> {
  const servers = view.servers.flatMap(({ entry, face }) => {
    const text = face?.introduction.instructions;
    return text ? [{ name: entry.shownName, text }] : [];
  });
  return {
    capabilities: jointCapabilities,
    serverInfo: { name: 'mcp-proxy', title: 'aitkit mcp-proxy', version: ownBuild.version },
    instructions: joinInstructions(own, servers),
  };
}

/** The server's own introduction; only the version is the one agreed with this host. */
export function aloneIntroduction(view: SessionView, version: string): Buffer | undefined {
  const raw = view.servers[0]?.face?.introduction.raw;
  if (raw === undefined) return undefined;
  const bytes = Buffer.from(raw);
  const at = findMember(objectMembers(bytes), 'protocolVersion');
  return at && textAt(bytes, at) !== JSON.stringify(version)
    ? splice(bytes, [{ at, with: JSON.stringify(version) }])
    : bytes;
}
