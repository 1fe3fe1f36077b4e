// What happens in the daemon, as server-sent events for programs that watch it: the log's own events.
import { wholeJson } from '../../base/cut-text.ts';
import type { Log, LogFields, LogLevel } from '../../base/log.ts';
import type { RouteContext } from './http-server.ts';

export type EventStream = { log: Log; subscribe: (context: RouteContext) => void };

/** A watcher that does not read is dropped instead of being remembered for. */
const maxUnreadBytes = 1024 * 1024;

export function createEventStream(inner: Log, redact: (text: string) => string): EventStream {
  const watchers = new Set<RouteContext['response']>();
  const publish = (level: LogLevel, event: string, fields: LogFields | undefined) => {
    if (watchers.size === 0) return;
    const { error: _error, ...rest } = fields ?? {};
    const data = redact(wholeJson({ time: new Date().toISOString(), level, event, ...rest }));
    for (const response of watchers) {
      response.write(`event: ${event}\ndata: ${data}\n\n`);
      if (response.writableLength > maxUnreadBytes) response.destroy();
    }
  };
  const both =
    (level: LogLevel) =>
    (event: string, fields?: LogFields): void => {
      inner[level](event, fields);
      publish(level, event, fields);
    };
  return {
    log: { debug: both('debug'), info: both('info'), warn: both('warn'), error: both('error') },
    subscribe: ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      response.write(': watching\n\n');
      watchers.add(response);
      response.on('close', () => watchers.delete(response));
    },
  };
}
