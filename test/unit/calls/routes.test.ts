// Whose a tool, prompt or resource is, and what differs in the message to it.
import { describe, expect, it } from 'vitest';
import {
  askedName,
  askedTool,
  findRoute,
  isRouted,
  listsOfName,
  mayOffer,
  undeclaredBy,
} from '../../../src/calls/routes.ts';
import { parseEnvelope, type ResponseEnvelope, withEdits } from '../../../src/mcp/envelope.ts';
import { createWorld, request, type SessionSetup, type WorldSetup } from '../../support/call-rig.ts';
import { tool } from '../../support/memory-server.ts';

const servers: WorldSetup['servers'] = {
  a: {
    lists: {
      tools: [tool('go'), tool('secret')],
      prompts: [{ name: 'p' }],
      resources: [{ uri: 'file:///x', name: 'x' }],
      resourceTemplates: [{ uriTemplate: 'note://{id}', name: 'n' }],
    },
    entry: { tools: { deny: ['secret'] } },
  },
  b: {
    lists: {
      tools: [tool('go')],
      resources: [{ uri: 'file:///x', name: 'x' }],
      resourceTemplates: [{ uriTemplate: 'note://{id}', name: 'n' }],
    },
  },
};

async function open(own: SessionSetup = {}, setup: WorldSetup = { servers }) {
  const world = createWorld(setup);
  const all = world.session('all');
  for (const name of Object.keys(setup.servers)) await world.ready(all, name);
  const { session } = world.session('one', own);
  const view = world.router.views.of(session);
  const route = (method: string, params?: unknown) => {
    const asked = request({ id: 1, method, ...(params === undefined ? {} : { params }) });
    const found = findRoute(session, view, asked);
    const params2 = found && JSON.parse(withEdits(asked.line, found.edits).toString()).params;
    return found && { to: found.entry.name, name: found.name, params: params2, onAnswer: found.onAnswer };
  };
  return { world, session, view, route };
}

function answer(text: string): ResponseEnvelope {
  const envelope = parseEnvelope(Buffer.from(text));
  if (envelope.kind !== 'response') throw new Error('no response');
  return envelope;
}

describe('among several servers', () => {
  it('a name leads to its server, which is given its own', async () => {
    const { route } = await open();
    expect(route('tools/call', { name: 'a__go', n: 1 })).toMatchObject({ to: 'a', params: { name: 'go', n: 1 } });
    expect(route('tools/call', { name: 'b__go' })).toMatchObject({ to: 'b', name: 'go' });
    expect(route('prompts/get', { name: 'a__p' })).toMatchObject({ to: 'a', params: { name: 'p' } });
  });

  it('what nobody has, what is denied, and a name that is no text lead nowhere', async () => {
    const { route } = await open();
    for (const name of ['go', 'a__nothing', 'a__secret', 'a__p', 5, undefined])
      expect(route('tools/call', { name })).toBeUndefined();
    for (const name of ['a__go', 'b__p']) expect(route('prompts/get', { name })).toBeUndefined();
    expect(route('tools/call')).toBeUndefined();
    expect(route('anything', { name: 'a__go' })).toBeUndefined();
  });

  it('a URI that two have is the first one’s, and the other’s under its mark', async () => {
    const { route } = await open();
    expect(route('resources/read', { uri: 'file:///x' })).toMatchObject({ to: 'a', params: { uri: 'file:///x' } });
    const marked = route('resources/read', { uri: 'b+file:///x' });
    expect(marked).toMatchObject({ to: 'b', params: { uri: 'file:///x' } });
    const line = '{"jsonrpc":"2.0","id":1,"result":{"contents":[{"uri":"file:///x","n":1.50},{"uri":"file:///y"},{}]}}';
    const edits = marked?.onAnswer?.(answer(line)) ?? [];
    expect(withEdits(Buffer.from(line), edits).toString()).toBe(line.replaceAll('file:///', 'b+file:///'));
    expect(marked?.onAnswer?.(answer('{"jsonrpc":"2.0","id":1,"result":{}}'))).toEqual([]);
  });

  it('only an answer to resources/read has names of its own', async () => {
    const { route } = await open();
    const line = '{"jsonrpc":"2.0","id":1,"result":{"contents":[{"uri":"file:///x"}]}}';
    expect(route('resources/read', { uri: 'file:///x' })?.onAnswer?.(answer(line))).toEqual([]);
    expect(route('resources/subscribe', { uri: 'b+file:///x' })).toMatchObject({
      name: 'file:///x',
      onAnswer: undefined,
    });
  });

  it('a URI made from a template is of its server, with the mark that the template got', async () => {
    const { route } = await open();
    expect(route('resources/read', { uri: 'note://7' })).toMatchObject({ to: 'a', name: 'note://7' });
    expect(route('resources/read', { uri: 'b+note://7' })).toMatchObject({ to: 'b', params: { uri: 'note://7' } });
  });

  it('a URI that no list names is of the only server with resources, of several of nobody', async () => {
    const several = await open();
    expect(several.route('resources/read', { uri: 'ui://page' })).toBeUndefined();
    const one = await open({}, { servers: { a: servers['a'] ?? {}, c: { lists: { tools: [tool('x')] } } } });
    expect(one.route('resources/read', { uri: 'ui://page' })).toMatchObject({ to: 'a', params: { uri: 'ui://page' } });
    expect(one.route('prompts/get', { name: 'ui://page' })).toBeUndefined();
  });

  it('a completion is of the server whose prompt or template it is for', async () => {
    const { route } = await open();
    const complete = (ref: unknown) => route('completion/complete', { ref });
    expect(complete({ type: 'ref/prompt', name: 'a__p' })).toMatchObject({
      to: 'a',
      params: { ref: { type: 'ref/prompt', name: 'p' } },
    });
    expect(complete({ uri: 'b+note://{id}' })).toMatchObject({ to: 'b', params: { ref: { uri: 'note://{id}' } } });
    expect(complete({ name: 'a__go' })).toBeUndefined();
    expect(complete({})).toBeUndefined();
  });
});

describe('one server alone', () => {
  it('is asked for whatever it is asked for, in its own words, except what the config denies', async () => {
    const { route } = await open({ identity: { server: 'a' } });
    expect(route('tools/call', { name: 'go' })).toMatchObject({ to: 'a', params: { name: 'go' } });
    expect(route('tools/call', { name: 'unlisted' })).toMatchObject({ to: 'a' });
    expect(route('tools/call', { name: 'secret' })).toBeUndefined();
    expect(route('prompts/get', { name: 'secret' })).toMatchObject({ to: 'a' });
  });

  it('that is not there has nothing', async () => {
    const { route } = await open({ identity: { server: 'nobody' } });
    expect(route('tools/call', { name: 'go' })).toBeUndefined();
  });

  it('refuses itself what it did not declare; of several servers nobody is asked', async () => {
    const refuserOf = async (server: string | undefined, method: string) => {
      const { session, view } = await open({ identity: server === undefined ? {} : { server } });
      return undeclaredBy(session, view, method)?.name;
    };
    expect(await refuserOf('b', 'prompts/list')).toBe('b');
    expect(await refuserOf('b', 'logging/setLevel')).toBe('b');
    expect(await refuserOf('b', 'resources/templates/list')).toBeUndefined();
    expect(await refuserOf('b', 'anything')).toBeUndefined();
    expect(await refuserOf('a', 'prompts/list')).toBeUndefined();
    expect(await refuserOf(undefined, 'logging/setLevel')).toBeUndefined();
  });

  it('of which nobody knows what it declares is not in the way', () => {
    const world = createWorld({ servers });
    const { session } = world.session('one', { identity: { server: 'b' } });
    expect(undeclaredBy(session, world.router.views.of(session), 'prompts/list')).toBeUndefined();
  });
});

describe('the name in a request', () => {
  it('is found where the method has it', () => {
    const name = (method: string, params: unknown) => askedName(request({ id: 1, method, params }));
    expect(name('tools/call', { name: 't' })).toBe('t');
    expect(name('resources/read', { uri: 'u' })).toBe('u');
    expect(name('completion/complete', { ref: { uri: 'u' } })).toBe('u');
    expect(name('tools/call', { uri: 'u' })).toBeUndefined();
    expect(['tools/call', 'completion/complete', 'ping', 'tools/list'].map(isRouted)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(listsOfName('tools/call')).toEqual(['tools']);
    expect(listsOfName('completion/complete')).toEqual(['prompts', 'resources', 'resourceTemplates']);
  });

  it('of a tool is the one that its server knows', () => {
    const call = request('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a__go"}}');
    const start = call.line.indexOf('"a__go"');
    const edit = { at: { start, end: start + 7 }, with: '"go"' };
    expect(askedTool(call, [])).toBe('a__go');
    expect(askedTool(call, [{ at: { start: 0, end: 1 }, with: '{' }, edit])).toBe('go');
    expect(askedTool(request({ id: 1, method: 'tools/call', params: {} }), [edit])).toBeUndefined();
  });

  it('says which of the servers that nobody knows could have it', () => {
    const world = createWorld({ servers: { 'my server': {}, b: {} } });
    const may = (name: string, method: string, asked: string) =>
      mayOffer(world.entry(name), request({ id: 1, method }), asked);
    expect(may('my server', 'tools/call', 'my-server__x')).toBe(true);
    expect(may('b', 'tools/call', 'my-server__x')).toBe(false);
    expect(may('b', 'prompts/get', 'bb__x')).toBe(false);
    expect(may('b', 'resources/read', 'my-server__x')).toBe(true);
  });
});
