// What is visible to whom, and until when it is taken as computed.
import { describe, expect, it } from 'vitest';
import { askerOf, faceKeys, mustStart } from '../../../src/calls/views.ts';
import { emptyListing, type ServerFace, unknownListing } from '../../../src/catalog/server-face.ts';
import { createWorld, type Host, type World } from '../../support/call-rig.ts';
import { tool } from '../../support/memory-server.ts';

const lists = { tools: [tool('go')] };
const viewOf = (world: World, { session }: Host) => world.router.views.of(session);
const namesOf = (world: World, host: Host) => viewOf(world, host).servers.map(({ entry }) => entry.name);

describe('servers', () => {
  it('of a project are seen by its sessions alone, disabled ones by nobody', () => {
    const world = createWorld({
      servers: { all: {}, own: { entry: { projects: ['/p'] } }, off: { entry: { enabled: false } } },
    });
    expect(namesOf(world, world.session('inside', { identity: { projectRoot: '/p' } }))).toEqual(['all', 'own']);
    expect(namesOf(world, world.session('outside', { identity: { projectRoot: '/other' } }))).toEqual(['all']);
    expect(namesOf(world, world.session('nowhere'))).toEqual(['all']);
  });

  it('a session of one server sees that one alone, under its shown name first', () => {
    const world = createWorld({ servers: { a: { lists }, 'b c': { lists } } });
    const of = (server: string) => namesOf(world, world.session(`of ${server}`, { identity: { server } }));
    expect(of('a')).toEqual(['a']);
    expect(of('b c')).toEqual(['b c']);
    expect(of('b-c')).toEqual(['b c']);
    expect(of('nobody')).toEqual([]);
  });

  it('names are qualified among several and plain for one alone', async () => {
    const world = createWorld({ servers: { a: { lists } } });
    const host = world.session('all');
    await world.ready(host, 'a');
    const alone = world.session('alone', { identity: { server: 'a' } });
    expect(viewOf(world, host).find('tools', 'a__go')).toEqual({ slug: 'a', name: 'go' });
    expect(viewOf(world, host).entry('a')).toBe(world.entry('a'));
    expect(viewOf(world, alone).find('tools', 'go')).toEqual({ slug: 'a', name: 'go' });
    expect(viewOf(world, alone).find('tools', 'a__go')).toBeUndefined();
  });

  it('that nobody knows are to be started; those that were seen once are not', async () => {
    const world = createWorld({ servers: { a: { lists }, b: { lists } } });
    const host = world.session('one');
    expect(viewOf(world, host).unknown.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(viewOf(world, host).missing('tools')).toHaveLength(2);
    await world.ready(host, 'a');
    world.router.refresh();
    expect(viewOf(world, host).unknown.map(({ name }) => name)).toEqual(['b']);
    expect(
      viewOf(world, host)
        .missing('prompts')
        .map(({ name }) => name),
    ).toEqual(['b']);
  });
});

describe('what was computed', () => {
  it('holds until it is void, for one session or for all', () => {
    const world = createWorld({ servers: { a: {} } });
    const [one, other] = [world.session('one'), world.session('other')];
    const before = [viewOf(world, one), viewOf(world, other)];
    expect(viewOf(world, one)).toBe(before[0]);
    world.router.views.invalidate(one.session);
    expect(viewOf(world, one)).not.toBe(before[0]);
    expect(viewOf(world, other)).toBe(before[1]);
    world.router.views.invalidate();
    expect(viewOf(world, other)).not.toBe(before[1]);
  });

  it('resolves each entry once, with the values of that session', () => {
    const world = createWorld({ servers: { a: { entry: { env: { T: '${T}' } } } } });
    const host = world.session('one', { wants: ['T'] });
    const entry = world.entry('a');
    expect(viewOf(world, host).resolution(entry)).toMatchObject({ ok: false, missing: ['T'] });
    host.session.setValues({ T: 'x' });
    expect(viewOf(world, host).resolution(entry)).toMatchObject({ ok: false });
    world.router.views.invalidate(host.session);
    const resolved = viewOf(world, host).resolution(entry);
    expect(resolved).toMatchObject({ ok: true, spec: { env: { T: 'x' } } });
    expect(viewOf(world, host).resolution(entry)).toBe(resolved);
    expect(askerOf(host.session)).toMatchObject({ id: 'one', lifeId: 'scope-one', values: { T: 'x' } });
  });

  it('a server that cannot be resolved is visible, without a face', () => {
    const world = createWorld({ servers: { a: { entry: { env: { T: '${T}' } } } } });
    expect(viewOf(world, world.session('one')).servers).toMatchObject([{ face: undefined }]);
  });
});

describe('a face', () => {
  it('over HTTP is of one identity, behind a pipe of all', () => {
    const world = createWorld({
      servers: { pipe: {}, web: { entry: { command: undefined, url: 'http://127.0.0.1:1/x' } } },
    });
    const view = viewOf(world, world.session('one'));
    for (const [name, isOwn] of [
      ['pipe', false],
      ['web', true],
    ] as const) {
      const resolution = view.resolution(world.entry(name));
      if (!resolution.ok) throw resolution.error;
      const { instanceKey, snapshotKey } = resolution;
      const instance = isOwn ? `${instanceKey}/${snapshotKey}` : instanceKey;
      expect(faceKeys(resolution)).toEqual({ instance, snapshot: snapshotKey });
    }
  });

  it('has to be looked for when nobody saw it, or not what the server is there for', () => {
    const face = (capabilities: Record<string, unknown>, known: Partial<ServerFace['lists']> = {}): ServerFace => {
      const introduction = { raw: '{}', protocolVersion: '2025-06-18', capabilities, instructions: undefined };
      const [a, b] = [emptyListing, emptyListing];
      return { introduction, lists: { tools: a, prompts: a, resources: b, resourceTemplates: b, ...known } };
    };
    expect(mustStart(undefined)).toBe(true);
    expect(mustStart(face({ tools: {} }))).toBe(false);
    expect(mustStart(face({ tools: {} }, { tools: unknownListing }))).toBe(true);
    expect(mustStart(face({ tools: {}, prompts: {} }, { prompts: unknownListing }))).toBe(false);
    expect(mustStart(face({ prompts: {} }, { prompts: unknownListing }))).toBe(true);
    expect(mustStart(face({ resources: {} }, { resources: unknownListing }))).toBe(true);
    expect(mustStart(face({ resources: {} }, { resourceTemplates: unknownListing }))).toBe(false);
    expect(mustStart(face({}))).toBe(false);
  });
});
