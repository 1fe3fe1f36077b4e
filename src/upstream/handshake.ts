// Who a server is and which era it speaks: our initialize, or its own introduction where it knows no
// handshake. Asked on one connection, whichever comes first, so that nothing starts twice to find out.

import { cutChars, wholeJson } from '../base/cut-text.ts';
import { AppError } from '../base/errors.ts';
import { isRecord } from '../base/guards.ts';
import { textAt } from '../base/json-scan.ts';
import { ownCommand } from '../base/own-command.ts';
import { ownBuild } from '../link/build.ts';
import type { ResponseEnvelope } from '../mcp/envelope.ts';
import { eraOf } from '../mcp/eras/eras.ts';
import { sessionsEra } from '../mcp/eras/sessions-era.ts';
import { statelessEra } from '../mcp/eras/stateless-era.ts';
import { notificationLine } from '../mcp/messages.ts';
import { errorCode, metaKeys, modernCodes } from '../mcp/modern.ts';
import { isSessionsVersion, latestSessionsVersion, statelessVersion } from '../mcp/versions.ts';
import type { Channel } from './channel.ts';
import type { ListenedList } from './listening.ts';

export type Introduction = {
  /** The InitializeResult as the server wrote it. */
  raw: string;
  protocolVersion: string;
  capabilities: Record<string, unknown>;
  instructions: string | undefined;
  /** It may know the newer way too: the network was in the way when it was asked. */
  isPresumed?: boolean;
};

export type IntroduceOptions = {
  server: string;
  capabilities: Record<string, unknown>;
  /** What it spoke when it was last seen: asked that way first. */
  knownVersion?: string | undefined;
  /** Within which all of it has to be over. */
  limitMs: number;
};

/**
 * A server that was replaced by an older one, or a gateway before it, may keep silent when it is asked the newer way
 * first. Longer than any that runs already needs; a slow start only has both questions on its way.
 */
const silentMs = 5_000;

/** Of the whole time: a silent question leaves most of it to the other way. */
const silentPart = 1 / 4;

/** After `initialize` was refused: whoever refuses so soon is awake, and a login is begun within this. */
const lastMs = 15_000;

/**
 * Throws the server's error, the loss of the channel, or SERVER_START_FAILED for a version that we do not speak. What
 * comes of the newer question decides nothing but the order: gateways let some methods through and others not, so only
 * what `initialize` meets is a failure.
 */
export async function introduce(channel: Channel, options: IntroduceOptions): Promise<Introduction> {
  const { knownVersion, limitMs } = options;
  const partMs = limitMs * silentPart;
  const decided = new AbortController();
  const { signal } = decided;
  const asked = eraOf(knownVersion).hasHandshake ? undefined : discover(channel, { isProbe: true, signal });
  const early = asked && (await Promise.race([asked, silence(Math.min(silentMs, partMs))]));
  if (early?.found) return adopt(channel, early.found);
  // It answered otherwise, or not yet: both are asked, and the first that has something to say counts.
  const answer = await askInitialize(channel, options.capabilities);
  if (answer instanceof AppError || !answer.result) {
    // It may know only the revision without a handshake, whose servers refuse one with an error of their choice.
    const last = silence(Math.min(lastMs, partMs));
    const found = await Promise.race([otherwiseStateless(channel, asked, signal), last]);
    decided.abort();
    if (found) return adopt(channel, found);
    if (answer instanceof AppError) throw answer;
    const text = answer.error ? textAt(answer.line, answer.error) : 'no result';
    throw startFailed(options.server, `answered initialize with an error: ${cutChars(text, 500)}`);
  }
  decided.abort();
  const introduction = greet(channel, options.server, textAt(answer.line, answer.result));
  return early?.unheard && isPassing(early.unheard) ? { ...introduction, isPresumed: true } : introduction;
}

/** Of a server that was seen before. */
export function versionToAskIn(last: Introduction | undefined): string | undefined {
  return last?.isPresumed ? undefined : last?.protocolVersion;
}

function greet(channel: Channel, server: string, raw: string): Introduction {
  const introduction = parseIntroduction(raw);
  if (!introduction) throw startFailed(server, 'answered initialize with something that is no InitializeResult');
  if (!isSessionsVersion(introduction.protocolVersion)) {
    throw startFailed(server, `speaks MCP ${introduction.protocolVersion}, which this version does not`);
  }
  channel.speak(sessionsEra, own);
  channel.setProtocolVersion(introduction.protocolVersion);
  channel.send(notificationLine('notifications/initialized'));
  return introduction;
}

/** Over HTTP a refusal may be a status without a message of the protocol: an answer too. */
async function askInitialize(
  channel: Channel,
  capabilities: Record<string, unknown>,
): Promise<ResponseEnvelope | AppError> {
  try {
    const params = { protocolVersion: latestSessionsVersion, capabilities, clientInfo };
    // Even where the other way was asked first.
    channel.speak(sessionsEra, own);
    return await channel.ask('initialize', params);
  } catch (error) {
    if (error instanceof AppError && refusals.has(Number(error.data?.['status']))) return error;
    throw error;
  }
}

/**
 * How HTTP servers, and gateways that know only the newer methods, refuse what they do not know; 200 with something that
 * is no answer. 401 wants a login instead, and what is busy or away would be the same the other way.
 */
const refusals: ReadonlySet<number> = new Set([200, 400, 403, 404, 405, 406, 410, 415, 422, 500, 501]);

/** After `initialize` was refused. Asked once more where nothing was heard: for this a person may be asked to log in. */
async function otherwiseStateless(
  channel: Channel,
  asked: Promise<Discovered> | undefined,
  signal: AbortSignal,
): Promise<Stateless | undefined> {
  const before = await asked;
  if (before && !before.unheard) return before.found;
  const { found, unheard } = await discover(channel, { signal });
  if (unheard?.data?.['loginUrl'] !== undefined) throw unheard;
  return found;
}

/**
 * What a server that never heard of the question may make of it, an error of its own or a page included. Everything else
 * says that it was not asked: its credentials, a gateway, or the network were in the way.
 */
function isNoAnswer({ code, data }: AppError): boolean {
  if (code !== 'SERVER_FAILED' && code !== 'SERVER_NEEDS_LOGIN') return true; // something came that is no message
  const status = Number(data?.['status']);
  return status >= 200 && status <= 501 && !inTheWay.has(status);
}

const refusedCredentials: ReadonlySet<number> = new Set([401, 403]);
const inTheWay: ReadonlySet<number> = new Set([...refusedCredentials, 407, 408, 425, 429]);

/** Another time it may be heard; a method that a gateway does not let through stays so. */
function isPassing(unheard: AppError): boolean {
  return !refusedCredentials.has(Number(unheard.data?.['status']));
}

/** The version was refused, and is among those that the server says it speaks. */
function isOffered(answer: ResponseEnvelope): boolean {
  const { error, line } = answer;
  if (!error || errorCode(answer) !== modernCodes.unsupportedVersion) return false;
  const said: unknown = JSON.parse(textAt(line, error));
  const data = isRecord(said) ? said['data'] : undefined;
  const supported = isRecord(data) ? data['supported'] : undefined;
  return Array.isArray(supported) && supported.includes(statelessVersion);
}

function silence(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), ms).unref();
  });
}

const clientInfo = { name: 'aitkit-mcp-proxy', title: 'aitkit mcp-proxy', version: ownBuild.version };
const own = { clientInfo, capabilities: {} };

type Stateless = { introduction: Introduction; lists: readonly ListenedList[] };

/** `found`: it knows the newer way. `unheard`: why it could not say. Neither: it does not. */
type Discovered = { found?: Stateless | undefined; unheard?: AppError };

/** What a server without sessions says of itself, as if it had been a handshake. */
async function discover(channel: Channel, options: { isProbe?: boolean; signal?: AbortSignal }): Promise<Discovered> {
  channel.speak(statelessEra, own);
  const ask = () => channel.ask('server/discover', {}, options);
  try {
    const first = await ask();
    // A server that is choosy at first names what it speaks, and then has to be asked in that.
    return { found: readStateless(isOffered(first) ? await ask() : first) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return isNoAnswer(error) ? {} : { unheard: error };
  }
}

function readStateless(answer: ResponseEnvelope): Stateless | undefined {
  const found: unknown = answer.result && JSON.parse(textAt(answer.line, answer.result));
  const versions = isRecord(found) ? found['supportedVersions'] : undefined;
  if (!isRecord(found) || !Array.isArray(versions) || !versions.includes(statelessVersion)) return undefined;
  const meta = isRecord(found['_meta']) ? found['_meta'] : {};
  const capabilities = isRecord(found['capabilities']) ? found['capabilities'] : {};
  const { instructions } = found;
  const serverInfo = meta[metaKeys.serverInfo] ?? { name: 'unknown', version: '0' };
  const raw = {
    protocolVersion: statelessVersion,
    capabilities,
    serverInfo,
    ...(instructions ? { instructions } : {}),
  };
  const introduction = parseIntroduction(wholeJson(raw));
  const lists = (['tools', 'prompts', 'resources'] as const).filter((list) => capabilities[list] !== undefined);
  return introduction && { introduction, lists };
}

/** From now on it is spoken to without a session. */
function adopt(channel: Channel, { introduction, lists }: Stateless): Introduction {
  channel.speak(statelessEra, own);
  channel.setProtocolVersion(statelessVersion);
  if (lists.length > 0) channel.listening.wantLists(lists);
  return introduction;
}

export function parseIntroduction(raw: string): Introduction | undefined {
  try {
    const value: unknown = JSON.parse(raw);
    if (!isRecord(value) || typeof value['protocolVersion'] !== 'string') return undefined;
    return {
      raw,
      protocolVersion: value['protocolVersion'],
      capabilities: isRecord(value['capabilities']) ? value['capabilities'] : {},
      instructions: typeof value['instructions'] === 'string' ? value['instructions'] : undefined,
    };
  } catch {
    return undefined; // damaged snapshot
  }
}

function startFailed(server: string, what: string): AppError {
  return new AppError({
    code: 'SERVER_START_FAILED',
    message: `Server "${server}" ${what}.`,
    hint: `See \`${ownCommand(`logs ${server}`)}\`.`,
  });
}
