// Jobs: started, looked at, cancelled, across a reconnect, and what their session's end does to them.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { displace, scopeOf } from '../support/displace.ts';
import { eventually } from '../support/eventually.ts';
import { jsonOf, refOf, start } from '../support/gateway-calls.ts';
import { type McpClient, resultOf, textOf } from '../support/mcp-client.ts';

let rig: DaemonRig;
beforeEach(() => {
  rig = new DaemonRig();
});
afterEach(() => rig.dispose());

const gateway = () => rig.open({ args: ['--mode', 'gateway'] });
const status = (session: McpClient, jobId: string) => session.call('gateway_invoke_status', { jobId });
/** The answer once the job has ended. */
const ended = (session: McpClient, jobId: string) =>
  eventually(
    async () => {
      const answer = await status(session, jobId);
      return textOf(answer).includes('"state":"running"') ? undefined : answer;
    },
    { what: 'the job to end' },
  );
const inFlight = async (count: number) =>
  rig.statusUntil(
    ({ servers }) =>
      servers.flatMap(({ instances }) => instances).reduce((sum, one) => sum + one.inFlight, 0) === count,
    `${count} calls in flight`,
  );

it('starts at once, reports progress, and its result is the result of the call', async () => {
  rig.writeConfig({ echo: fixture('echo.mjs') });
  const session = await gateway();
  const until = join(rig.home, 'looked');
  const job = await start(session, 'echo__slow', { steps: 6, text: 'finished', until });
  expect(jsonOf(await status(session, job))).toMatchObject({ jobId: job, tool: 'echo__slow', state: 'running' });
  await eventually(async () => textOf(await status(session, job)).includes('"progress":{"progress":6,"total":6'), {
    what: 'progress',
  });
  writeFileSync(until, '');
  expect(textOf(await ended(session, job))).toBe('finished');
  expect(textOf(await status(session, job))).toBe('finished');
  expect(jsonOf(await session.call('gateway_invoke_status'))).toMatchObject({
    jobs: [{ jobId: job, state: 'completed' }],
  });

  const failed = await start(session, 'echo__fail', { code: -32050 });
  expect(jsonOf(await ended(session, failed))).toMatchObject({
    state: 'failed',
    error: expect.stringContaining('-32050'),
  });
  const wrong = await session.call('gateway_invoke_async', { id: 'echo__big', args: { bytes: 'x' } });
  expect(resultOf(wrong)['isError']).toBe(true);
});

it('shortens what is large, with a reference', async () => {
  rig.writeConfig({ echo: fixture('echo.mjs') });
  const session = await gateway();
  const short = await ended(session, await start(session, 'echo__big', { bytes: 500_000 }));
  expect(textOf(short).length).toBeLessThan(65_536);
  expect(textOf(await session.call('gateway_get_result', { ref: refOf(short) }))).toContain('"total":500000');
});

it('is known exactly as long as the reference of its result', async () => {
  rig.writeConfig({ echo: fixture('echo.mjs') }, { shield: { keepMs: 1_500 } });
  const session = await gateway();
  const job = await start(session, 'echo__big', { bytes: 500_000 });
  await ended(session, job);
  const gone = await eventually(
    async () => {
      const answer = await status(session, job);
      if (resultOf(answer)['isError'] === true) return answer;
      // Between the two questions both may come to their end, never the reference alone.
      const ref = refOf(answer);
      const rest = await session.call('gateway_get_result', { ref });
      if (resultOf(rest)['isError'] === true) expect(resultOf(await status(session, job))['isError']).toBe(true);
      return undefined;
    },
    { what: 'the job to be forgotten' },
  );
  expect(textOf(gone)).toContain('No job of this session has that id');
});

it('belongs to its session alone, and three run at a time', async () => {
  rig.writeConfig({ echo: fixture('echo.mjs') });
  const [mine, other] = [await gateway(), await gateway()];
  const jobs = [];
  for (let i = 0; i < 3; i += 1) jobs.push(await start(mine, 'echo__slow', { forever: true }));
  const [first = ''] = jobs;
  const stolen = textOf(await status(other, first));
  expect(stolen).toContain('No job of this session has that id');
  expect(textOf(await other.call('gateway_invoke_status', { jobId: first, cancel: true }))).toBe(stolen);
  expect(textOf(await status(mine, 'forged'))).toBe(stolen);
  expect(textOf(await mine.call('gateway_invoke_async', { id: 'echo__pid' }))).toContain('which is the limit');
  // The limit is of that session.
  expect(textOf(await ended(other, await start(other, 'echo__echo', { text: 'free' })))).toBe('free');
});

it('is cancelled at the server, and stays cancelled', async () => {
  rig.writeConfig({ echo: fixture('echo.mjs') });
  const session = await gateway();
  const job = await start(session, 'echo__slow', { forever: true });
  await inFlight(1);
  const cancelled = await session.call('gateway_invoke_status', { jobId: job, cancel: true });
  expect(jsonOf(cancelled)).toMatchObject({ state: 'cancelled' });
  await inFlight(0);
  expect(jsonOf(await status(session, job))).toMatchObject({ state: 'cancelled' });
});

it('asks the session that started it, and goes on while the wrapper connects again', async () => {
  rig.writeConfig({ echo: fixture('echo.mjs', {}, { sharing: 'session' }) });
  const session = await rig.open({ args: ['--mode', 'gateway'], capabilities: { elicitation: {} } });
  const until = join(rig.home, 'connected');
  const slow = await start(session, 'echo__slow', { text: 'over it', until });
  await displace(rig, await scopeOf(rig, 'echo'));
  expect(jsonOf(await status(session, slow))).toMatchObject({ state: 'running' });
  writeFileSync(until, '');
  expect(textOf(await ended(session, slow))).toBe('over it');

  const asking = await start(session, 'echo__ask_back', { message: 'Now?' });
  const question = await session.find(({ method }) => method === 'elicitation/create', 'the question');
  session.send({ jsonrpc: '2.0', id: question['id'], result: { action: 'accept', content: { answer: 'now' } } });
  expect(textOf(await ended(session, asking))).toContain('"answer":"now"');
});

it('ends with its session, unless it was detached: then it holds the daemon until it is done', async () => {
  rig.writeConfig({ echo: fixture('echo.mjs') }, { daemon: { idleExitMs: 300 } });
  const witness = await gateway();
  const session = await gateway();
  await start(session, 'echo__slow', { forever: true });
  await inFlight(1);
  await session.close();
  // 10 s for a wrapper that only lost its connection.
  await inFlight(0).catch(() => inFlight(0));
  const detached = await gateway();
  const until = join(rig.home, 'held');
  await start(detached, 'echo__slow', { until }, { detach: true });
  await inFlight(1);
  const since = Date.now();
  await detached.close();
  await witness.close();
  // Idle exit alone would come after 300 ms, the end of the session after 10 s; were it not held, nobody would answer.
  const { daemon } = await rig.status();
  await rig.statusUntil(({ daemon: { uptimeMs } }) => uptimeMs > daemon.uptimeMs + 12_000, 'the daemon to be held');
  await inFlight(1);
  writeFileSync(until, '');
  await eventually(() => rig.log().some(({ event }) => event === 'daemon.stopping'), { what: 'the daemon to end' });
  expect(Date.now() - since).toBeGreaterThan(12_000);
});

it('fails visibly with the daemon: the next one says that it may have run, and nobody can ask for what never was', async () => {
  rig.writeConfig({ echo: fixture('echo.mjs') });
  const [session, other] = [await gateway(), await gateway()];
  const done = await start(session, 'echo__echo', { text: 'done' });
  expect(textOf(await ended(session, done))).toBe('done');
  const job = await start(session, 'echo__slow', { forever: true });
  const [daemon] = rig.daemons();
  if (daemon !== undefined) process.kill(daemon, 'SIGKILL');
  await eventually(() => rig.daemons().some((pid) => pid !== daemon), { what: 'the next daemon' });
  const answerOf = (client: McpClient, jobId: string) =>
    eventually(
      async () => {
        const found = await status(client, jobId);
        // On a slow machine the wrapper says first that no daemon is there yet.
        if (found['error'] !== undefined) return undefined;
        return resultOf(found)['_meta'] === undefined || textOf(found).includes('No job') ? found : undefined;
      },
      { what: 'an answer of the next daemon' },
    );
  const answer = await answerOf(session, job);
  expect(resultOf(answer)['isError']).toBe(true);
  expect(jsonOf(answer)).toMatchObject({
    ...{ jobId: job, tool: 'echo__slow', state: 'failed' },
    error: expect.stringContaining('may have run wholly or in part'),
  });
  expect(jsonOf(await session.call('gateway_invoke_status', {}))).toMatchObject({
    jobs: [
      { jobId: done, error: expect.stringContaining('The call has run') },
      { jobId: job, state: 'failed' },
    ],
  });
  expect(textOf(await answerOf(other, job))).toContain('No job of this session has that id');
  expect(textOf(await answerOf(session, 'forged'))).toContain('No job of this session has that id');
  // Its session goes on with new ones.
  expect(textOf(await ended(session, await start(session, 'echo__echo', { text: 'again' })))).toBe('again');
});

it('detached and without its session: read by who names it, told to nobody else', async () => {
  const servers = { echo: fixture('echo.mjs', { TOKEN: '${TOKEN}' }) };
  rig.writeConfig(servers);
  const withToken = (TOKEN: string) => rig.open({ args: ['--mode', 'gateway'], env: { TOKEN } });
  const [first, second, third, stranger] = await Promise.all(['t', 't', 't', 'other'].map(withToken));
  if (!first || !second || !third || !stranger) throw new Error('no session');
  const done = await start(first, 'echo__big', { bytes: 500_000 }, { detach: true });
  await ended(first, done);
  const until = join(rig.home, 'alone');
  const answer = await first.call('gateway_invoke_async', {
    ...{ id: 'echo__slow', detach: true },
    args: { until, text: 'y'.repeat(200_000) },
  });
  const { jobId, note } = jsonOf(answer);
  expect(note).toContain('names this jobId');
  const running = String(jobId);
  const unknown = textOf(await status(second, 'forged'));
  expect(unknown).toContain('No job of this session has that id');
  expect(textOf(await status(second, done))).toBe(unknown);
  await first.close();

  const found = await eventually(
    async () => {
      // Another identity at the server is not told, though it knows the id and asks first.
      expect(textOf(await status(stranger, done))).toBe(unknown);
      const read = await status(second, done);
      return textOf(read) === unknown ? undefined : read;
    },
    { what: 'the job to be without a session' },
  );
  const rest = { ref: refOf(found) };
  expect(textOf(await second.call('gateway_get_result', rest))).toContain('"total":500000');
  // It ends after its session has.
  writeFileSync(until, '');
  const late = await ended(second, running);
  expect(textOf(await second.call('gateway_get_result', { ref: refOf(late) }))).toContain('"total":200000');

  expect(jsonOf(await third.call('gateway_invoke_status'))).toEqual({ jobs: [] });
  expect(textOf(await status(third, 'forged'))).toBe(unknown);
  expect(textOf(await status(third, done))).toBe(unknown);
  expect(textOf(await third.call('gateway_get_result', rest))).toContain('No stored result has this reference');
  expect(jsonOf(await second.call('gateway_invoke_status'))).toMatchObject({
    jobs: [{ jobId: done }, { jobId: running }],
  });
});
