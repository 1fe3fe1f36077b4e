// Logins at remote servers. One owner in the daemon: a person logs in once for all sessions, and one refresh serves all
// calls that wait for it. The protocol itself is the MCP SDK's, loaded when the first server asks for a login.

import type { Credentials } from '../transports/http/http-call.ts';
import { Login, type OAuthDeps } from './login.ts';
import { loginKey, type OAuthServer } from './login-store.ts';

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
