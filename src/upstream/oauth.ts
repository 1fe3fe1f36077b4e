// Logins at remote servers. One owner in the daemon: a person logs in once for all sessions, and one refresh serves all
// calls that wait for it. The protocol itself is the MCP SDK's, loaded when the first server asks for a login.
import type { Log } from '../base/log.ts';
import { Login } from './oauth-login.ts';
import { loginKey } from './oauth-store.ts';
import type { Credentials } from './transports/http-call.ts';
import type { HttpClient } from './transports/http-client.ts';

export type OAuthServer = {
  name: string;
  url: URL;
  /** A registration made by hand, or the address of a document that describes us; without it we register ourselves. */
  clientId?: string | undefined;
  clientSecret?: string | undefined;
  callbackPort?: number | undefined;
  scopes?: string | string[] | undefined;
  /** Where the login server is described, in place of what the server says. */
  authServerMetadataUrl?: string | undefined;
  /** Headers of the entry by which the server may know who calls. */
  ownHeaders?: readonly string[] | undefined;
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
  /** Forgets tokens and client of this server. */
  forget: (server: OAuthServer) => void;
  close: () => void;
};

export function createOAuth(deps: OAuthDeps): OAuth {
  const logins = new Map<string, Login>();
  const loginFor = (server: OAuthServer): Login => {
    const key = loginKey(server);
    const known = logins.get(key);
    if (known) return known.serve(server);
    const login = new Login(server, deps);
    logins.set(key, login);
    return login;
  };
  return {
    credentialsFor: (server) => {
      const login = loginFor(server);
      return { header: () => login.header(), renew: (challenge, used) => login.renew(challenge, used) };
    },
    pending: () => [...logins.values()].flatMap((login) => login.waiting ?? []),
    forget: (server) => {
      loginFor(server).forget();
      logins.delete(loginKey(server));
    },
    close: () => {
      for (const login of logins.values()) login.close();
    },
  };
}
