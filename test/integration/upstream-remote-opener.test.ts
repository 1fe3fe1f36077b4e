import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.ts';
import { isRunning } from '../../src/base/process-identity.ts';
import { checkServer } from '../../src/config/server-entry.ts';
import { createJournal, type Journal } from '../../src/upstream/process/journal.ts';
import type { Opener } from '../../src/upstream/reach.ts';
import { createRemoteOpener } from '../../src/upstream/remote-opener.ts';
import { type Fixture, runFixture } from '../support/run-fixture.ts';
import { TransportRecorder } from '../support/transport-recorder.ts';

const fixtures = join(import.meta.dirname, '../fixtures/upstreams');
const cleanups: (() => Promise<void> | void)[] = [];
let home: string;
let journal: Journal;

beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'aitkit-remote-')));
  journal = createJournal(join(home, 'children'));
  cleanups.push(() => rmSync(home, { recursive: true, force: true }));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(name: string, env: Record<string, string> = {}): Promise<Fixture> {
  const fixture = await runFixture(name, env);
  cleanups.push(fixture.stop);
  return fixture;
}

/** An entry as it stands in the config, reached as the supervisor reaches it. */
function open(
  definition: Record<string, unknown>,
  headers: (owner: string | undefined) => Record<string, string> = () => ({}),
): Opener {
  const { entry, errors } = checkServer('remote', definition, home);
  if (!entry) throw new Error(JSON.stringify(errors));
  const remote = createRemoteOpener({
    journal: async () => journal,
    maxMessageBytes: () => 1024 * 1024,
    dataDir: home,
    markerTag: 'test',
    workDir: join(home, 'work'),
    showLogin: () => {},
    onLoggedIn: () => {},
    log: silentLog,
  });
  const { kind, command, args, env, url } = entry;
  const opener = remote.open({
    entry,
    resolved: {
      sharing: 'shared',
      sharingReason: 'test',
      spec: {
        kind,
        args: [...args],
        env: { ...env },
        headers: {},
        inheritedEnv: {},
        ...(command === undefined ? {} : { command }),
        ...(url === undefined ? {} : { url }),
      },
      cwd: join(home, 'work', entry.slug),
      folderReason: 'test',
      secrets: [],
      instanceKey: 'k',
      snapshotKey: 's',
    },
    instanceId: 'remote-1',
    starter: () => ({ id: 'a', lifeId: 'a', folder: '', projectRoot: '', values: {}, baseline: {} }),
    headersOf: headers,
    startTimeoutMs: 10_000,
  });
  cleanups.push(async () => {
    await opener.close?.('test is over');
    remote.close();
  });
  return opener;
}

test.each([
  ['http', 'http-echo.mjs', (port: number) => ({ type: 'http', url: `http://127.0.0.1:${port}/mcp` })],
  ['sse', 'http-echo.mjs', (port: number) => ({ type: 'sse', url: `http://127.0.0.1:${port}/sse` })],
  ['ws', 'ws-echo.mjs', (port: number) => ({ type: 'ws', url: `ws://127.0.0.1:${port}/` })],
])('reaches a server of type %s with the headers of each session', async (_type, fixture, define) => {
  const { port } = await serve(fixture, { HTTP_TOKEN: 'of-b', WS_TOKEN: 'of-b' });
  const opener = open(define(port), (owner) => ({ Authorization: `Bearer of-${owner}` }));
  expect(opener.isPerSession).toBe(true);
  const [a, b] = [new TransportRecorder(), new TransportRecorder()];
  const refused = await opener.open(a.events, 'a');
  const accepted = await opener.open(b.events, 'b');
  expect((await b.open(accepted))['result']).toMatchObject({ serverInfo: { name: 'echo' } });
  const answer = await a.open(refused).catch((error: unknown) => ({ error }));
  expect(answer).toHaveProperty('error');
  await Promise.all([refused.close('done'), accepted.close('done')]);
});

test('starts a server with a command and an address once, in its own folder, and journals it', async () => {
  const opener = open({
    command: process.execPath,
    args: [join(fixtures, 'http-echo.mjs')],
    env: { PORT: '${PORT}' },
    url: 'http://127.0.0.1:${PORT}/mcp',
  });
  const [a, b] = [new TransportRecorder(), new TransportRecorder()];
  const [first, second] = await Promise.all([opener.open(a.events, 'a'), opener.open(b.events, 'b')]);
  await a.open(first);
  await b.open(second);
  const pid = Number(await a.call(first, 'pid'));
  expect(await b.call(second, 'pid')).toBe(String(pid));
  expect(opener.pid()).toBe(pid);
  expect(await a.call(first, 'cwd')).toBe(join(home, 'work', 'remote'));
  expect(opener.describe()).toEqual({
    command: process.execPath,
    cwd: join(home, 'work', 'remote'),
    environment: ['PORT'],
  });
  expect(journal.entries().map((entry) => ({ pid: entry.pid, server: entry.server }))).toEqual([
    { pid, server: 'remote' },
  ]);
  await opener.close?.('stop');
  expect(isRunning({ pid })).toBe(false);
  expect(journal.entries()).toEqual([]);
  expect([a.exits[0]?.reason, b.exits[0]?.reason]).toEqual(['closed', 'closed']);
});
