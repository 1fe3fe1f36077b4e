// What a daemon answers and what stands in the arguments, with text that means harm in every place of it, through every
// command that shows it. Breaks when a way to the terminal goes past the one that writes everything out.
import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { verbs } from '../../src/cli/command-table.ts';
import { type FakeControl, openFakeControl } from '../support/fake-control.ts';
import { createHostileRig, type HostileRig, lines, hostileServer as server } from '../support/hostile-cli.ts';
import { allHarm, findHarm, poison, poisonAll } from '../support/hostile-text.ts';

let rig: HostileRig;
let control: FakeControl | undefined;
beforeEach(() => {
  rig = createHostileRig();
});
afterEach(async () => {
  await control?.close();
  control = undefined;
  rig.remove();
});

describe('what a daemon answers', () => {
  const problem = { code: 'SERVER_CRASHED', message: 'It ended.', hint: 'See the log.' };
  const build = { version: '1', id: 'x', protocol: 1 };
  const memory = { pssBytes: 1, rssBytes: 1 };
  const copy = {
    ...{ id: 'i', key: 'k', state: 'ready', sharing: 'project', projectRoot: '/p', sessionId: 's', pid: 1 },
    ...{ environment: ['A'], processes: 1, memory, sessions: ['s'], inFlight: 1, queued: 1, calls: 1, restarts: 0 },
    lastError: problem,
  };
  const session = {
    ...{ id: 's', address: 'somewhere', projectDir: '/p', projectRoot: '/p', since: 'now', isActive: true, calls: 1 },
    ...{ lastCallAt: 'now', client: 'a client', server: 'a server', mode: 'all' },
  };
  const status = {
    daemon: {
      ...{ name: 'n', pid: 1, build, protocol: 1, nonce: 'n', since: 'now', uptimeMs: 1, socket: '/s' },
      ...{ portProblem: 'a port', configPath: '/c', dataDir: '/d', logPath: '/l', isDraining: false, idleExitMs: 1 },
      ...{ upgrade: { to: build, waitsFor: 'a call' }, settings: { mode: 'all', transport: 't' } },
    },
    config: { path: '/c', exists: true, error: problem, warnings: [problem] },
    sessions: [session, session],
    servers: [
      {
        ...{ name: 'notes', shownName: 'n', kind: 'stdio', isEnabled: true, state: 'failed', sharing: 'project' },
        ...{ sharingReason: 'because', projects: ['/p'], tools: 1, instances: [copy, copy], lastError: problem },
        hazards: [{ at: 'now', what: 'a hazard' }],
      },
    ],
    savings: { processes: 1, processesWithout: 3, memoryBytes: 1, memoryBytesWithout: 3_000_000, method: 'a method' },
    problems: [problem],
  };
  const explained = {
    ...{ server: 'notes', projectDir: '/p', projectRoot: '/p', isVisible: true, sharing: 'project' },
    ...{ sharingReason: 'because', instanceKey: 'k', command: ['npx', 'x'], url: 'https://x', cwd: '/p' },
    ...{ environment: ['A'], missing: ['B'], lines: ['a line'] },
  };
  const sent = { results: 1, fetched: 1, searches: 1, jobs: 1 };
  const tokens = {
    ...{ projectRoot: '/p', lists: { k: { tools: 1, names: ['n'], text: 't' } }, modes: [{ mode: 'all', list: 'k' }] },
    servers: [{ server: 'notes', tools: 1, text: 't' }],
    sessions: [
      {
        ...{ id: 's', client: 'c', projectRoot: '/p', mode: 'all', reason: 'r', list: 'k' },
        results: { count: 1, bytes: 1, sent },
      },
    ],
  };
  const tools = [
    { name: 'notes__add', server: 'notes', tool: 'add', title: 'Add', description: 'Adds a note.' },
    { name: 'notes__list', server: 'notes', tool: 'list', title: 'List' },
  ];
  const result = {
    content: [
      { type: 'text', text: 'a text' },
      { type: 'image', mimeType: 'image/png', data: 'AAAA' },
      { type: 'resource', resource: { uri: 'a://b' } },
      'no block',
    ],
    isError: true,
  };
  const health = { status: 'ok', pid: 1, build, uptimeMs: 1, sessions: 1, servers: 1, tools: 1 };

  /** These choose among words of ours, or are looked up. */
  const shapes = new Set(['state', 'sharing', 'list', 'data', 'code', 'name']);
  const hostile = (value: unknown) => poisonAll(value, shapes);
  const answers = {
    '/ping': {},
    '/health': hostile(health),
    '/status': hostile(status),
    '/explain': hostile(explained),
    '/tokens': hostile(tokens),
    '/tools': { tools: hostile(tools) },
    '/call': hostile(result),
    '/start': {},
    '/restart': {},
    '/stop': {},
    '/reload': { error: hostile(problem) },
  };

  it.each(
    lines(
      ['status'],
      ['list'],
      ['explain', 'notes'],
      ['tokens'],
      ['health'],
      ['call', 'notes'],
      ['call', 'notes', 'add'],
      ['start'],
      ['start', 'notes'],
      ['restart', 'notes'],
      ['stop', 'notes'],
      ['doctor'],
      ['disable', 'notes'],
      ['enable', 'notes'],
      ['add', 'other', '--replace', '--', 'npx', poison('x')],
      ['remove', 'notes'],
    ),
  )('$title', async ({ words }) => {
    writeFileSync(rig.configPath, JSON.stringify({ mcpServers: { notes: server } }), { mode: 0o600 });
    control = await openFakeControl(rig.locations().socketPath, answers);
    const shown = await rig.shownBy(...words);
    // It came as far as the words of others.
    expect(shown).toMatch(/\\u001b|\\u009b|\\n|already/);
    if (['status', 'list', 'explain', 'tokens', 'health', 'call', 'start', 'restart'].includes(words[0] ?? '')) {
      const { stdout } = await rig.run(...words, '--json');
      expect(findHarm(stdout)).toBeUndefined();
      expect(JSON.stringify(JSON.parse(stdout))).toContain(JSON.stringify(allHarm).slice(1, -1));
    }
  });

  it.each(['status', 'list', 'explain', 'call', 'tokens', 'health'])('an error of its own: %s', async (verb) => {
    writeFileSync(rig.configPath, JSON.stringify({ mcpServers: { notes: server } }), { mode: 0o600 });
    const failed = { error: poisonAll({ code: 'SERVER_FAILED', message: 'It failed.', hint: 'See.' }, shapes) };
    control = await openFakeControl(rig.locations().socketPath, { '/ping': failed });
    await rig.shownBy(verb, ...(verb === 'explain' || verb === 'call' ? ['notes'] : []));
  });

  it('tells the tools of a server apart from what one of them says, in columns', async () => {
    control = await openFakeControl(rig.locations().socketPath, {
      '/ping': {},
      '/start': {},
      '/tools': [
        { name: 'n__a', server: 'n', tool: 'a', description: '⚠ Removes it.' },
        { name: 'n__b', server: 'n', tool: `b\u202e${'x'.repeat(300)}`, description: `${'\u{1F680}'.repeat(99)}` },
      ],
    });
    const [first = '', second = ''] = (await rig.shownBy('call', 'n')).split('\n');
    expect(first).toBe(`a${' '.repeat(39)}  ⚠ Removes it.`);
    expect(second).toMatch(/^b\\u202ex{300} {2}(?:🚀){49}…$/u);
  });

  it('keeps what a tool returned readable, line by line', async () => {
    const text = 'One ☀️ day:\r\n\tمی‌خواهم \u001b[31mred\u001b[0m';
    control = await openFakeControl(rig.locations().socketPath, {
      '/ping': {},
      '/call': { content: [{ type: 'text', text }] },
    });
    const { stdout } = await rig.run('call', 'n', 'a');
    expect(stdout).toBe('One ☀️ day:\n\tمی‌خواهم \\u001b[31mred\\u001b[0m\n');
    expect(JSON.parse((await rig.run('call', 'n', 'a', '--json')).stdout).content[0].text).toBe(text);
  });
});

describe('what stands in the arguments', () => {
  it.each(
    lines(
      [poison('verb')],
      ['status', poison('word')],
      ['status', `--${poison('option')}`],
      ['get', poison('name')],
      ['explain', poison('name')],
      ['remove', poison('name')],
      ['enable', poison('name')],
      ['logs', poison('name')],
      ['logs', '-n', poison('1')],
      ['call', poison('name')],
      ['call', 'x', 'y', poison('{')],
      ['start', poison('name')],
      ['restart', poison('name')],
      ['add', poison('name'), '--', 'x'],
      ['add', 'x', '--transport', poison('http'), 'y'],
      ['add', 'x', '-e', poison('E'), '--', 'y'],
      ['add', '--preset', poison('p')],
      ['add-json', poison('n'), poison('{')],
      ['connect', poison('host')],
      ['migrate', poison('verb')],
      ['migrate', 'undo', poison('id')],
      ['accept', poison('name')],
      ['accept', '--project', poison('/nowhere')],
      ['--daemon', poison('name'), 'status'],
      ['help', poison('verb')],
    ),
  )('$title', async ({ words }) => {
    expect(await rig.shownBy(...words)).not.toBe('');
  });

  it('is every verb of the table', () => {
    // `demo`, `run` and `leave` show nothing of others but what goes through the same writer; `version` and help are ours.
    const known = [
      'status',
      'list',
      'get',
      'add',
      'add-json',
      'remove',
      'enable',
      'disable',
      'start',
      'stop',
      'restart',
    ];
    known.push('call', 'logs', 'explain', 'tokens', 'health', 'doctor', 'connect', 'disconnect', 'migrate', 'accept');
    expect(verbs.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual(['run', 'demo', 'leave']);
  });
});
