import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { AppError } from '../../../../src/base/errors.ts';
import { Jobs } from '../../../../src/gateway/jobs.ts';
import { createArgumentCheck } from '../../../../src/gateway/tools/call-arguments.ts';
import type { GatewayCall, SessionJobs } from '../../../../src/gateway/tools/gateway-tool.ts';
import { gatewayTools } from '../../../../src/gateway/tools/gateway-tools.ts';
import { gatewayInvoke } from '../../../../src/gateway/tools/invoke.ts';
import { retrieveTools } from '../../../../src/gateway/tools/retrieve-tools.ts';
import { parseEnvelope } from '../../../../src/mcp/envelope.ts';
import { LimitedWork } from '../../../../src/results/limited-work.ts';
import { ResultStore } from '../../../../src/results/result-store.ts';
import { referenceOf, shieldResult } from '../../../../src/results/shield.ts';
import { defaultShieldPolicy } from '../../../../src/results/shrink.ts';
import { createToolIndex } from '../../../../src/search/tool-index.ts';

const resultShape = z.looseObject({
  content: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })),
  isError: z.boolean().optional(),
});
const copy = {
  name: 'copy_file',
  description: 'Copies a file.',
  inputSchema: {
    type: 'object',
    properties: { from: { type: 'string' }, times: { type: 'integer' }, mode: { enum: ['fast', 'safe'] } },
    required: ['from'],
    additionalProperties: false,
  },
};
const secret = { name: 'copy_secret', description: 'Copies a secret file.' };

/** What a session sees; `part`: what differs. */
function setUp(answer: unknown = { content: [{ type: 'text', text: 'done' }] }) {
  const invoked: string[] = [];
  const added: (readonly string[])[] = [];
  const index = createToolIndex();
  index.set('disk', [copy, secret]);
  const store = new ResultStore(
    { now: () => 0, spillFolder: '/nonexistent' },
    { maxResults: 9, maxBytes: 1e7, maxAgeMs: 1e6, spillBytes: 1e7 },
  );
  const jobs = new Jobs({ now: () => 0 });
  const checkArguments = createArgumentCheck(new LimitedWork(''));
  const part: Partial<GatewayCall> = {};
  const jobsOf = (session: string): SessionJobs => {
    const access = new Set(session === 'stranger' ? [] : ['disk']);
    return {
      start: (label, { detach }) => {
        const detached = detach ? { detached: { access: 'disk' } } : {};
        invoked.push(label);
        return jobs.start({ session, label, ...detached, run: async () => answer });
      },
      list: () => jobs.list(session),
      status: async (id) => jobs.status(session, id, access),
      cancel: async (id) => jobs.cancel(session, id, access),
      finishedMs: jobs.finishedMs,
    };
  };
  const callOf = (session: string, args: unknown): GatewayCall => ({
    args,
    search: (words, options = {}) =>
      index
        .search(words, { limit: index.size, ...options, accepts: (_, tool) => tool !== 'copy_secret' })
        .map(({ name, ...hit }) => ({ id: `${hit.server}__${name}`, ...hit })),
    describe: (id) => (id === 'disk__copy_file' ? copy : undefined),
    idOf: (server, tool) => `${server}__${tool}`,
    servers: () => [{ slug: 'disk', names: ['disk', 'My_Disk'] }],
    unknownServers: () => [],
    waitForAll: async () => {},
    waitFor: async () => {},
    checkArguments,
    invoke: async (id) => {
      invoked.push(id);
      return { kind: 'value', value: answer };
    },
    jobs: jobsOf(session),
    pool: {
      topK: 1,
      add: async (ids) => {
        added.push(ids);
        return { added: [...ids], evicted: ['old'], size: 7 };
      },
    },
    results: store.of(session),
    answerPolicy: defaultShieldPolicy,
    ...part,
  });
  const call = async (name: string, args: unknown, session = 'me') => {
    const tool = [...gatewayTools, retrieveTools].find((one) => one.name === name);
    const given = await tool?.handle(callOf(session, args));
    const result = resultShape.parse(given?.kind === 'value' ? given.value : undefined);
    return { result, text: result.content[0]?.text ?? '' };
  };
  return { part, index, store, jobs, invoked, added, callOf, call };
}

describe('gateway tools', () => {
  it('do not name a reference in a job that leads nowhere any more', async () => {
    const { call, store, jobs } = setUp();
    const long = { content: [{ type: 'text', text: 'x'.repeat(100_000) }] };
    const keep = () => shieldResult(long, defaultShieldPolicy, store.of('me')).result;
    const id = jobs.start({ session: 'me', label: 'disk__copy_file', run: async () => keep() });
    const status = async () => (await call('gateway_invoke_status', { jobId: id })).result;
    await vi.waitFor(async () => expect(referenceOf(await status())).toBeTypeOf('string'));
    for (let n = 0; n < 9; n += 1) keep();
    const left = await status();
    expect(referenceOf(left)).toBeUndefined();
    expect(left.content.at(-1)?.text).toContain('The rest is no longer kept');
    expect(JSON.stringify(left)).not.toContain('gateway_get_result');
    expect(left.content[0]?.text).toContain('xxx');
  });

  it('cost at most 700 tokens together, in a fixed order', () => {
    const shown = gatewayTools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
    expect(encode(JSON.stringify(shown)).length).toBeLessThanOrEqual(700);
    expect(shown.map(({ name }) => name)).toEqual([
      'gateway_search',
      'gateway_describe',
      'gateway_invoke',
      'gateway_invoke_async',
      'gateway_invoke_status',
      'gateway_get_result',
    ]);
  });

  it('are shown what they read, without what a model has no use for', () => {
    const schemas = new Map([...gatewayTools, retrieveTools].map(({ name, inputSchema }) => [name, inputSchema]));
    const [string, integer] = [{ type: 'string' }, { type: 'integer' }];
    expect(schemas.get('gateway_search')).toEqual({
      type: 'object',
      properties: {
        query: string,
        limit: { type: 'integer', default: 10, maximum: 50 },
        ...{ offset: integer, servers: { type: 'array', items: string }, readOnly: { type: 'boolean' } },
      },
      required: ['query'],
    });
    expect(schemas.get('gateway_get_result')).toMatchObject({
      properties: {
        path: { description: 'like $.items[3].body' },
        block: { ...integer, description: 'content block' },
      },
      required: ['ref'],
    });
    for (const name of ['gateway_invoke', 'gateway_invoke_async']) {
      expect(schemas.get(name)).toMatchObject({ properties: { args: { type: 'object' } }, required: ['id'] });
    }
    expect(schemas.get('retrieve_tools')).toEqual({
      type: 'object',
      properties: { query: string },
      required: ['query'],
    });
  });

  it('finds only what the session may see', async () => {
    const { call } = setUp();
    expect(JSON.parse((await call('gateway_search', { query: 'copy a secret file' })).text)).toMatchObject({
      tools: [{ id: 'disk__copy_file', server: 'disk', args: ['from*', 'times', 'mode'] }],
    });
  });

  it('takes what models write instead: one string for a list, JSON for an object', async () => {
    const { call, invoked } = setUp();
    expect((await call('gateway_describe', { ids: 'disk/copy_file' })).text).toContain('"id":"disk__copy_file"');
    expect((await call('gateway_search', { query: 'copy', servers: 'disk' })).text).toContain('copy_file');
    expect((await call('gateway_invoke', { id: 'disk.copy_file', args: '{"from":"a"}' })).text).toBe('done');
    expect((await call('gateway_invoke', { id: 'disk__copy_file', arguments: { from: 'b' } })).text).toBe('done');
    expect(invoked).toEqual(['disk__copy_file', 'disk__copy_file']);
  });

  it('says why nothing was found', async () => {
    const { call } = setUp();
    const noteOf = async (args: unknown) => JSON.parse((await call('gateway_search', args)).text).note;
    expect(await noteOf({ query: 'copy', servers: ['dsk'] })).toBe('No server is called dsk. There are disk.');
    expect(await noteOf({ query: 'copy', readOnly: true })).toContain('search without readOnly');
    expect(await noteOf({ query: 'qwertyuiop' })).toBe(
      'No tool matches. Use other words, or an empty query to list all 1.',
    );
    expect(await noteOf({ query: '', limit: 5 })).toBeUndefined();
    expect(await noteOf({ query: 'copy' })).toBeUndefined();
    expect((await call('gateway_describe', { ids: ['copy_file'] })).text).toContain('Did you mean disk__copy_file?');
    await expect(call('gateway_invoke', { tool: 'disk__copy_file' })).rejects.toMatchObject({
      hint: 'Correct the arguments and call again. It takes id, args, not tool.',
    });
  });

  it('knows a server by the name in the config too, in ids and filters', async () => {
    const { call } = setUp();
    const ids = ['My_Disk__copy_file', 'My_Disk::copy_file', 'my_disk:copy_file'];
    const described = JSON.parse((await call('gateway_describe', { ids })).text);
    expect(described.tools.map(({ id }: { id: string }) => id)).toEqual(ids.map(() => 'disk__copy_file'));
    const found = JSON.parse((await call('gateway_search', { query: 'copy', servers: ['My_Disk', 'nosuch'] })).text);
    expect(found).toMatchObject({
      tools: [{ id: 'disk__copy_file' }],
      note: 'No server is called nosuch. There are disk.',
    });
  });

  it('lists page by page what a filter leaves, and counts only that', async () => {
    const { call, index, part } = setUp();
    const many = Array.from({ length: 7 }, (_, i) => ({ name: `tool_${i}` }));
    index.set('many', many);
    Object.assign(part, { servers: () => ['disk', 'many'].map((slug) => ({ slug, names: [slug] })) });
    const list = async (offset?: number) =>
      JSON.parse((await call('gateway_search', { query: '', servers: ['many'], limit: 3, offset })).text);
    expect(await list()).toMatchObject({ note: 'Tools 1 to 3 of 7; the next with "offset": 3.' });
    expect(await list(3)).toMatchObject({
      tools: [{ id: 'many__tool_3' }, {}, {}],
      note: expect.stringContaining('7'),
    });
    const last = await list(6);
    expect(last.tools).toMatchObject([{ id: 'many__tool_6' }]);
    expect(last.note).toBeUndefined();
    expect((await list(7)).note).toBe('No tool matches beyond the first 7.');
  });

  it('says of which servers it does not know the tools, and why', async () => {
    const { call, part } = setUp();
    const error = new AppError({
      code: 'SERVER_NOT_INSTALLED',
      message: 'Nothing is called foo.',
      hint: 'Install it.',
    });
    Object.assign(part, {
      servers: () => ['disk', 'mute', 'gone'].map((slug) => ({ slug, names: [slug] })),
      unknownServers: () => [{ slug: 'mute' }, { slug: 'gone', error }],
    });
    expect(JSON.parse((await call('gateway_search', { query: 'copy' })).text).note).toBe(
      'Not known yet are the tools of mute (still starting: try again in some seconds); gone (Nothing is called foo. Install it.)',
    );
    await expect(call('gateway_invoke', { id: 'gone__x' })).rejects.toMatchObject({ code: 'SERVER_NOT_INSTALLED' });
    await expect(call('gateway_invoke', { id: 'mute__x' })).rejects.toMatchObject({
      code: 'TOOL_UNKNOWN',
      hint: expect.stringContaining('still starting'),
    });
  });

  it('describes by all three ways of writing an id and names unknown ones', async () => {
    const { call } = setUp();
    const { text } = await call('gateway_describe', {
      ids: ['disk__copy_file', 'disk::copy_file', 'disk:copy_file', 'nope'],
    });
    const { tools } = JSON.parse(text);
    expect(tools.map(({ id, error }: { id: string; error?: string }) => error ?? id)).toEqual([
      ...['disk__copy_file', 'disk__copy_file', 'disk__copy_file'],
      'unknown. Use gateway_search to find its id.',
    ]);
    expect(tools[0].inputSchema).toEqual(copy.inputSchema);
  });

  it('refuses wrong arguments with what is wrong and the schema, without calling', async () => {
    const { call, invoked } = setUp();
    const { result, text } = await call('gateway_invoke', {
      id: 'disk__copy_file',
      args: { times: 'x', mode: 'odd', extra: 1 },
    });
    expect(result.isError).toBe(true);
    expect(JSON.parse(text)).toMatchObject({
      wrong: [
        "arguments must have required property 'from'",
        'arguments must NOT have additional properties "extra"',
        'times must be integer',
        'mode must be equal to one of the allowed values (fast, safe)',
      ],
      inputSchema: copy.inputSchema,
    });
    expect(invoked).toEqual([]);
  });

  it('hands on what the call brought, bytes as bytes', async () => {
    const { callOf, part } = setUp();
    const envelope = parseEnvelope(Buffer.from('{"jsonrpc":"2.0","id":1,"result":{"n":12345678901234567890}}'));
    if (envelope.kind !== 'response') throw new Error('not a response');
    const answer = { kind: 'bytes', envelope, edits: [] } as const;
    Object.assign(part, { invoke: async () => answer });
    expect(await gatewayInvoke.handle(callOf('me', { id: 'disk:copy_file', args: { from: 'a' } }))).toBe(answer);
  });

  it('runs nothing without arguments that were given in the wrong place or form, and shows the right one', async () => {
    const { call, invoked, part } = setUp();
    // Every argument is optional: without them it would run.
    const free = { ...copy, inputSchema: { type: 'object', properties: { path: { type: 'string' } } } };
    Object.assign(part, { describe: () => free });
    const id = 'disk__copy_file';
    const given = [
      [{ path: '/x' }, 'put the tool\'s arguments into "args", not beside it (path)'],
      [{ args: {}, path: '/x' }, 'not beside it (path)'],
      [{ args: {}, arguments: { path: '/x' } }, 'not beside it (arguments)'],
      [{ params: { path: '/x' } }, '{"id": …, "args": {"params": …}}'],
      [{ args: null }, '"args" must be an object, not null'],
      [{ args: ['/x'] }, '"args" must be an object, not an array'],
      [{ args: '{"path":"/x"' }, '"args" must be an object, not a text that is not the JSON of one'],
      [{ arguments: 5 }, '"arguments" must be an object, not a number'],
    ] as const;
    for (const name of ['gateway_invoke', 'gateway_invoke_async']) {
      for (const [more, wrong] of given) {
        const { result, text } = await call(name, { id, ...more });
        expect(result.isError).toBe(true);
        expect(JSON.parse(text).wrong.join()).toContain(wrong);
        expect(JSON.parse(text).inputSchema).toEqual(free.inputSchema);
      }
    }
    expect(invoked).toEqual([]);
    await call('gateway_invoke_async', { id, detach: true });
    expect(invoked).toHaveLength(1);
  });

  it('answers no more than a result may have, and says how to get the rest', async () => {
    const { call, index, part } = setUp();
    const names = Array.from({ length: 2_000 }, (_, i) => `parameter_number_${i}`);
    const property = { type: 'string', description: 'd'.repeat(80) };
    const properties = Object.fromEntries(names.map((name) => [name, property]));
    const wide = { name: 'wide', inputSchema: { type: 'object', properties, required: names.slice(0, 1) } };
    index.set('disk', [wide]);
    Object.assign(part, { describe: () => wide });
    const ids = { ids: ['disk__wide'] };
    for (const [tool, args] of [
      ['gateway_describe', ids],
      ['gateway_invoke', { id: 'disk__wide', args: 5 }],
      ['gateway_invoke', { id: 'disk__wide', beside: 1 }],
    ] as const) {
      const { result } = await call(tool, args);
      expect(JSON.stringify(result).length).toBeLessThanOrEqual(65_536);
      const ref = referenceOf(result) ?? '';
      const path = tool === 'gateway_describe' ? '$.tools[0].inputSchema.properties' : '$.inputSchema.properties';
      const rest = await call('gateway_get_result', { ref, path: `${path}.parameter_number_1999` });
      expect(rest.text).toContain('dddd');
    }
    const [hit] = JSON.parse((await call('gateway_search', { query: 'wide' })).text).tools;
    expect(hit.args).toHaveLength(21);
    expect(hit.args.slice(-2)).toEqual(['parameter_number_19', '… and 1980 more: gateway_describe']);
  });

  it('shows of each job in the list its last line, and the whole log by its id', async () => {
    const { call, jobs } = setUp();
    const message = (n: number) => `${n} ${'m'.repeat(3_000)}`;
    const start = (reject: boolean) =>
      jobs.start({
        ...{ session: 'me', label: 'disk__copy_file' },
        run: async ({ onProgress }) => {
          for (let n = 1; n <= 60; n += 1) onProgress({ progress: n, total: 60, message: message(n) });
          if (reject) throw new Error('e'.repeat(3_000));
          return new Promise(() => {});
        },
      });
    const [running, failed] = [start(false), start(true)];
    await vi.waitFor(() => expect(jobs.status('me', failed).state).toBe('failed'));
    const { text } = await call('gateway_invoke_status', {});
    expect(text.length).toBeLessThan(2_000);
    expect(JSON.parse(text).jobs).toMatchObject([
      { jobId: running, progress: { progress: 60, total: 60 }, log: [expect.stringMatching(/^60 m+…$/)] },
      { jobId: failed, error: expect.stringMatching(/^e+…$/) },
    ]);
    const whole = await call('gateway_invoke_status', { jobId: running });
    expect(JSON.parse(whole.text).log).toHaveLength(50);
    expect(whole.text.length).toBeLessThan(30_000);
    expect(JSON.parse((await call('gateway_invoke_status', { jobId: failed })).text).error).toHaveLength(3_000);
  });

  it('suggests the nearest tool for an unknown id', async () => {
    await expect(setUp().call('gateway_invoke', { id: 'disk__copy_files' })).rejects.toMatchObject({
      code: 'TOOL_UNKNOWN',
      hint: 'Did you mean disk__copy_file?',
    });
  });

  it('reads the rest of a shortened result by its reference, for this session only', async () => {
    const { call, store } = setUp();
    const numbers = Array.from({ length: 120 }, (_, n) => n);
    const ref = store.put('me', { content: [{ type: 'text', text: JSON.stringify(numbers) }] });
    expect(JSON.parse((await call('gateway_get_result', { ref, offset: 100 })).text)).toMatchObject({
      total: 120,
      data: numbers.slice(100),
    });
    await expect(call('gateway_get_result', { ref }, 'other')).rejects.toMatchObject({ code: 'RESULT_UNKNOWN' });
  });

  it('runs a job and gives its result as the call would have', async () => {
    const { call } = setUp();
    const { jobId } = JSON.parse(
      (await call('gateway_invoke_async', { id: 'disk__copy_file', args: { from: 'a' } })).text,
    );
    expect(JSON.parse((await call('gateway_invoke_status', {})).text)).toMatchObject({
      jobs: [{ jobId, tool: 'disk__copy_file' }],
    });
    expect((await call('gateway_invoke_status', { jobId })).text).toBe('done');
  });
});

describe('a detached job whose session is gone', () => {
  it('says who may read it and for how long, and is read by whoever names it', async () => {
    const { call, jobs } = setUp();
    const args = { id: 'disk__copy_file', args: { from: 'a' }, detach: true };
    const { jobId, note } = JSON.parse((await call('gateway_invoke_async', args)).text);
    expect(note).toContain('names this jobId');
    expect(note).toContain('30 min');
    const kept = await call('gateway_invoke_async', { ...args, detach: false });
    expect(JSON.parse(kept.text)).not.toHaveProperty('note');
    const status = async (session: string, id: string) =>
      (await call('gateway_invoke_status', { jobId: id }, session)).text;
    await expect(status('other', jobId)).rejects.toMatchObject({ code: 'JOB_UNKNOWN' });
    jobs.closeSession('me');
    await expect(status('stranger', jobId)).rejects.toMatchObject({ code: 'JOB_UNKNOWN' });
    expect(JSON.parse((await call('gateway_invoke_status', {}, 'other')).text)).toEqual({ jobs: [] });
    expect(await status('other', jobId)).toBe('done');
    await expect(status('third', jobId)).rejects.toMatchObject({ code: 'JOB_UNKNOWN' });
  });
});

describe('retrieve_tools', () => {
  it('puts the best of what the session may see into its pool and says what came of it', async () => {
    const { call, added, part } = setUp();
    Object.assign(part, { unknownServers: () => [{ slug: 'mute' }] });
    const found = JSON.parse((await call('retrieve_tools', { query: 'copy secret file' })).text);
    expect(added).toEqual([['disk__copy_file']]);
    expect(found).toMatchObject({
      ...{
        tools: [{ name: 'disk__copy_file', server: 'disk' }],
        added: ['disk__copy_file'],
        evicted: ['old'],
        pool: 7,
      },
      note: expect.stringContaining('mute (still starting'),
    });
    expect(found.tools[0]).not.toHaveProperty('args');
  });
});
