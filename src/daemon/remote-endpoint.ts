// The TCP side: listening, the token, and what happens while another program has the port.
import { systemCode } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { describePortHolder } from '../base/port-holder.ts';
import { loadToken } from './control/guard.ts';
import type { ControlHttp } from './control/http-server.ts';

export type RemoteEndpoint = {
  readonly port: number | undefined;
  readonly problem: string | undefined;
  readonly token: string;
  /** Listens there instead. */
  move: (port: number | 'off') => void;
  close: () => void;
};

export type RemoteEndpointDeps = {
  http: () => ControlHttp;
  port: number | 'off';
  tokenPath: string;
  onPort: (port: number | undefined) => void;
  /** What was opened with the old one is nobody's now. */
  onTokenReplaced: () => void;
  log: Log;
};

/** The holder may be a program that ends soon, such as a daemon of another run folder. */
const retryMs = 30_000;

export function openRemoteEndpoint(deps: RemoteEndpointDeps): RemoteEndpoint {
  let token = deps.port === 'off' ? '' : loadToken(deps.tokenPath);
  let listening: number | undefined;
  let problem: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  const attempt = async (port: number): Promise<void> => {
    try {
      listening = await deps.http().listen(port);
      problem = undefined;
      deps.onPort(listening);
    } catch (error) {
      if (systemCode(error) !== 'EADDRINUSE') {
        problem = `port ${port} cannot be used (${systemCode(error) ?? String(error)})`;
      } else {
        const holder = describePortHolder(port);
        problem = `port ${port} is held by ${holder ?? 'another program'}; sessions use the socket and are not affected`;
        // Whoever holds it may have been sent the token by a program that thought it was us.
        token = loadToken(deps.tokenPath, true);
        deps.onTokenReplaced();
        timer = setTimeout(() => void attempt(port), retryMs);
        timer.unref();
      }
      deps.log.warn('http.not-listening', { port, problem });
    }
  };
  if (deps.port !== 'off') void attempt(deps.port);
  return {
    get port() {
      return listening;
    },
    get problem() {
      return problem;
    },
    get token() {
      return token;
    },
    move: (port) => {
      clearTimeout(timer);
      deps.http().unlisten();
      listening = undefined;
      problem = undefined;
      deps.onPort(undefined);
      if (port === 'off') return;
      token ||= loadToken(deps.tokenPath);
      void attempt(port);
    },
    close: () => clearTimeout(timer),
  };
}
