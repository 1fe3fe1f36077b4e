// Logins at remote servers. One owner in the daemon: a person logs in once for all sessions, and one refresh serves all
// calls that wait for it. The protocol itself is the MCP SDK's, loaded when the first server asks for a login.
import { randomBytes } from 'node:crypto';
import type { OAuthClientProvider, OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js';
import { AppError, describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { type Callback, listenForCallback } from './oauth-callback.ts';
import { createLoginStore, type LoginStore, type StoredLogin } from './oauth-store.ts';
import { ensureReachableFor, ensureSafeToOpen } from './oauth-url.ts';
import type { Credentials } from './transports/http-call.ts';
import type { HttpClient } from './transports/http-client.ts';
import { createNodeFetch } from './transports/node-fetch.ts';

export type OAuthServer = {
  name: string;
  url: URL;
  /** A registration made by hand; without it we register ourselves. */
  clientId?: string | undefined;
  clientSecret?: string | undefined;
  callbackPort?: number | undefined;
  scopes?: string | string[] | undefined;
};

export type OAuthDeps = {
  /** `<data dir>/oauth`. */
  folder: string;
  client: HttpClient;
  log: Log;
  /** The person has to open this address; called once for each login. Must not run it through a shell. */
  showLogin: (server: string, url: string) => void;
  onLoggedIn?: (server: string) => void;
  clientName: string;
  now?: () => number;
};

export type OAuth = {
  credentialsFor: (server: OAuthServer) => Credentials;
  /** Logins that wait for a person. */
  pending: () => { server: string; url: string }[];
  /** Forgets tokens and client of this address. */
  forget: (url: URL) => void;
  close: () => void;
};

/** Time to find the page, the password and the second factor. Then the next call starts a new login. */
const loginTimeoutMs = 10 * 60_000;

/** A token that ends within this is renewed before it is used: the call itself takes time too. */
const expiryMarginMs = 30_000;

export function createOAuth(deps: OAuthDeps): OAuth {
  const logins = new Map<string, Login>();
  const loginFor = (server: OAuthServer): Login => {
    const known = logins.get(server.url.href);
    if (known) return known;
    const login = new Login(server, deps);
    logins.set(server.url.href, login);
    return login;
  };
  return {
    credentialsFor: (server) => {
      const login = loginFor(server);
      return { header: () => login.header(), renew: (challenge, used) => login.renew(challenge, used) };
    },
    pending: () => [...logins.values()].flatMap((login) => login.waiting ?? []),
    forget: (url) => {
      const login = logins.get(url.href) ?? new Login({ name: url.host, url }, deps);
      login.forget();
      logins.delete(url.href);
    },
    close: () => {
      for (const login of logins.values()) login.close();
    },
  };
}

class Login {
  readonly #server: OAuthServer;
  readonly #deps: OAuthDeps;
  readonly #store: LoginStore;
  #stored: StoredLogin;
  #renewing: Promise<boolean> | undefined;
  #waiting: { url: string; abort: AbortController } | undefined;

  constructor(server: OAuthServer, deps: OAuthDeps) {
    this.#server = server;
    this.#deps = deps;
    this.#store = createLoginStore(deps.folder, server.url);
    this.#stored = this.#store.load();
  }

  get waiting(): { server: string; url: string } | undefined {
    return this.#waiting && { server: this.#server.name, url: this.#waiting.url };
  }

  async header(): Promise<string | undefined> {
    const { tokens, obtainedAtMs } = this.#stored;
    if (tokens?.refresh_token && tokens.expires_in !== undefined && obtainedAtMs !== undefined) {
      const endsAt = obtainedAtMs + tokens.expires_in * 1_000 - expiryMarginMs;
      // If it cannot be renewed now, the server decides about the old one.
      if (endsAt <= this.#now()) await this.renew('', this.#header()).catch(() => {});
    }
    return this.#header();
  }

  async renew(challenge: string, used: string | undefined): Promise<boolean> {
    const current = this.#header();
    if (current !== undefined && current !== used) return true; // somebody renewed it meanwhile
    if (this.#waiting) throw needsLogin(this.#server, this.#waiting.url);
    this.#renewing ??= this.#renew(challenge).finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  forget(): void {
    this.close();
    this.#stored = {};
    this.#store.remove();
  }

  close(): void {
    this.#waiting?.abort.abort(new Error('closed'));
  }

  #header(): string | undefined {
    return this.#stored.tokens && `Bearer ${this.#stored.tokens.access_token}`;
  }

  #now(): number {
    return this.#deps.now?.() ?? Date.now();
  }

  async #renew(challenge: string): Promise<boolean> {
    const callback = await listenForCallback(this.#server.callbackPort ?? this.#stored.redirectPort);
    let isWaiting = false;
    try {
      const { auth, extractWWWAuthenticateParams } = await import('@modelcontextprotocol/sdk/client/auth.js');
      const asked = extractWWWAuthenticateParams(new Response(null, { headers: { 'www-authenticate': challenge } }));
      // More rights than the tokens have are given by a person, not by a refresh.
      const attempt = this.#attempt(callback, asked.error === 'insufficient_scope');
      const options = {
        serverUrl: this.#server.url,
        fetchFn: createNodeFetch(this.#deps.client, {
          ensureAllowed: (url) => ensureReachableFor(this.#server.url, url),
        }),
        ...(asked.scope === undefined ? {} : { scope: asked.scope }),
        ...(asked.resourceMetadataUrl ? { resourceMetadataUrl: asked.resourceMetadataUrl } : {}),
      };
      if ((await auth(attempt.provider, options)) === 'AUTHORIZED') return true;
      isWaiting = true;
      const exchange = (code: string) => auth(attempt.provider, { ...options, authorizationCode: code });
      throw this.#wait(callback, attempt, exchange);
    } catch (error) {
      throw error instanceof AppError ? error : failedLogin(this.#server, error);
    } finally {
      if (!isWaiting) callback.close();
    }
  }

  /** Waits for the person in the background; returns what the call that caused it is told. */
  #wait(callback: Callback, { state, url }: Attempt, exchange: (code: string) => Promise<unknown>): AppError {
    const abort = new AbortController();
    const waiting = { url: url(), abort };
    this.#waiting = waiting;
    const { log, showLogin, onLoggedIn } = this.#deps;
    const limit = setTimeout(() => abort.abort(new Error('nobody logged in')), loginTimeoutMs).unref();
    const finish = async () => {
      try {
        await exchange(await callback.code(state, abort.signal));
        log.info('oauth.logged-in', { server: this.#server.name });
        this.#waiting = undefined;
        onLoggedIn?.(this.#server.name);
      } catch (error) {
        log.warn('oauth.login-failed', { server: this.#server.name, error });
      } finally {
        clearTimeout(limit);
        callback.close();
        if (this.#waiting === waiting) this.#waiting = undefined;
      }
    };
    void finish();
    showLogin(this.#server.name, waiting.url);
    return needsLogin(this.#server, waiting.url);
  }

  #attempt(callback: Callback, mustAsk: boolean): Attempt {
    const state = randomBytes(24).toString('base64url');
    const { clientId, clientSecret, scopes } = this.#server;
    const secret = clientSecret === undefined ? {} : { client_secret: clientSecret };
    const byHand = clientId === undefined ? undefined : { client_id: clientId, ...secret };
    let discovery: OAuthDiscoveryState | undefined;
    let verifier = '';
    let loginUrl = '';
    const isRegistered = () => this.#stored.redirectPort === callback.port;
    const save = (change: StoredLogin) => {
      this.#stored = { ...this.#stored, ...change };
      this.#store.save(this.#stored);
    };
    const provider: OAuthClientProvider = {
      redirectUrl: callback.redirectUrl,
      clientMetadata: {
        client_name: this.#deps.clientName,
        redirect_uris: [callback.redirectUrl],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
        ...(scopes === undefined ? {} : { scope: [scopes].flat().join(' ') }),
      },
      state: () => state,
      // Registered for another port: that address is not ours any more, so we register again.
      clientInformation: () => byHand ?? (isRegistered() ? this.#stored.client : undefined),
      saveClientInformation: (client) => {
        if (!byHand) save({ client, redirectPort: callback.port });
      },
      tokens: () => (mustAsk ? undefined : this.#stored.tokens),
      saveTokens: (tokens) => save({ tokens: keepRefresh(tokens, this.#stored.tokens), obtainedAtMs: this.#now() }),
      saveCodeVerifier: (text) => {
        verifier = text;
      },
      codeVerifier: () => verifier,
      discoveryState: () => discovery,
      saveDiscoveryState: (found) => {
        // As the server wrote it: a parsed URL would hide spaces and the like behind escapes.
        const endpoint = found.authorizationServerMetadata?.authorization_endpoint;
        if (endpoint !== undefined) ensureSafeToOpen(endpoint);
        discovery = found;
      },
      redirectToAuthorization: (url) => {
        ensureSafeToOpen(url.href);
        loginUrl = url.href;
      },
      invalidateCredentials: (what) => {
        if (what === 'discovery' || what === 'all') discovery = undefined;
        if (what === 'all' || what === 'client') this.#drop(['client', 'redirectPort']);
        if (what === 'all' || what === 'tokens') this.#drop(['tokens', 'obtainedAtMs']);
      },
    };
    return { provider, state, url: () => loginUrl };
  }

  #drop(names: readonly (keyof StoredLogin)[]): void {
    const kept = { ...this.#stored };
    for (const name of names) delete kept[name];
    this.#stored = kept;
    this.#store.save(kept);
  }
}

type Attempt = { provider: OAuthClientProvider; state: string; url: () => string };

/** A server that does not rotate its refresh token leaves it out of later answers. */
function keepRefresh<T extends { refresh_token?: string | undefined }>(tokens: T, former: T | undefined): T {
  return tokens.refresh_token === undefined && former?.refresh_token
    ? { ...tokens, refresh_token: former.refresh_token }
    : tokens;
}

function needsLogin({ name }: OAuthServer, url: string): AppError {
  return new AppError({
    code: 'SERVER_NEEDS_LOGIN',
    message: `Server "${name}" needs a login.`,
    hint: `Ask the user to open this address, then call again: ${url}`,
    data: { loginUrl: url, mayHaveRun: false },
  });
}

function failedLogin({ name }: OAuthServer, error: unknown): AppError {
  return new AppError({
    code: 'SERVER_NEEDS_LOGIN',
    message: `Server "${name}" wants credentials, and a login could not be started: ${describeError(error).slice(0, 300)}`,
    hint: 'If it takes a token, add an Authorization header to its entry.',
    cause: error,
    data: { mayHaveRun: false },
  });
}
