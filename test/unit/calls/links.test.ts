// A link in an answer leads to the server that wrote it, whatever others list.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linkEdits } from '../../../src/calls/links.ts';
import { findRoute } from '../../../src/calls/routes.ts';
import { parseEnvelope, withEdits } from '../../../src/mcp/envelope.ts';
import { createWorld, request, type WorldSetup } from '../../support/call-rig.ts';
import { tool } from '../../support/memory-server.ts';

const readme = { uri: 'file:///README.md', name: 'readme' };
const two: WorldSetup['servers'] = {
  alpha: {
    lists: {
      tools: [tool('go')],
      resources: [readme, { uri: 'beta+file:///secret', name: 'claims to be of another' }],
      resourceTemplates: [{ uriTemplate: '{+anything}', name: 'all' }],
    },
  },
  beta: { lists: { tools: [tool('go')], resources: [readme, { uri: 'own://1', name: 'own' }] } },
  plain: { lists: { tools: [tool('go')] } },
};

async function open(servers: WorldSetup['servers'] = two) {
  const world = createWorld({ servers });
  const host = world.session('one');
  const { session } = host;
  for (const name of Object.keys(servers)) await world.ready(host, name);
  const view = world.router.views.of(session);
  const shown = (slug: string, method: string, result: string): string => {
    const answer = parseEnvelope(Buffer.from(`{"jsonrpc":"2.0","id":1,"result":${result}}`));
    if (answer.kind !== 'response') throw new Error('no response');
    const line = withEdits(answer.line, linkEdits(view, slug, method, answer)).toString();
    return line.slice('{"jsonrpc":"2.0","id":1,"result":'.length, -1);
  };
  const read = (uri: string) => {
    const found = findRoute(session, view, request({ id: 1, method: 'resources/read', params: { uri } }));
    return found && [found.entry.name, found.name];
  };
  return { shown, read };
}

const link = (uri: string) => `{"content":[{"n":1.50,"type":"resource_link","uri":${JSON.stringify(uri)}}]}`;
const uriIn = (text: string): string => String(/"uri":"([^"]*)"/.exec(text)?.[1]);

describe('links in what a server answers', () => {
  it('are said in the way of the lists, every other byte as it was', async () => {
    const { shown } = await open();
    expect(shown('alpha', 'tools/call', link(readme.uri))).toBe(link(readme.uri));
    expect(shown('beta', 'tools/call', link(readme.uri))).toBe(link('beta+file:///README.md'));
    expect(shown('beta', 'tools/call', link('own://1'))).toBe(link('own://1'));
    expect(shown('beta', 'tools/call', link('export://beta/42'))).toBe(link('beta+export://beta/42'));
    const embedded =
      '{"content":[{"type":"resource","resource":{"text":"\\"uri\\"","uri":"a:b"}}],"structuredContent":{"uri":"a:b"}}';
    expect(shown('beta', 'tools/call', embedded)).toBe(embedded.replace('"uri":"a:b"}}]', '"uri":"beta+a:b"}}]'));
    const prompt = '{"messages":[{"role":"user","content":{"type":"resource_link","\\u0075ri":"a:b"}},{"content":5}]}';
    expect(shown('beta', 'prompts/get', prompt)).toBe(prompt.replace('"a:b"', '"beta+a:b"'));
  });

  it('stay as they are where a program follows them itself', async () => {
    const { shown } = await open();
    for (const uri of ['https://example.com/x', 'HTTP://example.com', 'data:text/plain,hi', 'ui://card/1'])
      expect(shown('beta', 'tools/call', link(uri))).toBe(link(uri));
    expect(shown('plain', 'tools/call', link('file:///x'))).toBe(link('file:///x'));
    const alone = await open({ beta: two['beta'] ?? {} });
    expect(alone.shown('beta', 'tools/call', link('export://beta/42'))).toBe(link('export://beta/42'));
  });

  it('that are no links, or none that can be read, pass', async () => {
    const { shown } = await open();
    for (const text of [
      '{"content":[{"type":"text","uri":"a:b"},{"type":"resource_link","uri":5},{"type":"resource","resource":5},7]}',
      '{"content":{"type":"resource_link","uri":"a:b"}}',
      '{"uri":"a:b"}',
    ])
      expect(shown('beta', 'tools/call', text)).toBe(text);
  });

  it('lead to the server that wrote them, whatever the others list', async () => {
    const { shown, read } = await open();
    expect(read('beta+file:///secret')).toEqual(['beta', 'file:///secret']);
    expect(read('alpha+beta+file:///secret')).toEqual(['alpha', 'beta+file:///secret']);
    const uri = fc.oneof(
      fc.constantFrom(readme.uri, 'own://1', 'beta+file:///secret', 'alpha+beta+x:y', 'mcp+x:y'),
      fc.webPath().map((path) => `export:/${path}`),
    );
    fc.assert(
      fc.property(fc.constantFrom('alpha', 'beta'), uri, (slug, written) => {
        expect(read(uriIn(shown(slug, 'tools/call', link(written))))).toEqual([slug, written]);
      }),
    );
  });
});
