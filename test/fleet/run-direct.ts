// A server alone, as a host starts it: what it says, what it costs, and what it leaves.
import { describeError } from '../../src/base/errors.ts';
import { memberOf, textOf, type Value } from './exact-text.ts';
import { type Answer, declaredLists, type Host, type ListName, lastWords } from './host.ts';
import type { World } from './world.ts';

/** What a host waits before it goes on to signals. */
const endMs = 5_000;

export type Face = { initialized: Value; lists: Map<ListName, Answer>; call: Answer };
export type DirectRun = {
  face: Face;
  listMs: number;
  memoryMiB: number;
  processes: number;
  endsAtEof: boolean;
  left: string[];
};

export async function runDirect(world: World): Promise<DirectRun> {
  world.reset();
  const startedAt = performance.now();
  const host = world.direct('one');
  try {
    const { face, listMs } = await faceOf(host, world, startedAt);
    const cost = await world.lookSettled([host.child.pid ?? 0]);
    const endsAtEof = await host.close(endMs);
    const left = await world.leftAfter(2_000);
    return { face, listMs, ...cost, endsAtEof, left };
  } catch (error) {
    const [told, last] = [describeError(error), lastWords(host.client.stderr)];
    throw new Error(told.includes(last) ? told : `${told}; ${last}`);
  } finally {
    await host.close(0);
    world.sweep();
  }
}

export async function faceOf(host: Host, world: World, startedAt: number): Promise<{ face: Face; listMs: number }> {
  const initialized = await host.initialize();
  const refusal = memberOf(initialized, 'error', 'message');
  if (refusal) throw new Error(textOf(refusal));
  const lists = new Map<ListName, Answer>();
  let listMs = 0;
  for (const name of declaredLists(initialized)) {
    lists.set(name, await host.list(name));
    if (listMs === 0) listMs = Math.round(performance.now() - startedAt);
  }
  const [tool] = world.server.call;
  const tools = lists.get('tools')?.items ?? [];
  const isOffered = tools.some((item) => textOf(memberOf(item, 'name')) === tool);
  if (tools.length > 0 && !isOffered) throw new Error(`it has no tool ${tool}`);
  const call = await host.call(world.callIn('one', world.server.call));
  return { face: { initialized, lists, call }, listMs };
}

/** What a tree that ends needs a moment for is not left behind. */
