// Revision 2026-07-28 as it differs from those with sessions: what each request carries, what each result must have.

import {
  arrayElements,
  cutEdits,
  type Edit,
  findMember,
  isArrayAt,
  isObjectAt,
  type Member,
  objectMembers,
  type Span,
  stringAt,
  textAt,
} from '../base/json-scan.ts';
import { memberAt, paramsEdit, type RequestEnvelope, type ResponseEnvelope } from './envelope.ts';
import { listKinds, listNames } from './lists.ts';
import { sessionsVersions, statelessVersion } from './versions.ts';

const prefix = 'io.modelcontextprotocol/';
export const metaKeys = {
  protocolVersion: `${prefix}protocolVersion`,
  clientInfo: `${prefix}clientInfo`,
  clientCapabilities: `${prefix}clientCapabilities`,
  logLevel: `${prefix}logLevel`,
  serverInfo: `${prefix}serverInfo`,
  subscriptionId: `${prefix}subscriptionId`,
} as const;

export const modernCodes = {
  headerMismatch: -32020,
  missingCapability: -32021,
  unsupportedVersion: -32022,
} as const;

/** All that a client may ask for: it chooses by what it speaks itself. */
export const spokenVersions: readonly string[] = [statelessVersion, ...sessionsVersions];

/** What went with sessions: known methods that no longer exist. */
const removedMethods: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
  'roots/list',
  'sampling/createMessage',
  'elicitation/create',
  'tasks/list',
  'tasks/result',
]);

export function isRemoved(method: string): boolean {
  return removedMethods.has(method);
}

/** Requests whose answer may be that the client is to be asked first. */
export function mayNeedInput(method: string): boolean {
  return method === 'tools/call' || method === 'prompts/get' || method === 'resources/read';
}

const cacheable: ReadonlySet<string> = new Set([
  'server/discover',
  ...listNames.map((list) => listKinds[list].method),
  'resources/read',
]);

export type RequestMeta = {
  /** As written, for what is compared or handed on. */
  capabilitiesText: string;
  clientInfoText: string | undefined;
  logLevel: string | undefined;
  progressToken: Span | undefined;
};

export type MetaProblem = { code: number; message: string; data?: unknown };

/** What the request says of its client; the version is checked by the caller against its header first. */
export function readRequestMeta({ line, params }: RequestEnvelope): RequestMeta | MetaProblem {
  const meta = memberAt(line, params, ['_meta']);
  const at = (key: string) => memberAt(line, meta, [key]);
  const capabilities = at(metaKeys.clientCapabilities);
  const missing = (key: string): MetaProblem => ({ code: -32602, message: `params._meta needs "${key}".` });
  if (stringAt(line, at(metaKeys.protocolVersion)) === undefined) return missing(metaKeys.protocolVersion);
  if (!isObjectAt(line, capabilities)) return missing(metaKeys.clientCapabilities);
  const info = at(metaKeys.clientInfo);
  return {
    capabilitiesText: textAt(line, capabilities),
    clientInfoText: isObjectAt(line, info) ? textAt(line, info) : undefined,
    logLevel: stringAt(line, at(metaKeys.logLevel)),
    progressToken: at('progressToken'),
  };
}

export function requestedVersion({ line, params }: Pick<RequestEnvelope, 'line' | 'params'>): string | undefined {
  return stringAt(line, memberAt(line, params, ['_meta', metaKeys.protocolVersion]));
}

export function unsupportedVersion(requested: string): MetaProblem {
  const message = `Protocol version ${requested} is not spoken here.`;
  return { code: modernCodes.unsupportedVersion, message, data: { supported: spokenVersions, requested } };
}

/** For a server with sessions: what the request says of its client is no part of the message there. */
export function envelopeEdits({ line, params }: Pick<RequestEnvelope, 'line' | 'params'>): Edit[] {
  const meta = memberAt(line, params, ['_meta']);
  if (!isObjectAt(line, meta)) return [];
  const isOurs = ({ key }: Member) =>
    key === metaKeys.protocolVersion ||
    key === metaKeys.clientInfo ||
    key === metaKeys.clientCapabilities ||
    key === metaKeys.logLevel;
  return removeMembers(line, meta, isOurs);
}

/** Edits that take members out of an object, commas included. */
export function removeMembers(line: Buffer, object: Span, isGone: (member: Member) => boolean): Edit[] {
  const members = objectMembers(line, object);
  const gone = members.map(isGone);
  if (!gone.includes(false)) return [{ at: object, with: '{}' }];
  const ends = members.map(({ value }) => value.end);
  return cutEdits(line, object, ends, (i) => gone[i] === true);
}

export type ResultExtras = { method: string; serverInfoText: string | undefined };

/**
 * What a result of a server with sessions lacks here. Hints about caching say "do not": such a server gave none, and
 * changes are told to who listens.
 */
export function resultEdits({ line, result }: ResponseEnvelope, { method, serverInfoText }: ResultExtras): Edit[] {
  if (!isObjectAt(line, result)) return [];
  const members = objectMembers(line, result);
  const lacks = (key: string) => findMember(members, key) === undefined;
  const added: string[] = [];
  if (lacks('resultType')) added.push('"resultType":"complete"');
  if (cacheable.has(method) && isComplete(line, members)) {
    if (lacks('ttlMs')) added.push('"ttlMs":0');
    if (lacks('cacheScope')) added.push('"cacheScope":"private"');
  }
  if (serverInfoText !== undefined && lacks('_meta')) {
    added.push(`"_meta":{"${metaKeys.serverInfo}":${serverInfoText}}`);
  }
  if (added.length === 0) return [];
  const at = { start: result.start + 1, end: result.start + 1 };
  return [{ at, with: `${added.join(',')}${members.length > 0 ? ',' : ''}` }];
}

function isComplete(line: Buffer, members: readonly Member[]): boolean {
  const type = stringAt(line, findMember(members, 'resultType'));
  return type === undefined || type === 'complete';
}

/** Codes that have another number here. */
export function errorEdits({ line, error }: ResponseEnvelope): Edit[] {
  const code = memberAt(line, error, ['code']);
  return code && textAt(line, code) === '-32002' ? [{ at: code, with: '-32602' }] : [];
}

export function errorCode({ line, error }: ResponseEnvelope): number | undefined {
  const code = memberAt(line, error, ['code']);
  return code && Number(textAt(line, code));
}

/** Status of an answer that stands alone; inside a stream it is too late for one. */
export function statusOf(code: number | undefined): number {
  if (code === -32601) return 404;
  const values: number[] = Object.values(modernCodes);
  return code !== undefined && values.includes(code) ? 400 : 200;
}

export type ListenFilter = {
  lists: ReadonlySet<'tools' | 'prompts' | 'resources'>;
  uris: readonly string[];
};

export function readListenFilter({ line, params }: RequestEnvelope): ListenFilter | undefined {
  const wanted = memberAt(line, params, ['notifications']);
  if (!isObjectAt(line, wanted)) return undefined;
  const isOn = (key: string) => {
    const at = memberAt(line, wanted, [key]);
    return at !== undefined && textAt(line, at) === 'true';
  };
  const lists = (['tools', 'prompts', 'resources'] as const).filter((list) => isOn(`${list}ListChanged`));
  const subscriptions = memberAt(line, wanted, ['resourceSubscriptions']);
  const uris = isArrayAt(line, subscriptions)
    ? arrayElements(line, subscriptions).flatMap((at) => stringAt(line, at) ?? [])
    : [];
  return { lists: new Set(lists), uris: [...new Set(uris)] };
}

/**
 * "The person has to open this page first" is an error of the sessions era; here the same is said by asking, and the
 * program's next try is the call anew. undefined: it is another error.
 */
export function pagesAsInput({ line, error }: ResponseEnvelope): string | undefined {
  const code = memberAt(line, error, ['code']);
  const pages = memberAt(line, error, ['data', 'elicitations']);
  if (!code || textAt(line, code) !== '-32042' || !isArrayAt(line, pages)) return undefined;
  const requests = arrayElements(line, pages).map(
    (page, i) => `"page-${i + 1}":{"method":"elicitation/create","params":${textAt(line, page)}}`,
  );
  return `{"resultType":"input_required","inputRequests":{${requests.join(',')}}}`;
}

/** What a request to a server without sessions says of who asks. */
export type WhoAsks = {
  clientInfo: Record<string, unknown>;
  capabilities: Record<string, unknown>;
  logLevel?: string;
};

export function envelopeMeta({ clientInfo, capabilities, logLevel }: WhoAsks): Record<string, unknown> {
  return {
    [metaKeys.protocolVersion]: statelessVersion,
    [metaKeys.clientInfo]: clientInfo,
    [metaKeys.clientCapabilities]: capabilities,
    ...(logLevel === undefined ? {} : { [metaKeys.logLevel]: logLevel }),
  };
}

/** Puts it into a request of a program that has a session. */
export function addEnvelopeEdits({ line, params }: Pick<RequestEnvelope, 'line' | 'params'>, own: WhoAsks): Edit[] {
  const members = JSON.stringify(envelopeMeta(own)).slice(1, -1);
  const meta = memberAt(line, params, ['_meta']);
  const insert = (object: Span, text: string): Edit[] => {
    const at = { start: object.start + 1, end: object.start + 1 };
    return [{ at, with: objectMembers(line, object).length > 0 ? `${text},` : text }];
  };
  if (isObjectAt(line, meta)) return insert(meta, members);
  if (isObjectAt(line, params)) return insert(params, `"_meta":{${members}}`);
  return [paramsEdit(line, `{"_meta":{${members}}}`)];
}
