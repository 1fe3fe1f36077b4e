// The login at one server: its tokens, their renewal, and the wait for a person.

import { randomBytes } from 'node:crypto';
import type { OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js';
import { cutChars } from '../../base/cut-text.ts';
import { AppError, describeError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { hintForOwn, refusedOwn } from '../transports/http/http-call.ts';
import type { HttpClient } from '../transports/http/http-client.ts';
import { createNodeFetch } from '../transports/http/node-fetch.ts';
import { type Callback, listenForCallback } from './callback.ts';
import { chooseScope, discoverLogin, whyForeign, words } from './discovery.ts';
import { createLoginStore, type LoginStore, type OAuthServer, type StoredLogin } from './login-store.ts';
import { ensureReachableFor } from './login-url.ts';
import { createProvider } from './provider.ts';

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

/** Time to find the page, the password and the second factor. Then the next call starts a new login. */
const loginTimeoutMs = 10 * 60_000;

/** A token that ends within this is renewed before it is used: the call itself takes time too. */
const expiryMarginMs = 30_000;

/** After a login that changed nothing: long enough that no loop of calls asks a person again and again. */
const inVainMs = 5 * 60_000;

/** A browser that is sent to a login, and what its answer is turned into. */
type Asking = {
  callback: Callback;
  discovery: OAuthDiscoveryState;
  state: string;
  url: string;
  scope: string | undefined;
  exchange: (code: string) => Promise<unknown>;
};

export class Login {
  readonly #deps: OAuthDeps;
  readonly #store: LoginStore;
  #server: OAuthServer;
  #stored: StoredLogin;
  #renewing: Promise<boolean> | undefined;
  #waiting: { url: string; abort: AbortController } | undefined;
  #last: { scopes: readonly string[]; atMs: number } | undefined;

  constructor(server: OAuthServer, deps: OAuthDeps) {
    this.#server = server;
    this.#deps = deps;
    this.#store = createLoginStore(deps.folder, server);
    this.#stored = this.#store.load();
  }

  get waiting(): { server: string; url: string } | undefined {
    return this.#waiting && { server: this.#server.name, url: this.#waiting.url };
  }

  /** What the entry says now: a reload or another session may bring another secret or other rights. */
  serve(server: OAuthServer): this {
    this.#server = server;
    return this;
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
    if (this.#waiting) throw needsLogin(this.#server.name, this.#waiting.url);
    this.#renewing ??= this.#renew(challenge).finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  forget(): void {
    this.close();
    this.#stored = {};
    this.#last = undefined;
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
    const { extractWWWAuthenticateParams } = await import('@modelcontextprotocol/sdk/client/auth.js');
    const asked = extractWWWAuthenticateParams(new Response(null, { headers: { 'www-authenticate': challenge } }));
    const needsMore = asked.error === 'insufficient_scope';
    if (needsMore && this.#wasInVain(asked.scope)) throw stillRefused(this.#server, asked.scope);
    const callback = await listenForCallback(this.#server.callbackPort ?? this.#stored.redirectPort);
    let isWaiting = false;
    try {
      const asking = await this.#attempt(callback, { ...asked, needsMore });
      if (!asking) return true;
      isWaiting = true;
      throw this.#wait(asking);
    } catch (error) {
      throw error instanceof AppError ? error : failedLogin(this.#server, error);
    } finally {
      if (!isWaiting) callback.close();
    }
  }

  /** Undefined: the tokens could be renewed without a person. */
  async #attempt(
    callback: Callback,
    asked: { scope?: string; resourceMetadataUrl?: URL; needsMore: boolean },
  ): Promise<Asking | undefined> {
    const { auth } = await import('@modelcontextprotocol/sdk/client/auth.js');
    const { url: server, authServerMetadataUrl: metadataUrl, scopes: configured } = this.#server;
    const fetchFn = createNodeFetch(this.#deps.client, {
      ensureAllowed: (url) => ensureReachableFor(server, url, metadataUrl),
    });
    const { resourceMetadataUrl } = asked;
    const discovery = await discoverLogin({ server, fetchFn, metadataUrl, resourceMetadataUrl });
    const granted = asked.needsMore ? this.#stored.tokens?.scope : undefined;
    const scope = chooseScope({ configured, challenged: asked.scope, granted, found: discovery });
    const state = randomBytes(24).toString('base64url');
    let loginUrl = '';
    const provider = createProvider({
      ...{ server: this.#server, clientName: this.#deps.clientName, callback, state, discovery, scope },
      mustAsk: asked.needsMore,
      stored: () => this.#stored,
      save: (change) => this.#keep({ ...this.#stored, ...change }),
      drop: (names) => this.#drop(names),
      onLoginUrl: (url) => {
        loginUrl = url;
      },
      now: () => this.#now(),
    });
    const options = { serverUrl: server, fetchFn, ...(scope === undefined ? {} : { scope }) };
    if ((await auth(provider, options)) === 'AUTHORIZED') return undefined;
    const exchange = (code: string) => auth(provider, { ...options, authorizationCode: code });
    return { callback, discovery, state, url: loginUrl, scope, exchange };
  }

  /** Waits for the person in the background; returns what the call that caused it is told. */
  #wait({ callback, discovery, state, url, scope, exchange }: Asking): AppError {
    const abort = new AbortController();
    const waiting = { url, abort };
    this.#waiting = waiting;
    const { log, showLogin, onLoggedIn } = this.#deps;
    const { name } = this.#server;
    const limit = setTimeout(() => abort.abort(new Error('nobody logged in')), loginTimeoutMs).unref();
    const finish = async () => {
      try {
        const refusal = (answer: URLSearchParams) => whyForeign(discovery, answer);
        await exchange(await callback.code({ state, refusal, signal: abort.signal }));
        log.info('oauth.logged-in', { server: name });
        this.#last = { scopes: words(scope), atMs: this.#now() };
        this.#waiting = undefined;
        onLoggedIn?.(name);
      } catch (error) {
        log.warn('oauth.login-failed', { server: name, error });
      } finally {
        clearTimeout(limit);
        callback.close();
        if (this.#waiting === waiting) this.#waiting = undefined;
      }
    };
    void finish();
    showLogin(name, url);
    return needsLogin(name, url);
  }

  /** A login a moment ago asked for all of it already: another one would change nothing. */
  #wasInVain(scope: string | undefined): boolean {
    const last = this.#last;
    if (!last || this.#now() - last.atMs > inVainMs) return false;
    return words(scope).every((one) => last.scopes.includes(one));
  }

  #drop(names: readonly (keyof StoredLogin)[]): void {
    const kept = { ...this.#stored };
    for (const name of names) delete kept[name];
    this.#keep(kept);
  }

  #keep(login: StoredLogin): void {
    this.#stored = login;
    this.#store.save(login);
  }
}

export function needsLogin(name: string, url: string): AppError {
  return new AppError({
    code: 'SERVER_NEEDS_LOGIN',
    message: `Server "${name}" needs a login.`,
    hint: `Ask the user to open this address, then call again: ${url}`,
    data: { loginUrl: url, mayHaveRun: false },
  });
}

function stillRefused({ name }: OAuthServer, scope: string | undefined): AppError {
  return new AppError({
    code: 'SERVER_NEEDS_LOGIN',
    message: `Server "${name}" refuses this although the login of a moment ago asked for all that it wants${scope ? ` (${scope})` : ''}.`,
    hint: 'The account may lack these rights. Tell the user; another login is offered in a few minutes.',
    data: { mayHaveRun: false },
  });
}

function failedLogin({ name, ownHeaders = [] }: OAuthServer, error: unknown): AppError {
  const wants = ownHeaders.length > 0 ? refusedOwn(ownHeaders) : 'wants credentials';
  return new AppError({
    code: 'SERVER_NEEDS_LOGIN',
    message: `Server "${name}" ${wants}, and a login could not be started: ${cutChars(describeError(error), 300)}`,
    hint:
      ownHeaders.length > 0 ? hintForOwn(ownHeaders) : 'If it takes a token, add an Authorization header to its entry.',
    cause: error,
    data: { mayHaveRun: false },
  });
}
