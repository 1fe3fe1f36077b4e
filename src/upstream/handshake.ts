// Our initialize toward a server, and what it said of itself.

import { AppError } from '../base/errors.ts';
import { textAt } from '../base/json-scan.ts';
import { ownBuild } from '../link/build.ts';
import { isRecord } from '../link/hello.ts';
import { latestLegacyVersion, legacyVersions, modernVersion } from '../mcp/eras.ts';
import { notificationLine, rpcCodes } from '../mcp/messages.ts';
import { envelopeMeta, errorCode, metaKeys, modernCodes } from '../mcp/modern.ts';
import type { Channel } from './channel.ts';

export type Introduction = {
  /** The InitializeResult as the server wrote it. */
  raw: string;
  protocolVersion: string;
  capabilities: Record<string, unknown>;
  instructions: string | undefined;
};

/** Throws the server's error, the loss of the channel, or SERVER_START_FAILED for a version that we do not speak. */
export async function introduce(
  channel: Channel,
  server: string,
  capabilities: Record<string, unknown>,
): Promise<Introduction> {
  const answer = await channel.ask('initialize', { protocolVersion: latestLegacyVersion, capabilities, clientInfo });
  if (!answer.result) {
    // It may know only the revision without a handshake: asked on the same connection, so nothing starts twice.
    const discovered = mayBeModern(errorCode(answer)) ? await discover(channel) : undefined;
    if (discovered) return discovered;
    const text = answer.error ? textAt(answer.line, answer.error) : 'no result';
    throw startFailed(server, `answered initialize with an error: ${text.slice(0, 500)}`);
  }
  const introduction = parseIntroduction(textAt(answer.line, answer.result));
  if (!introduction) throw startFailed(server, 'answered initialize with something that is no InitializeResult');
  if (!legacyVersions.some((version) => version === introduction.protocolVersion)) {
    throw startFailed(server, `speaks MCP ${introduction.protocolVersion}, which this version does not`);
  }
  channel.setProtocolVersion(introduction.protocolVersion);
  channel.send(notificationLine('notifications/initialized'));
  return introduction;
}

/** Unknown method, missing `_meta`, unsupported version: how such a server refuses a handshake. */
function mayBeModern(code: number | undefined): boolean {
  return code === rpcCodes.methodNotFound || code === rpcCodes.invalidParams || code === modernCodes.unsupportedVersion;
}

const clientInfo = { name: 'aitkit-mcp-proxy', title: 'aitkit mcp-proxy', version: ownBuild.version };

/** What a server without sessions says of itself, as if it had been a handshake; undefined: it is none. */
async function discover(channel: Channel): Promise<Introduction | undefined> {
  channel.setMeta(envelopeMeta({ clientInfo, capabilities: {} }));
  const answer = await channel.ask('server/discover', {});
  const found: unknown = answer.result && JSON.parse(textAt(answer.line, answer.result));
  const versions = isRecord(found) ? found['supportedVersions'] : undefined;
  if (!isRecord(found) || !Array.isArray(versions) || !versions.includes(modernVersion)) return undefined;
  channel.setProtocolVersion(modernVersion);
  const meta = isRecord(found['_meta']) ? found['_meta'] : {};
  const capabilities = isRecord(found['capabilities']) ? found['capabilities'] : {};
  const { instructions } = found;
  const serverInfo = meta[metaKeys.serverInfo] ?? { name: 'unknown', version: '0' };
  const raw = { protocolVersion: modernVersion, capabilities, serverInfo, ...(instructions ? { instructions } : {}) };
  const changes = ['tools', 'prompts', 'resources'].filter((list) => capabilities[list] !== undefined);
  if (changes.length > 0) channel.listen(Object.fromEntries(changes.map((list) => [`${list}ListChanged`, true])));
  return parseIntroduction(JSON.stringify(raw));
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
    hint: `See \`mcp-proxy logs ${server}\`.`,
  });
}
