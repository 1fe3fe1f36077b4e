import { createServer } from 'node:net';
import { systemCode } from '../../base/errors.ts';
import { describePortHolder } from '../../base/port-holder.ts';
import type { Check } from './check.ts';

export const port: Check = {
  name: 'port',
  title: 'The HTTP port',
  run: async ({ found: { status, problem }, config }) => {
    const say =
      'Set "http": {"port": 0} (any free one) or another port in the config. Sessions use the socket and are not affected.';
    if (status) {
      const { portProblem } = status.daemon;
      return portProblem ? [{ severity: 'warning', what: `HTTP: ${portProblem}.`, fix: { say } }] : [];
    }
    if (problem || !config.ok || config.config.http.port === 'off' || config.config.http.port === 0) return [];
    const wanted = config.config.http.port;
    const code = await tryListen(wanted);
    if (code === undefined) return [];
    const what = code === 'EADDRINUSE' ? `${describePortHolder(wanted) ?? 'another program'} holds it` : code;
    return [{ severity: 'warning', what: `Port ${wanted} cannot be used: ${what}.`, fix: { say } }];
  },
};

/** Bound for an instant: nobody has to be connected to, so nobody is sent anything. */
function tryListen(wanted: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error) => resolve(systemCode(error) ?? String(error)));
    server.listen(wanted, '127.0.0.1', () => server.close(() => resolve(undefined)));
  });
}
