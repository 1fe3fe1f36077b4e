// Which copy of a server a session gets, and what happens to whoever waits for one.
import { expect, it } from 'vitest';
import { stopCauses } from '../../../src/upstream/instance-errors.ts';
import { createWorld, type Host, settled, type WorldSetup } from '../../support/call-rig.ts';

const setup: WorldSetup = { servers: { s: {}, other: {} } };

function open(world = createWorld(setup)) {
  const [host, server] = [world.session('a'), world.server('s')];
  const acquire = (by: Host = host) => world.copies.acquire(by.session, world.entry('s'));
  const findReady = (by: Host = host) => world.copies.findReady(by.session, world.entry('s'));
  return { world, host, server, acquire, findReady };
}

/** What became of it by now. */
async function now(promise: Promise<unknown>): Promise<unknown> {
  let outcome: unknown = 'waits';
  const note = (what: unknown) => {
    outcome = what;
  };
  promise.then(note, note);
  await settled();
  return outcome;
}

it('a ready copy is found without a detour, by who used it before', async () => {
  const { world, server, acquire, findReady } = open();
  expect(findReady()).toBeUndefined();
  const { instance, slot } = await acquire();
  expect(findReady()).toEqual({ instance, slot });
  const other = world.session('b');
  // Its first call makes it a user, without which the copy would be idle for it.
  expect(findReady(other)).toBeUndefined();
  expect(world.copies.findSlot(other.session, world.entry('s'))).toBe(slot);
  expect((await acquire(other)).slot).toBe(slot);
  expect(findReady(other)).toEqual({ instance, slot });
  expect([...world.supervisor.usersOf(instance)]).toEqual(['a', 'b']);
  await instance.stop(stopCauses.idle);
  expect(findReady()).toBeUndefined();
  expect(server.starts).toBe(1);
});

it('one start is for all who wait for it', async () => {
  const { world, server, acquire } = open();
  server.holdStarts();
  const waiting = [acquire(), acquire(world.session('b')), acquire(world.session('c'))];
  await settled();
  server.letStart();
  const copies = await Promise.all(waiting);
  expect(new Set(copies.map(({ slot }) => slot)).size).toBe(1);
  expect(server.starts).toBe(1);
});

it('waits for the variables of the session, which are part of what is started', async () => {
  const world = createWorld({ servers: { s: { entry: { env: { TOKEN: '${TOKEN}' } } } } });
  const host = world.session('a', { wants: ['TOKEN'] });
  const [server, entry] = [world.server('s'), world.entry('s')];
  const waiting = world.copies.acquire(host.session, entry);
  expect(await now(waiting)).toBe('waits');
  expect(world.copies.findReady(host.session, entry)).toBeUndefined();
  expect(world.copies.findSlot(host.session, entry)).toBeUndefined();
  expect(server.starts).toBe(0);
  host.session.setValues({ TOKEN: 'x' });
  world.router.refresh(host.session);
  const first = await waiting;
  const other = world.session('b', { wants: ['TOKEN'] });
  other.session.setValues({ TOKEN: 'y' });
  const second = await world.copies.acquire(other.session, entry);
  expect(second.instance).not.toBe(first.instance);
});

it('a variable that nobody has is said at once, and nothing is started', async () => {
  const world = createWorld({ servers: { s: { entry: { env: { TOKEN: '${TOKEN}' } } } } });
  const host = world.session('a');
  expect(await now(world.copies.acquire(host.session, world.entry('s')))).toMatchObject({
    code: 'SERVER_NEEDS_VARIABLE',
  });
  expect(world.server('s').starts).toBe(0);
});

it('a server that was removed or disabled meanwhile is not started any more', async () => {
  const without: WorldSetup['servers'][] = [{ other: {} }, { s: { entry: { enabled: false } }, other: {} }];
  for (const servers of without) {
    const { world, server, host } = open();
    const before = world.entry('s');
    await world.reload({ servers }, { removed: ['s'] });
    const found = await now(world.copies.acquire(host.session, before));
    expect(found).toMatchObject({ code: 'SERVER_UNKNOWN', data: { mayHaveRun: false, retry: 'after-fix' } });
    expect(server.starts).toBe(0);
  }
});

it('whoever waited for the variables gets the entry of now, not the one of before the reload', async () => {
  const { world, server } = open();
  const host = world.session('late', { wants: ['TOKEN'] });
  const waiting = world.copies.acquire(host.session, world.entry('s'));
  await world.reload({ servers: { s: { entry: { args: ['new'] } }, other: {} } }, { restart: ['s'] });
  host.session.setValues({});
  const { instance } = await waiting;
  const resolution = world.router.views.of(host.session).resolution(world.entry('s'));
  expect(resolution).toMatchObject({ ok: true, instanceKey: instance.identity.key });
  expect(server.starts).toBe(1);
});

it('a copy that goes for good while it starts gives its place to the next', async () => {
  const { world, server, acquire } = open();
  server.holdStarts();
  const waiting = acquire();
  await settled();
  const reloaded = world.reload({ servers: { s: { entry: { args: ['new'] } }, other: {} } }, { restart: ['s'] });
  server.letStart();
  await reloaded;
  const { instance, slot } = await waiting;
  expect(slot.channel.isLost).toBe(false);
  expect(instance.slots()).toEqual([slot]);
  expect(world.supervisor.find(instance.identity.key)).toBe(instance);
  expect(server.starts).toBe(2);
});

it('a copy that a person stops while it starts is not started by who waited', async () => {
  const { world, server, acquire } = open();
  server.holdStarts();
  const waiting = acquire();
  await settled();
  const stopped = world.supervisor.stop('s', stopCauses.stoppedByPerson);
  server.letStart();
  await stopped;
  expect(await now(waiting)).toMatchObject({ code: 'SERVER_STOPPED', data: { mayHaveRun: false } });
  expect(server.starts).toBe(1);
});

it('a failed start is told as it is, and the next who asks tries again', async () => {
  const { server, acquire } = open();
  server.refuseStart('SERVER_NOT_INSTALLED', 'no such program');
  await expect(acquire()).rejects.toMatchObject({ code: 'SERVER_NOT_INSTALLED' });
  server.startError = undefined;
  expect((await acquire()).instance.state).toBe('ready');
  expect(server.starts).toBe(2);
});

it('a server that turns out to serve one session gives the second one a copy of its own', async () => {
  const entry = { sharing: 'auto', command: undefined, url: 'http://127.0.0.1:1/mcp' };
  const world = createWorld({ servers: { s: { isPerSession: true, entry } } });
  const server = world.server('s');
  const [a, b] = [world.session('a'), world.session('b')];
  const first = await world.copies.acquire(a.session, world.entry('s'));
  let refused = 0;
  server.onStart = () => {
    refused += 1;
    if (refused === 1) server.refuseStart('SERVER_START_FAILED', 'Server already initialized');
    else server.startError = undefined;
  };
  const second = await world.copies.acquire(b.session, world.entry('s'));
  expect(second.instance).not.toBe(first.instance);
  expect([first.instance.identity.sharing, second.instance.identity.sharing]).toEqual(['shared', 'session']);
  expect(second.instance.identity.lifeId).toBe('scope-b');
});

it('a second session that is refused for another reason stays refused', async () => {
  const world = createWorld({ servers: { s: { isPerSession: true } } });
  const [a, b] = [world.session('a'), world.session('b')];
  await world.copies.acquire(a.session, world.entry('s'));
  world.server('s').refuseStart('SERVER_START_FAILED', 'out of memory');
  await expect(world.copies.acquire(b.session, world.entry('s'))).rejects.toMatchObject({ message: 'out of memory' });
  expect(world.demoted.size).toBe(0);
});
