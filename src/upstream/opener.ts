// How one copy is reached, by the kind of its server: a pipe for all sessions, or an HTTP session for each.

import { processStartTime } from '../base/process-identity.ts';
import type { Journal } from './process/journal.ts';
import type { TreeWatch } from './process/tree-watch.ts';
import { ensureWorkFolder, instanceEnv, type Opener, type OpenerRequest } from './reach.ts';
import type { RemoteOpener } from './remote-opener.ts';
import { openStdio } from './transports/stdio.ts';
import type { Transport } from './transports/transport.ts';

export type OpenerDeps = {
  /** Ready when the predecessor's leftovers are gone: two copies of one server must not meet. */
  journal: () => Promise<Journal>;
  maxMessageBytes: () => number;
  workDir: string;
  /** By which processes of this daemon are found after its death. */
  markerTag: string;
  watch: TreeWatch;
  /** What speaks HTTP, SSE or WebSocket. */
  remote: RemoteOpener;
};

export function createOpener(request: OpenerRequest, deps: OpenerDeps): Opener {
  const { spec } = request.resolved;
  return spec.kind === 'stdio' ? createStdioOpener(request, deps) : deps.remote.open(request);
}

function createStdioOpener(request: OpenerRequest, deps: OpenerDeps): Opener {
  const { entry, resolved, instanceId } = request;
  let current: Transport | undefined;
  let path: string | undefined;
  return {
    isPerSession: false,
    isLocal: true,
    pid: () => current?.pid,
    describe: () => ({
      ...(path ? { command: path } : {}),
      cwd: resolved.cwd,
      environment: Object.keys(instanceEnv(request)).sort(),
    }),
    open: async (events) => {
      const journal = await deps.journal();
      ensureWorkFolder(resolved.cwd, deps.workDir);
      let pid: number | undefined;
      let isRefreshed = false;
      const transport = openStdio(
        {
          command: resolved.spec.command ?? '',
          args: resolved.spec.args,
          cwd: resolved.cwd,
          env: instanceEnv(request),
          instanceId: `${instanceId}-${deps.markerTag}`,
          maxLineBytes: deps.maxMessageBytes(),
        },
        {
          ...events,
          onMessage: (line) => {
            // `npx` and scripts replace their command line after the start: by the first message it is the final one.
            if (pid !== undefined && !isRefreshed) {
              isRefreshed = true;
              journal.refresh(pid);
            }
            events.onMessage(line);
          },
          onExit: (exit) => {
            const ended = pid;
            // What it started may still be ending: until then the next daemon must know of it.
            void transport.close('it ended').finally(() => ended !== undefined && journal.remove(ended));
            if (current === transport) current = undefined;
            events.onExit(exit);
          },
        },
        {
          watch: deps.watch,
          onTree: journal.noteTree,
          onStarted: (started) => {
            pid = started.pid;
            path = started.path;
            const startTime = started.startTime || processStartTime(started.pid) || '';
            journal.add({ pid, startTime, pgid: started.pgid, marker: started.marker, server: entry.name });
          },
        },
      );
      current = transport;
      return transport;
    },
  };
}
