// Two sessions and one server in memory, with a way to forward requests of theirs.
import type { ForwardDeps } from '../../src/calls/forward.ts';
import type { Answer } from '../../src/upstream/channel-request.ts';
import { createWorld, request, type SessionSetup } from './call-rig.ts';
import type { ServerSetup } from './memory-server.ts';

type Setup = ServerSetup & { entry?: Record<string, unknown> };

export async function openForward(setup: Setup = {}, deps: Partial<ForwardDeps> = {}, own: SessionSetup = {}) {
  const world = createWorld({ servers: { s: setup } });
  const [server, host, other] = [world.server('s'), world.session('a', own), world.session('b', own)];
  const forwarder = world.forwarder(deps);
  const entry = world.entry('s');
  const call = (
    message: Record<string, unknown> | string,
    by = host,
    more: { onOutcome?: (of: Answer) => void } = {},
  ) =>
    forwarder.forward({ session: by.session, request: request(message), entry: world.entry('s'), edits: [], ...more });
  /** A plain call with that id. */
  const plain = (id: unknown, by = host) => call({ id, method: 'tools/call', params: { name: 't' } }, by);
  const start = async () => {
    const { instance } = await world.ready(host, 's');
    await world.ready(other, 's');
    return instance;
  };
  return { world, server, host, other, forwarder, entry, call, plain, start };
}
