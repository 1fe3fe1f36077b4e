// One login as the MCP SDK sees it: who we are, where the browser comes back to, what is kept.
import type { OAuthClientProvider, OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js';
import type { OAuthClientInformationMixed } from '@modelcontextprotocol/sdk/shared/auth.js';
import type { Callback } from './callback.ts';
import type { OAuthServer, StoredLogin } from './login-store.ts';
import { ensureSafeToOpen } from './login-url.ts';

export type ProviderOptions = {
  server: OAuthServer;
  clientName: string;
  callback: Callback;
  state: string;
  discovery: OAuthDiscoveryState;
  scope: string | undefined;
  /** More rights than the tokens have are given by a person, not by a refresh. */
  mustAsk: boolean;
  stored: () => StoredLogin;
  save: (change: StoredLogin) => void;
  drop: (names: readonly (keyof StoredLogin)[]) => void;
  onLoginUrl: (url: string) => void;
  now: () => number;
};

export function createProvider(options: ProviderOptions): OAuthClientProvider {
  const { server, callback, stored, save, drop } = options;
  const byHand = registrationByHand(server);
  let discovery: OAuthDiscoveryState | undefined = options.discovery;
  let verifier = '';
  let wasAsked = false;
  ensureSafeDiscovery(discovery);
  return {
    redirectUrl: callback.redirectUrl,
    clientMetadata: describeClient(options),
    state: () => options.state,
    // Registered for another port: that address is not ours any more, so we register again.
    clientInformation: () => byHand ?? (stored().redirectPort === callback.port ? stored().client : undefined),
    saveClientInformation: (client) => {
      if (!byHand) save({ client, redirectPort: callback.port });
    },
    tokens: () => (options.mustAsk ? undefined : stored().tokens),
    saveTokens: (tokens) => {
      // A login server that gives all that was asked for need not say so; a renewal changes nothing about it.
      const unsaid = wasAsked ? options.scope : stored().tokens?.scope;
      const scope = tokens.scope ?? unsaid;
      const kept = keepRefresh(tokens, stored().tokens);
      save({ tokens: scope === undefined ? kept : { ...kept, scope }, obtainedAtMs: options.now() });
    },
    saveCodeVerifier: (text) => {
      verifier = text;
    },
    codeVerifier: () => verifier,
    discoveryState: () => discovery,
    saveDiscoveryState: (found) => {
      ensureSafeDiscovery(found);
      discovery = found;
    },
    redirectToAuthorization: (url) => {
      ensureSafeToOpen(url.href);
      wasAsked = true;
      options.onLoginUrl(url.href);
    },
    invalidateCredentials: (what) => {
      if (what === 'discovery') discovery = undefined;
      if (what === 'all' || what === 'client') drop(['client', 'redirectPort']);
      if (what === 'all' || what === 'tokens') drop(['tokens', 'obtainedAtMs']);
    },
  };
}

/** `application_type` is newer than the SDK's type of it (SEP-837): without it some take us for a web page. */
function describeClient({ clientName, callback, discovery, scope }: ProviderOptions) {
  return {
    client_name: clientName,
    redirect_uris: [callback.redirectUrl],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: authMethod(discovery),
    application_type: 'native',
    ...(scope === undefined ? {} : { scope }),
  };
}

function registrationByHand({ clientId, clientSecret }: OAuthServer): OAuthClientInformationMixed | undefined {
  if (clientId === undefined) return undefined;
  return { client_id: clientId, ...(clientSecret === undefined ? {} : { client_secret: clientSecret }) };
}

/** As the server wrote it: a parsed URL would hide spaces and the like behind escapes. */
function ensureSafeDiscovery({ authorizationServerMetadata }: OAuthDiscoveryState): void {
  const endpoint = authorizationServerMetadata?.authorization_endpoint;
  if (endpoint !== undefined) ensureSafeToOpen(endpoint);
}

/** A program on a person's machine keeps no secret, so none is asked for where the login server can do without. */
function authMethod({ authorizationServerMetadata: found }: OAuthDiscoveryState): string {
  const supported = found?.token_endpoint_auth_methods_supported ?? ['none'];
  const known = ['none', 'client_secret_basic', 'client_secret_post'];
  return known.find((method) => supported.includes(method)) ?? 'none';
}

/** A server that does not rotate its refresh token leaves it out of later answers. */
function keepRefresh<T extends { refresh_token?: string | undefined }>(tokens: T, former: T | undefined): T {
  return tokens.refresh_token === undefined && former?.refresh_token
    ? { ...tokens, refresh_token: former.refresh_token }
    : tokens;
}
