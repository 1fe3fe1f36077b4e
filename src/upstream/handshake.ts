// Who a server is and which protocol family it speaks: our initialize, or its own introduction where it knows no
// handshake. Asked on one connection, whichever comes first, so that nothing starts twice to find out.

import { AppError } from '../base/errors.ts';
import { textAt } from '../base/json-scan.ts';
import { ownCommand } from '../base/own-command.ts';
import { ownBuild } from '../link/build.ts';
import { isRecord } from '../link/hello.ts';
import type { ResponseEnvelope } from '../mcp/envelope.ts';
import { latestLegacyVersion, legacyVersions, modernVersion } from '../mcp/eras.ts';
import { notificationLine } from '../mcp/messages.ts';
import { envelopeMeta, errorCode, metaKeys, modernCodes } from '../mcp/modern.ts';
import type { Channel } from './channel.ts';
import type { ListenedList } from './modern-listening.ts';

export type Introduction = {
  /** The InitializeResult as the server wrote it. */
  raw: string;
  protocolVersion: string;
  capabilities: Record<string, unknown>;
  instructions: string | undefined;
};

export type IntroduceOptions = {
  server: string;
  capabilities: Record<string, unknown>;
  /** What it spoke when it was last seen: asked that way first. */
  knownVersion?: string | undefined;
};

/**
 * A server that was replaced by an older one may keep silent when it is asked the newer way first. Longer than any that
 * runs already needs; a slow start only has both questions on its way.
 */
const silentMs = 5_000;

/** Throws the server's error, the loss of the channel, or SERVER_START_FAILED for a version that we do not speak. */
export async function introduce(channel: Channel, options: IntroduceOptions): Promise<Introduction> {
  const isKnown = options.knownVersion === modernVersion;
  const asked = isKnown ? discover(channel) : undefined;
  const early = asked && (await Promise.race([asked, silence()]));
  if (early) return adopt(channel, early);
  // It answered otherwise, or not yet: both are asked, and the first that has something to say counts.
  return initialize(channel, options, () => asked ?? discover(channel));
}

async function initialize(
  channel: Channel,
  { server, capabilities }: IntroduceOptions,
  findModern: () => Promise<Modern | undefined>,
): Promise<Introduction> {
  const answer = await askInitialize(channel, capabilities);
  if (answer instanceof AppError || !answer.result) {
    // It may know only the revision without a handshake, whose servers refuse one with an error of their choice.
    const discovered = await findModern();
    if (discovered) return adopt(channel, discovered);
    if (answer instanceof AppError) throw answer;
    const text = answer.error ? textAt(answer.line, answer.error) : 'no result';
    throw startFailed(server, `answered initialize with an error: ${text.slice(0, 500)}`);
  }
  const introduction = parseIntroduction(textAt(answer.line, answer.result));
  if (!introduction) throw startFailed(server, 'answered initialize with something that is no InitializeResult');
  if (!legacyVersions.some((version) => version === introduction.protocolVersion)) {
    throw startFailed(server, `speaks MCP ${introduction.protocolVersion}, which this version does not`);
  }
  channel.setMeta(undefined);
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
    const params = { protocolVersion: latestLegacyVersion, capabilities, clientInfo };
    // The handshake knows no envelope of the newer family, even where that was asked for first.
    channel.setMeta(undefined);
    return await channel.ask('initialize', params);
  } catch (error) {
    if (error instanceof AppError && refusals.has(Number(error.data?.['status']))) return error;
    throw error;
  }
}

/** How HTTP servers refuse what they do not know; 401 and 403 want a login instead. */
const refusals: ReadonlySet<number> = new Set([400, 404, 405, 406, 415]);

/**
 * What a server that never heard of the question may make of it, an error of its own or a page included. A login that is
 * needed and a server that is busy or away would be the same the other way.
 */
function isNoAnswer(status: number): boolean {
  return status >= 200 && ![401, 403, 429, 502, 503, 504].includes(status);
}

/** The version was refused, and is among those that the server says it speaks. */
function isOffered(answer: ResponseEnvelope): boolean {
  const { error, line } = answer;
  if (!error || errorCode(answer) !== modernCodes.unsupportedVersion) return false;
  const said: unknown = JSON.parse(textAt(line, error));
  const data = isRecord(said) ? said['data'] : undefined;
  const supported = isRecord(data) ? data['supported'] : undefined;
  return Array.isArray(supported) && supported.includes(modernVersion);
}

function silence(): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), silentMs).unref();
  });
}

const clientInfo = { name: 'aitkit-mcp-proxy', title: 'aitkit mcp-proxy', version: ownBuild.version };
const ownMeta = envelopeMeta({ clientInfo, capabilities: {} });

type Modern = { introduction: Introduction; lists: readonly ListenedList[] };

/** What a server without sessions says of itself, as if it had been a handshake; undefined: it is none. */
async function discover(channel: Channel): Promise<Modern | undefined> {
  channel.setMeta(ownMeta);
  const ask = () => channel.ask('server/discover', {});
  const answer = await ask()
    // A server that is choosy at first names what it speaks, and then has to be asked in that.
    .then((first) => (isOffered(first) ? ask() : first))
    .catch((error: unknown) => {
      if (error instanceof AppError && isNoAnswer(Number(error.data?.['status']))) return undefined;
      throw error;
    });
  const found: unknown = answer?.result && JSON.parse(textAt(answer.line, answer.result));
  const versions = isRecord(found) ? found['supportedVersions'] : undefined;
  if (!isRecord(found) || !Array.isArray(versions) || !versions.includes(modernVersion)) return undefined;
  const meta = isRecord(found['_meta']) ? found['_meta'] : {};
  const capabilities = isRecord(found['capabilities']) ? found['capabilities'] : {};
  const { instructions } = found;
  const serverInfo = meta[metaKeys.serverInfo] ?? { name: 'unknown', version: '0' };
  const raw = { protocolVersion: modernVersion, capabilities, serverInfo, ...(instructions ? { instructions } : {}) };
  const introduction = parseIntroduction(JSON.stringify(raw));
  const lists = (['tools', 'prompts', 'resources'] as const).filter((list) => capabilities[list] !== undefined);
  return introduction && { introduction, lists };
}

/** From now on it is spoken to without a session. */
function adopt(channel: Channel, { introduction, lists }: Modern): Introduction {
  channel.setMeta(ownMeta);
  channel.setProtocolVersion(modernVersion);
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
