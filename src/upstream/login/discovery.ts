// Who logs people in for a server, whether that is really who it says, and which rights a login asks for.
import type { OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js';
import type { AuthorizationServerMetadata } from '@modelcontextprotocol/sdk/shared/auth.js';
import { cutChars } from '../../base/cut-text.ts';
import { AppError } from '../../base/errors.ts';
import type { NodeFetch } from '../transports/http/node-fetch.ts';

export type Discover = {
  server: URL;
  /** Named by the server's challenge. */
  resourceMetadataUrl?: URL | undefined;
  /** Given by a person, in place of what the server says. */
  metadataUrl?: string | undefined;
  fetchFn: NodeFetch;
};

/** Rejects if the description of the login server is of another one than it was asked for (RFC 8414, section 3.3). */
export async function discoverLogin({ server, resourceMetadataUrl, metadataUrl, fetchFn }: Discover) {
  if (metadataUrl !== undefined) return configuredLogin(server, metadataUrl, fetchFn);
  const { discoverOAuthServerInfo } = await import('@modelcontextprotocol/sdk/client/auth.js');
  const asked = resourceMetadataUrl ? { resourceMetadataUrl } : {};
  const found: OAuthDiscoveryState = await discoverOAuthServerInfo(server, { fetchFn, ...asked });
  ensureOwnIssuer(found);
  return resourceMetadataUrl ? { ...found, resourceMetadataUrl: resourceMetadataUrl.href } : found;
}

async function configuredLogin(server: URL, metadataUrl: string, fetchFn: NodeFetch): Promise<OAuthDiscoveryState> {
  const { OAuthMetadataSchema, OpenIdProviderDiscoveryMetadataSchema } = await import(
    '@modelcontextprotocol/sdk/shared/auth.js'
  );
  if (!URL.canParse(metadataUrl)) throw badMetadata(metadataUrl, 'it is no URL');
  const response = await fetchFn(metadataUrl, { headers: { accept: 'application/json' } });
  if (!response.ok) throw badMetadata(metadataUrl, `it answers HTTP ${response.status}`);
  const body: unknown = await response.json().catch(() => undefined);
  const parsed = OAuthMetadataSchema.or(OpenIdProviderDiscoveryMetadataSchema).safeParse(body);
  if (!parsed.success) throw badMetadata(metadataUrl, 'what is there describes no login server');
  const metadata: AuthorizationServerMetadata = parsed.data;
  return {
    authorizationServerUrl: metadata.issuer,
    authorizationServerMetadata: metadata,
    resourceMetadata: { resource: server.href },
  };
}

/**
 * Without it, one login server could pass for another and be sent its codes. A server of the first revisions describes
 * its login itself, at its own origin: there nobody else was asked for, and some do name another issuer.
 */
function ensureOwnIssuer({
  authorizationServerUrl,
  authorizationServerMetadata,
  resourceMetadata,
}: OAuthDiscoveryState) {
  const issuer = authorizationServerMetadata?.issuer;
  const isNamed = (resourceMetadata?.authorization_servers ?? []).length > 0;
  if (issuer === undefined || !isNamed || withoutSlash(issuer) === withoutSlash(authorizationServerUrl)) return;
  throw new AppError({
    code: 'SERVER_FAILED',
    message: `The login server ${authorizationServerUrl} says that it is ${cutChars(issuer, 200)}, so it is not used.`,
    hint: 'Tell the maker of the server. If you trust that one, name its description in `oauth.authServerMetadataUrl`.',
  });
}

/** Both forms lead to the same well-known address, and many write one here and the other there. */
function withoutSlash(text: string): string {
  return text.replace(/\/$/, '');
}

/**
 * Why an answer of the browser cannot be from the login server that was asked; undefined: it can. Compared as text:
 * RFC 9207 allows no normalisation.
 */
export function whyForeign(found: OAuthDiscoveryState, answer: URLSearchParams): string | undefined {
  const given = answer.get('iss');
  const metadata = found.authorizationServerMetadata;
  if (given === null)
    return promisesIssuer(metadata) ? 'the answer does not say which login server it is from' : undefined;
  return given === (metadata?.issuer ?? found.authorizationServerUrl) ? undefined : 'another login server answered';
}

function promisesIssuer(metadata: AuthorizationServerMetadata | undefined): boolean {
  if (!metadata) return false;
  return Object.getOwnPropertyDescriptor(metadata, 'authorization_response_iss_parameter_supported')?.value === true;
}

export type ScopeSources = {
  /** What a person pinned. */
  configured: string | string[] | undefined;
  /** What the server asks for now. */
  challenged: string | undefined;
  /** What the tokens have, if they are to get more. */
  granted: string | undefined;
  found: OAuthDiscoveryState;
};

/** Undefined: none is named, and the login server decides. */
export function chooseScope({ configured, challenged, granted, found }: ScopeSources): string | undefined {
  const pinned = words(configured);
  if (pinned.length > 0) return pinned.join(' ');
  const wanted = words(challenged ?? found.resourceMetadata?.scopes_supported);
  if (wanted.length === 0) return undefined;
  // Whoever lists it gives a token that can be renewed only to those who ask for it.
  const offline = found.authorizationServerMetadata?.scopes_supported?.includes('offline_access') === true;
  return [...new Set([...words(granted), ...wanted, ...(offline ? ['offline_access'] : [])])].join(' ');
}

export function words(scope: string | readonly string[] | undefined): string[] {
  return [scope ?? []]
    .flat()
    .flatMap((text) => text.split(/\s+/))
    .filter(Boolean);
}

function badMetadata(url: string, why: string): AppError {
  return new AppError({
    code: 'CONFIG_INVALID',
    message: `oauth.authServerMetadataUrl ${cutChars(url, 200)} cannot be used: ${why}.`,
    hint: 'It is the address of a document such as https://login.example.com/.well-known/oauth-authorization-server.',
  });
}
