// The same requests to a real server over stdio, and through wrapper and daemon as `--server X`: equal field by field.
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaemonRig, fixture, type ServerConfig } from '../support/daemon-rig.ts';
import { McpClient, type Message } from '../support/mcp-client.ts';

type Params = Record<string, unknown>;
/** What a host sends, in order; each answer is compared, with the notifications that came with it. */
type Step = readonly [method: string, params?: Params];
type Subject = {
  server: (folder: string) => ServerConfig;
  prepare?: (folder: string) => void;
  steps: (folder: string) => Step[];
};

const call = (name: string, args: Params = {}, meta?: Params): Step => [
  'tools/call',
  { name, arguments: args, ...(meta ? { _meta: meta } : {}) },
];
const lists: Step[] = [['tools/list'], ['prompts/list'], ['resources/list'], ['resources/templates/list']];
const wrong: Step[] = [
  call('no-such-tool'),
  ['prompts/get', { name: 'no-such-prompt' }],
  ['resources/read', { uri: 'no://such' }],
  ['no/such/method', { a: 1 }],
  ['ping'],
];

function npmServer(name: string, args: string[] = [], env: Record<string, string> = {}): ServerConfig {
  const manifest = createRequire(import.meta.url).resolve(`@modelcontextprotocol/${name}/package.json`);
  return {
    command: process.execPath,
    args: [join(manifest, '..', 'dist', 'index.js'), ...args],
    env,
    sharing: 'shared',
  };
}

const subjects: Record<string, Subject> = {
  everything: {
    server: () => npmServer('server-everything'),
    steps: () => [
      ...lists,
      ...wrong,
      call('echo', { message: 'ä "quoted" \\ \u0000 😀' }),
      call('echo', { message: 5 }),
      call('echo', {}),
      call('get-sum', { a: 1.5, b: 9007199254740991 }),
      call('get-annotated-message', { messageType: 'error', includeImage: true }),
      call('get-structured-content', { location: 'New York' }),
      call('get-tiny-image'),
      call('get-resource-links', { count: 3 }),
      call('get-resource-reference', { resourceType: 'Text', resourceId: 2 }),
      call('trigger-long-running-operation', { duration: 0.3, steps: 3 }, { progressToken: 'p"1' }),
      call('trigger-long-running-operation', { duration: 0.2, steps: 2 }, { progressToken: 0 }),
      call('trigger-elicitation-request'),
      ['prompts/get', { name: 'simple-prompt' }],
      ['prompts/get', { name: 'args-prompt', arguments: { city: 'Graz' } }],
      ['prompts/get', { name: 'args-prompt', arguments: {} }],
      ['prompts/get', { name: 'resource-prompt', arguments: { resourceType: 'Text', resourceId: '1' } }],
      ['resources/read', { uri: 'demo://resource/static/document/features.md' }],
      ['resources/read', { uri: 'demo://resource/dynamic/text/7' }],
      ['resources/subscribe', { uri: 'demo://resource/static/document/features.md' }],
      ['resources/unsubscribe', { uri: 'demo://resource/static/document/features.md' }],
      [
        'completion/complete',
        { ref: { type: 'ref/prompt', name: 'completable-prompt' }, argument: { name: 'department', value: 'S' } },
      ],
      [
        'completion/complete',
        {
          ref: { type: 'ref/resource', uri: 'demo://resource/dynamic/text/{resourceId}' },
          argument: { name: 'resourceId', value: '1' },
        },
      ],
      ['completion/complete', { ref: { type: 'ref/prompt', name: 'none' }, argument: { name: 'x', value: '' } }],
      ['logging/setLevel', { level: 'warning' }],
    ],
  },
  memory: {
    server: (folder) => npmServer('server-memory', [], { MEMORY_FILE_PATH: join(folder, 'memory.json') }),
    steps: () => [
      ...lists,
      ...wrong,
      ['logging/setLevel', { level: 'info' }],
      call('create_entities', {
        entities: [{ name: 'Ada', entityType: 'person', observations: ['wrote the first program'] }],
      }),
      call('create_relations', { relations: [{ from: 'Ada', to: 'Engine', relationType: 'knew' }] }),
      call('add_observations', { observations: [{ entityName: 'Ada', contents: ['a', 'b'] }] }),
      call('add_observations', { observations: [{ entityName: 'Nobody', contents: ['x'] }] }),
      call('read_graph'),
      call('search_nodes', { query: 'program' }),
      ['resources/read', { uri: 'memory://knowledge-graph' }],
      call('delete_entities', { entityNames: ['Ada'] }),
      call('read_graph'),
    ],
  },
  filesystem: {
    server: (folder) => npmServer('server-filesystem', [join(folder, 'files')]),
    prepare: (folder) => {
      mkdirSync(join(folder, 'files', 'sub'), { recursive: true });
      writeFileSync(join(folder, 'files', 'one.txt'), 'first\nsecond ä\nthird\n');
      writeFileSync(join(folder, 'files', 'pixel.png'), Buffer.from([137, 80, 78, 71, 0, 255]));
    },
    steps: (folder) => {
      const path = (name: string) => join(folder, 'files', name);
      return [
        ...lists,
        ...wrong,
        call('list_directory', { path: path('') }),
        call('read_text_file', { path: path('one.txt') }),
        call('read_text_file', { path: path('one.txt'), head: 1 }),
        call('read_media_file', { path: path('pixel.png') }),
        call('read_text_file', { path: path('missing.txt') }),
        call('read_text_file', { path: '/etc/hostname' }),
        call('write_file', { path: path('two.txt'), content: 'x'.repeat(200_000) }),
        call('edit_file', { path: path('one.txt'), edits: [{ oldText: 'second', newText: '2nd' }], dryRun: false }),
        call('read_multiple_files', { paths: [path('one.txt'), path('missing.txt'), path('two.txt')] }),
        call('move_file', { source: path('two.txt'), destination: path('sub/two.txt') }),
        call('directory_tree', { path: path('') }),
        call('search_files', { path: path(''), pattern: '**/*.txt' }),
        call('list_allowed_directories'),
      ];
    },
  },
  echo: {
    server: () => fixture('echo.mjs', { ECHO_INSTRUCTIONS: 'Say it again.', ECHO_NAME: 'an echo' }),
    steps: () => [
      ...lists,
      ...wrong,
      call('raw', { result: { content: [{ type: 'new-kind', a: [1] }], 'x-unknown': null, _meta: { k: 'v' } } }),
      call('fail'),
      call('fail', { code: -32050 }),
      call('slow', { steps: 4 }, { progressToken: 12, 'x/y': 1 }),
      ['logging/setLevel', { level: 'debug' }],
      call('log', { level: 'debug', data: { nested: [1, null] } }),
      call('ask_back', { kind: 'elicitation', message: 'Sure?' }),
      ['resources/subscribe', { uri: 'test://clock' }],
      call('touch'),
      ['resources/read', { uri: 'test://clock' }],
      ['resources/read', { uri: 'test://item/5' }],
      ['prompts/get', { name: 'greet', arguments: { who: 'you' } }],
      ['completion/complete', { ref: { type: 'ref/prompt', name: 'greet' }, argument: { name: 'who', value: 'a' } }],
    ],
  },
};

let rig: DaemonRig;
beforeEach(() => {
  rig = new DaemonRig();
});
afterEach(() => rig.dispose());

const capabilities = { elicitation: { form: {}, url: {} } };

/** Everything that came back, answers without their ids, each with the messages that the server sent before it. */
async function transcript(client: McpClient, steps: readonly Step[]): Promise<unknown[]> {
  let seen = 0;
  let answered = 0;
  const take = () => {
    const arrived = client.messages.slice(seen);
    seen = client.messages.length;
    return arrived
      .map(({ id: _id, ...message }) => message)
      .filter(({ method }) => !String(method).endsWith('list_changed'));
  };
  const heard: unknown[] = [];
  const params = { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'compare', version: '1' } };
  await client.request('initialize', params);
  heard.push(take());
  client.notify('notifications/initialized');
  for (const [method, given] of steps) {
    client.send({ jsonrpc: '2.0', id: `s${answered}`, method, ...(given ? { params: given } : {}) });
    const reply = client.answer(`s${answered}`);
    answered += 1;
    const stop = answerQuestions(client);
    await reply;
    stop();
    heard.push({ method, given, arrived: take() });
  }
  return heard;
}

/** A host that accepts every elicitation and can do nothing else. */
function answerQuestions(client: McpClient): () => void {
  const done = new Set<unknown>();
  const answer = () => {
    for (const { id, method } of client.messages) {
      if (id === undefined || method !== 'elicitation/create' || done.has(id)) continue;
      done.add(id);
      client.send({
        jsonrpc: '2.0',
        id,
        result: { action: 'accept', content: { answer: 'yes', name: 'Ada' } },
      } as Message);
    }
  };
  answer();
  return client.watch(answer);
}

/** Times of day that a server puts into its texts. */
function withoutTimes(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replace(/\d{1,2}:\d{2}:\d{2}(?:[\u202f ][AP]M)?/g, 'TIME'));
}

describe.each(Object.entries(subjects))('%s', (name, { server, prepare, steps }) => {
  it('answers through the daemon as it does directly', async () => {
    const folder = join(rig.home, 'state');
    const reset = () => {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
      prepare?.(folder);
    };
    reset();
    const entry = server(folder);
    const direct = new McpClient(startDirectly(entry));
    const expected = withoutTimes(await transcript(direct, steps(folder)));
    await direct.close();

    reset();
    rig.writeConfig({ [name]: entry });
    const proxied = await rig.connected({ args: ['--server', name] });
    const found = withoutTimes(await transcript(proxied, steps(folder)));
    expect(found).toEqual(expected);
  });
});

function startDirectly({ command, args, env }: ServerConfig): ChildProcess {
  const list = Array.isArray(args) ? args.map(String) : [];
  return rig.spawn(String(command), list, { ...(env as Record<string, string>) });
}
