// The way of gateway_invoke: from the bytes of the host's request to the server's tool, and what comes of its answer.
import { describe, expect, it, vi } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import type { Forwarder } from '../../../src/calls/forward.ts';
import { HeldNames } from '../../../src/calls/held-names.ts';
import { joinLists } from '../../../src/catalog/joint-list.ts';
import { createListing } from '../../../src/catalog/server-face.ts';
import { parseConfig } from '../../../src/config/load.ts';
import { Jobs } from '../../../src/gateway/jobs.ts';
import { OwnCall } from '../../../src/gateway/own-call.ts';
import { answerLine, Shortener } from '../../../src/gateway/shorten.ts';
import { createArgumentCheck } from '../../../src/gateway/tools/call-arguments.ts';
import { gatewayInvoke } from '../../../src/gateway/tools/invoke.ts';
import { gatewayInvokeAsync } from '../../../src/gateway/tools/invoke-async.ts';
import { ToolFinder } from '../../../src/gateway/visible-tools.ts';
import { parseEnvelope } from '../../../src/mcp/envelope.ts';
import { createHeavyWork } from '../../../src/results/heavy-work.ts';
import { LimitedWork } from '../../../src/results/limited-work.ts';
import { ResultStore } from '../../../src/results/result-store.ts';
import { referenceOf } from '../../../src/results/shield.ts';
import { Session } from '../../../src/sessions/session.ts';
import type { Resolution } from '../../../src/upstream/resolve.ts';

const nobody = (): never => {
  throw new Error('nobody asks');
};

const unresolved = (): Resolution => {
  const error = new AppError({ code: 'SERVER_FAILED', message: 'not asked' });
  return { ok: false, error, sharing: 'shared', sharingReason: '', missing: [] };
};

/** A server `disk` with the tool `copy`, which answers each call with `outcome` (a result or an error, as JSON). */
function world(outcome: string, server: Record<string, unknown> = {}) {
  const text = JSON.stringify({ mcpServers: { disk: { command: 'disk', ...server } } });
  const loaded = parseConfig({ file: 'config.json', text, env: {} });
  const [entry] = loaded.ok ? loaded.config.servers : [];
  if (!loaded.ok || !entry) throw new Error('no config');
  const raw = Buffer.from('{"name":"copy"}');
  const listing = createListing([{ raw, name: 'copy', nameSpan: { start: 8, end: 14 } }]);
  const joint = joinLists('tools', [{ slug: 'disk', part: 'disk', listing, isAlwaysLoaded: false }]);
  const view = {
    ...{ servers: [{ entry, face: undefined }], unknown: [], missing: () => [], entry: () => entry, list: () => joint },
    ...{ resolution: unresolved, find: () => undefined },
  };
  const sent: string[] = [];
  const released: unknown[] = [];
  const store = new ResultStore({ now: () => 0, spillFolder: '/nonexistent' });
  const work = { store, heavy: createHeavyWork(''), limited: new LimitedWork('') };
  const self = { pid: 1, startTime: '1' };
  const session = new Session({
    identity: { id: 'one', lifeId: 'scope', host: self, wrapper: self, projectDir: '', folder: '', projectRoot: '' },
    sink: { send: () => {}, bufferedBytes: 0, close: () => {} },
    ...{ baseline: {}, served: {}, idPrefix: 't', wants: [], now: () => 0, maxBufferedBytes: 1 },
  });
  const deps = {
    ...{
      views: { of: () => view },
      finder: new ToolFinder(() => [view]),
      store,
      now: () => 0,
      heldNames: new HeldNames(),
    },
    ...{ unknown: { describe: () => [], waitFor: nobody, waitForAll: nobody }, pools: { topK: 1, add: nobody } },
    forwarder: {
      forward: ({ request, onOutcome }: Parameters<Forwarder['forward']>[0]) => {
        sent.push(request.line.toString());
        const envelope = parseEnvelope(Buffer.from(`{"jsonrpc":"2.0", "id":"of the server", ${outcome}}`));
        if (envelope.kind === 'response') onOutcome?.({ envelope });
      },
    },
    supervisor: () => ({ release: (gone: unknown) => void released.push(gone) }),
    ...{ jobs: new Jobs({ now: () => 0 }), checkArguments: createArgumentCheck(work.limited) },
    shortener: new Shortener({ config: () => loaded.config, ...work }),
  };
  const call = (given: string): OwnCall => {
    const params = `{"name":"x","arguments":${given},"_meta":{"progressToken":7}}`;
    const request = parseEnvelope(Buffer.from(`{"jsonrpc":"2.0","id":"h1","method":"tools/call","params":${params}}`));
    if (request.kind !== 'request') throw new Error('not a request');
    return new OwnCall(deps, { session, request, signal: new AbortController().signal });
  };
  const invoke = async (given: string) => answerLine('"h1"', await gatewayInvoke.handle(call(given))).toString();
  return { call, invoke, sent, released, jobs: deps.jobs, store };
}

describe('a call of a tool by its id', () => {
  it('hands on arguments and answer byte for byte', async () => {
    const { invoke, sent } = world('"result" : {"content":[], "n":12345678901234567890}');
    const args = '{ "big": 12345678901234567890, "text": "\\u00e9" }';
    const line = await invoke(`{"id":"disk__copy","args":${args}}`);
    expect(line).toBe('{"jsonrpc":"2.0", "id":"h1", "result" : {"content":[], "n":12345678901234567890}}');
    expect(sent).toEqual([
      `{"jsonrpc":"2.0","id":"h1","method":"tools/call","params":{"name":"copy","arguments":${args},"_meta":{"progressToken":7}}}`,
    ]);
  });

  it('takes the arguments under either name, also as the JSON of an object on several lines', async () => {
    const { invoke, sent } = world('"result":{}');
    await invoke('{"id":"disk__copy","arguments":{"a":1}}');
    await invoke('{"id":"disk__copy","args":"{\\n \\"a\\": 2\\n}"}');
    await invoke('{"id":"disk__copy"}');
    expect(sent.map((line) => /"arguments":(.*?),"_meta"/.exec(line)?.[1])).toEqual(['{"a":1}', '{  "a": 2 }', '{}']);
  });

  it('shortens a large answer and an error that is too large, unless a person wants them whole', async () => {
    const numbers = JSON.stringify(Array.from({ length: 120 }, (_, n) => n));
    const result = `"result":{"content":[{"type":"text","text":"${numbers}"}]}`;
    const short = JSON.parse(await world(result).invoke('{"id":"disk__copy"}'));
    expect(JSON.parse(short.result.content[0].text)).toHaveLength(50);
    expect(referenceOf(short.result)).toBeTypeOf('string');
    const error = `"error":{"code":-5,"message":"${'e'.repeat(100_000)}"}`;
    const refused = await world(error).invoke('{"id":"disk__copy"}');
    expect(JSON.parse(refused).error.code).toBe(-5);
    expect(refused.length).toBeLessThan(5_000);
    for (const whole of [result, error]) {
      const line = await world(whole, { shield: false }).invoke('{"id":"disk__copy"}');
      expect(line).toBe(`{"jsonrpc":"2.0", "id":"h1", ${whole}}`);
    }
  });
});

describe('a call of a tool as a job', () => {
  it('goes in the name of the session, and what is kept is the shortened result', async () => {
    const numbers = JSON.stringify(Array.from({ length: 120 }, (_, n) => n));
    const { call, sent, released, jobs, store } = world(`"result":{"content":[{"type":"text","text":"${numbers}"}]}`);
    await gatewayInvokeAsync.handle(call('{"id":"disk__copy","args":{"a":1}}'));
    expect(sent).toEqual([
      '{"jsonrpc":"2.0","id":"job","method":"tools/call","params":{"name":"copy","arguments":{"a":1},"_meta":{"progressToken":"job"}}}',
    ]);
    await vi.waitFor(() => expect(jobs.list('scope')).toMatchObject([{ label: 'disk__copy', state: 'completed' }]));
    const [job] = jobs.list('scope');
    const ref = job?.state === 'completed' ? referenceOf(job.result) : undefined;
    expect(store.has('scope', ref ?? '')).toBe(true);
    expect(released).toEqual([{ id: 'scope', lifeId: '' }]);
  });

  it('whose server refuses it fails with what the server said', async () => {
    const { call, jobs } = world('"error":{"code":-5,"message":"no"}');
    await gatewayInvokeAsync.handle(call('{"id":"disk__copy"}'));
    await vi.waitFor(() =>
      expect(jobs.list('scope')).toMatchObject([{ state: 'failed', error: '{"code":-5,"message":"no"}' }]),
    );
  });
});
