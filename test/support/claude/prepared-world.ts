// A world as a user has it after the README's two commands and a config with servers to share.

import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { eventually } from '../eventually.ts';
import type { ClientVersion } from './client-binary.ts';
import { daemonLog, records } from './daemon-view.ts';
import { copyTree, installPlugin, type Marketplace, makeMarketplace } from './marketplace.ts';
import { idleExitMs, shareServers } from './shared-servers.ts';
import { endWorld, makeWorld, processesOf, type World } from './world.ts';

/** There once the file's `beforeAll` hooks have run. */
export type PreparedWorld = { readonly world: World; readonly marketplace: Marketplace };

/** Above the idle time. */
const goneTimeoutMs = idleExitMs + 60_000;

/** For a describe block: makes its world first and ends it last. Whatever still runs by then fails the block. */
export function usePreparedWorld(
  version: ClientVersion,
  projects: readonly string[],
  longName?: string,
): PreparedWorld {
  let world: World | undefined;
  let marketplace: Marketplace | undefined;
  beforeAll(async () => {
    world = await makeWorld(version, projects);
    marketplace = makeMarketplace(world);
    marketplace.publish(copyTree(join(world.root, 'tree')));
    await installPlugin(world, marketplace);
    shareServers(world, longName);
  });
  afterAll(async () => {
    const left = world === undefined ? [] : await endWorld(world);
    expect(left.map(({ command }) => command)).toEqual([]);
  });
  return {
    get world() {
      return prepared(world);
    },
    get marketplace() {
      return prepared(marketplace);
    },
  };
}

function prepared<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the world is made by the first beforeAll');
  return value;
}

/** After the last session: no daemon, no server, no record. */
export async function expectNothingLeft(world: World, timeoutMs = goneTimeoutMs): Promise<void> {
  await eventually(() => processesOf(world).length === 0, {
    timeoutMs,
    what: 'the daemon and its servers to end',
  }).catch((error: unknown) => {
    const left = processesOf(world).map(({ pid, command }) => `${pid} ${command}`);
    throw new Error(`${String(error)}\n${left.join('\n')}\n${daemonLog(world)}`, { cause: error });
  });
  expect(records(world)).toEqual([]);
}

/** A promise that the test settles itself, or its end does: a failed test must not hold a session open. */
export function gate(): { passed: Promise<void>; open: () => void } {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  onTestFinished(open);
  return { passed, open };
}
