// What is shown of a server whose answers are good, broken or missing, in any order, over restarts of everything.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { Views } from '../../../src/calls/views.ts';
import { Catalog } from '../../../src/catalog/catalog.ts';
import { parseFace, serializeFace } from '../../../src/catalog/server-face.ts';
import { parseConfig } from '../../../src/config/load.ts';
import { Learning } from '../../../src/router/learning.ts';
import { Session } from '../../../src/sessions/session.ts';
import { Admission } from '../../../src/upstream/admission.ts';
import { parseIntroduction } from '../../../src/upstream/handshake.ts';
import { Instance } from '../../../src/upstream/instance.ts';
import { stopCauses } from '../../../src/upstream/instance-errors.ts';
import { resolveCopy } from '../../../src/upstream/resolve.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { type Behaviour, ScriptedServer, toolsOf } from '../../support/scripted-server.ts';

const loaded = parseConfig({
  file: 'config.json',
  text: JSON.stringify({ mcpServers: { s: { command: 's', sharing: 'shared' } } }),
  env: {},
});

/** One life of the daemon over files that outlive it. */
function daemon(server: ScriptedServer, clock: FakeClock, files: Map<string, Buffer>) {
  if (!loaded.ok) throw new Error(loaded.problem.message);
  const { config } = loaded;
  const [entry] = config.servers;
  if (!entry) throw new Error('no entry');
  const catalog = new Catalog({
    find: (key) => {
      const bytes = files.get(key);
      return bytes && parseFace(bytes, parseIntroduction);
    },
    save: (key, face) => files.set(key, serializeFace(face)),
    savedAt: () => undefined,
  });
  const views = new Views({
    catalog,
    config: () => config,
    resolve: (one, asker) =>
      resolveCopy(one, asker, { makeKey: () => 'key', workDir: '/work', knownServers: [], demoted: () => undefined }),
  });
  let elapsed = 0;
  const instance: Instance = new Instance({
    ...{ id: 's-1', key: 'key', snapshotKey: 'key', server: 's', sharing: 'shared' },
    ...{ capabilities: {}, startTimeoutMs: 60_000, opener: server.opener },
    stderr: { write: () => {}, note: () => {}, begin: () => {}, tail: () => '' },
    events: {
      onReady: (one, slot) => learning.started(one, slot),
      onServerRequest: () => {},
      onServerNotification: (_one, slot) => void learning.changed(slot, ['tools']),
      onExit: (_one, slot) => learning.ended(slot),
    },
    // Its crashes are another matter: none is near another here.
    deps: { admission: new Admission(() => 1), log: silentLog, now: () => (elapsed += 3_600_000), random: () => 0 },
  });
  const learning: Learning = new Learning({
    ...{ catalog, views, clock, log: silentLog },
    acquire: async () => ({ instance, slot: await instance.acquire('one') }),
    findSlot: () => instance.findSlot('one'),
    findSession: () => undefined,
    findUser: () => session,
    onChanged: () => views.invalidate(),
    redact: (text) => text,
  });
  const self = { pid: 1, startTime: '1' };
  const session = new Session({
    identity: {
      id: 'one',
      lifeId: 'one',
      host: self,
      wrapper: self,
      projectDir: '',
      folder: '',
      projectRoot: '',
      server: 's',
    },
    sink: { send: () => {}, bufferedBytes: 0, close: () => {} },
    ...{ baseline: {}, served: {}, idPrefix: 't', wants: [], now: clock.now, maxBufferedBytes: 1 },
  });
  session.setValues({});
  return {
    instance,
    session,
    shown: (list: 'tools' | 'prompts') =>
      views
        .of(session)
        .list(list)
        .items.map(({ name }) => name),
    isMissing: () => views.of(session).missing('tools').length > 0,
    start: () => instance.acquire('one').catch(() => {}),
    stop: () => instance.stop(stopCauses.stoppedByPerson),
    /** As a session that lists. */
    list: () => learning.learnOnce(session, entry, 'tools').catch((error: unknown) => error),
    nudge: () => learning.nudge(session, 'tools'),
    failures: () => learning.failuresOf('s', () => true),
  };
}

type Step =
  | { do: 'behave'; as: Behaviour; told: boolean }
  | { do: 'announce' | 'restart' | 'stop' | 'list' | 'nudge' | 'new daemon' }
  | { do: 'wait'; ms: number };

const behaviours: fc.Arbitrary<Behaviour> = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constantFrom('good', 'circles'), list: fc.nat(4) }), weight: 2 },
  fc.record({ kind: fc.constant('breaks-off'), list: fc.nat(4) }),
  fc.record({ kind: fc.constant('error'), code: fc.constantFrom(-32603, -32601, -32602, -32000, 0, 429) }),
  fc.record({
    kind: fc.constantFrom('without', 'null', 'no-array', 'no-message', 'silent', 'dies', 'error-null'),
  }),
);
const steps: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.record({ do: fc.constant('behave'), as: behaviours, told: fc.boolean() }), weight: 4 },
  fc.record({ do: fc.constantFrom('announce', 'restart', 'stop', 'list', 'nudge', 'new daemon') }),
  fc.record({ do: fc.constant('wait'), ms: fc.constantFrom(0, 50, 1_000, 5_000, 70_000, 400_000) }),
);

/** Beyond the longest pause, with its spread, and the longest wait for an answer. */
const longMs = 700_000;

it('shows what the last good answer gave, never anything else, and comes to the next one by itself', async () => {
  const run = async (first: Behaviour, all: readonly Step[]) => {
    const [server, clock, files] = [new ScriptedServer(), new FakeClock(), new Map<string, Buffer>()];
    server.behaviour = first;
    let life = daemon(server, clock, files);
    const look = () => {
      expect(life.shown('tools')).toEqual(server.lastGood ?? []);
      expect(life.isMissing()).toBe(server.lastGood === undefined);
    };
    await life.start();
    for (const step of all) {
      switch (step.do) {
        case 'behave':
          server.behaviour = step.as;
          if (step.told) server.announce();
          break;
        case 'announce':
          server.announce();
          break;
        case 'wait':
          await clock.pass(step.ms);
          break;
        case 'list':
          void life.list();
          break;
        case 'nudge':
          life.nudge();
          break;
        case 'new daemon':
          await life.stop();
          life = daemon(server, clock, files);
          break;
        case 'restart':
        case 'stop':
          await life.stop();
          if (step.do === 'restart') await life.start();
      }
      await clock.pass(300);
      look();
    }
    // It is mended: what was in trouble is asked for by itself; what was in none is, when the server says so.
    const wasAsked = life.failures().some(({ inMs }) => inMs !== undefined);
    server.behaviour = { kind: 'good', list: 5 };
    await life.start();
    const before = server.questions;
    if (!wasAsked) server.announce();
    await clock.pass(longMs);
    look();
    expect(life.shown('tools')).toEqual(toolsOf(5));
    expect(life.failures()).toEqual([]);
    expect(server.questions - before).toBeLessThan(5);
    expect(life.shown('prompts')).toEqual(['always']);
    expect(server.mostOpen).toBe(1);
    await life.stop();
    expect(clock.waiting).toBe(0);
  };
  await fc.assert(fc.asyncProperty(behaviours, fc.array(steps, { maxLength: 12 }), run), { numRuns: 200 });
});

it('asks a server that never lists a bounded number of times, however much is said meanwhile', async () => {
  const [server, clock] = [new ScriptedServer(), new FakeClock()];
  server.behaviour = { kind: 'error', code: -32603 };
  const life = daemon(server, clock, new Map());
  await life.start();
  for (let second = 0; second < 3_600; second += 1) {
    await clock.pass(1_000);
    life.nudge();
  }
  expect(server.questions).toBeGreaterThan(20);
  expect(server.questions).toBeLessThan(200);
  await life.stop();
  expect(clock.waiting).toBe(0);
});

it('a session that lists what was refused is told the reason, at once', async () => {
  const [server, clock] = [new ScriptedServer(), new FakeClock()];
  server.behaviour = { kind: 'error', code: -32000 };
  const life = daemon(server, clock, new Map());
  expect(await life.list()).toMatchObject({
    code: 'LIST_FAILED',
    message: 'The tools of server "s" could not be listed: it answered tools/list with error -32000: refused.',
  });
  expect(life.failures()).toEqual([
    { list: 'tools', reason: expect.stringContaining('-32000'), forMs: 0, inMs: 1_000 },
  ]);
  await life.stop();
});

it('a copy that is stopped while it is asked says nothing about its lists', async () => {
  const [server, clock] = [new ScriptedServer(), new FakeClock()];
  server.behaviour = { kind: 'silent' };
  const life = daemon(server, clock, new Map());
  await life.start();
  await clock.pass(10_000);
  await life.stop();
  await clock.pass(1_000);
  expect(life.failures()).toEqual([]);
  expect(life.isMissing()).toBe(true);
});
