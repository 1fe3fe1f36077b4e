// Many programs at once on one copy of a server, with equal ids and equal progress tokens, in any order, some of which
// withdraw or die: each gets its own answers, progress, logs and questions, exactly once, and nothing of another's.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { fixture, type HttpDaemon, startHttpDaemon } from '../support/http-daemon.ts';
import { at, LegacyHttpClient, type Message, ModernHttpClient, metaKey } from '../support/mcp-http-client.ts';

type Step = 'progress' | 'log' | 'elicit' | 'sample';
type Fate = 'finish' | 'withdraw' | 'die';
/** `startAfter`, `fateAfter`: so many messages that its program, that the call has heard. `pause`: turns between steps. */
type Call = { steps: Step[]; startAfter: number; pause: number; fate: Fate; fateAfter: number };
type Program = { family: 'legacy' | 'modern'; listens: boolean; calls: Call[] };

const capabilities = { elicitation: {}, sampling: {} };

const programs = (kinds: readonly Step[]) =>
  fc.array(
    fc.record<Program>({
      family: fc.constantFrom('legacy', 'modern'),
      listens: fc.boolean(),
      calls: fc.array(
        fc.record<Call>({
          steps: fc.array(fc.constantFrom(...kinds), { maxLength: 4 }),
          startAfter: fc.nat(4),
          pause: fc.nat(8),
          fate: fc.oneof(
            { weight: 6, arbitrary: fc.constant<Fate>('finish') },
            { weight: 1, arbitrary: fc.constant<Fate>('withdraw') },
            { weight: 1, arbitrary: fc.constant<Fate>('die') },
          ),
          fateAfter: fc.nat(4),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    }),
    { minLength: 2, maxLength: 6 },
  );

/** What the person or model behind a program says to a question: it can be told whose answer came where. */
const reply = (owner: string) => (method: string, params: Message) =>
  method === 'elicitation/create'
    ? { action: 'accept', content: { said: `${owner} to ${String(params['message'])}` } }
    : { role: 'assistant', model: 'm', content: { type: 'text', text: `${owner} to ${String(tagOf(params))}` } };

const tagOf = (params: unknown) => at(params, 'message') ?? at(params, 'messages', 0, 'content', 'text');

type Outcome = { program: Program; owner: string; messages: Message[]; answers: (Message | undefined)[] };

/** What a call is sure to say to its program. */
const surely = ({ steps, fate, fateAfter }: Call) =>
  fate === 'finish' ? steps.length : Math.min(steps.length, fateAfter);

/** When a program's calls begin and are given up: by what it has heard, never by the time. */
function momentsOf({ calls }: Program, messages: readonly Message[], isDead: () => boolean) {
  const heard = (tag?: string) =>
    Object.values(tagsIn(messages))
      .flat()
      .filter((one) => tag === undefined || one === tag).length;
  return {
    toStart: (i: number) => {
      const before = calls.slice(0, i).reduce((sum, call) => sum + surely(call), 0);
      const wanted = Math.min(before, calls[i]?.startAfter ?? 0);
      return eventually(() => isDead() || heard() >= wanted, { what: `${wanted} messages`, intervalMs: 1 });
    },
    toEnd: (call: Call, tag: string) =>
      eventually(() => isDead() || heard(tag) >= surely(call), { what: `the steps of ${tag}`, intervalMs: 1 }),
  };
}

async function play(program: Program, owner: string, address: { url: string; token: string }): Promise<Outcome> {
  const tag = (i: number) => `${owner}.${i}`;
  // One that is to be withdrawn is never answered before.
  const params = (i: number, { steps, pause, fate }: Call): Message => ({
    name: 'converse',
    arguments: { tag: tag(i), steps: fate === 'finish' ? steps : [...steps, 'hold'], pause },
  });
  if (program.family === 'modern') {
    const client = new ModernHttpClient(address, capabilities, reply(owner));
    const moments = momentsOf(program, client.messages, () => false);
    const answers = await Promise.all(
      program.calls.map(async (call, i) => {
        await moments.toStart(i);
        const abort = new AbortController();
        const meta = { progressToken: 't', [metaKey('logLevel')]: 'info' };
        const answer = client
          .request(i * 100, 'tools/call', { params: params(i, call), meta, signal: abort.signal })
          .catch(() => undefined);
        if (call.fate !== 'finish') await moments.toEnd(call, tag(i)).finally(() => abort.abort());
        return answer;
      }),
    );
    return { program, owner, messages: client.messages, answers };
  }
  const client = new LegacyHttpClient(address, reply(owner));
  await client.open(capabilities);
  if (program.listens) await client.listen();
  let isDead = false;
  const moments = momentsOf(program, client.messages, () => isDead);
  const answers = await Promise.all(
    program.calls.map(async (call, i) => {
      await moments.toStart(i);
      let isOver = false;
      const answer = client
        .request(i, 'tools/call', { ...params(i, call), _meta: { progressToken: 't' } })
        .catch(() => undefined)
        .finally(() => {
          isOver = true;
        });
      if (call.fate === 'finish') return answer;
      await moments.toEnd(call, tag(i));
      if (call.fate === 'die') {
        isDead = true;
        client.kill();
      }
      // The withdrawal has a connection of its own, so it may come before the call.
      const withdraw = () => client.notify('notifications/cancelled', { requestId: i });
      await eventually(async () => isOver || (await withdraw().then(() => isOver)), {
        what: `the end of ${tag(i)}`,
        intervalMs: 1,
      });
      return answer;
    }),
  );
  await client.end().catch(() => {}); // killed
  return { program, owner, messages: client.messages, answers };
}

/** Tags in all that a program was sent, by kind of message. */
function tagsIn(messages: readonly Message[]): Record<Step, string[]> {
  const of = (method: string, ...path: (string | number)[]) =>
    messages.filter((message) => message['method'] === method).map((message) => String(at(message, 'params', ...path)));
  const inputs = messages.flatMap((message) => {
    const asked = at(message, 'result', 'inputRequests');
    return typeof asked === 'object' && asked !== null ? Object.values(asked) : [];
  });
  const asked = (method: string) =>
    [...messages, ...inputs]
      .filter((message) => at(message, 'method') === method)
      .map((message) => String(tagOf(at(message, 'params'))));
  return {
    progress: of('notifications/progress', 'message'),
    log: of('notifications/message', 'data'),
    elicit: asked('elicitation/create'),
    sample: asked('sampling/createMessage'),
  };
}

function check({ program, owner, messages, answers }: Outcome): void {
  const isAlive = program.family === 'modern' || program.calls.every(({ fate }) => fate !== 'die');
  const tags = tagsIn(messages);
  for (const kind of ['progress', 'log', 'elicit', 'sample'] as const) {
    // Nothing of another's, ever.
    expect(tags[kind].filter((tag) => !tag.startsWith(`${owner}.`))).toEqual([]);
  }
  for (const message of messages) {
    if (message['method'] === 'notifications/progress') expect(at(message, 'params', 'progressToken')).toBe('t');
  }
  program.calls.forEach((call, i) => {
    const tag = `${owner}.${i}`;
    const answer = answers[i];
    const answered = messages.filter((message) => at(message, 'result', 'content', 0, 'text') === tag);
    expect(answered.length).toBeLessThanOrEqual(1);
    for (const kind of ['progress', 'log', 'elicit', 'sample'] as const) {
      const wanted = call.steps.filter((step) => step === kind).length;
      const got = tags[kind].filter((one) => one === tag).length;
      if (call.fate === 'finish' && isAlive) expect(`${kind} ${got}`).toBe(`${kind} ${wanted}`);
      else expect(got).toBeLessThanOrEqual(wanted);
    }
    if (call.fate !== 'finish' || !isAlive) return;
    expect(at(answer, 'result', 'content', 0, 'text')).toBe(tag);
    const questions = call.steps.filter((step) => step === 'elicit' || step === 'sample').length;
    const heard: unknown = JSON.parse(String(at(answer, 'result', 'content', 1, 'text')));
    const words = (Array.isArray(heard) ? heard : []).map(
      (one) => at(one, 'content', 'said') ?? at(one, 'content', 'text'),
    );
    expect(words).toEqual(Array.from({ length: questions }, () => `${owner} to ${tag}`));
  });
}

describe('many programs on one server', () => {
  let daemon: HttpDaemon;
  let runs = 0;
  const env = { CONFORMANCE_ERA: 'legacy', CONFORMANCE_CONVERSE: '1' };
  beforeAll(async () => {
    const own = { command: process.execPath, env, sharing: 'shared', sampling: true };
    daemon = await startHttpDaemon({
      servers: {
        streams: {
          ...own,
          args: [fixture('conformance-server.mjs'), '--http', '${PORT}'],
          url: 'http://127.0.0.1:${PORT}/mcp',
        },
        pipe: { ...own, args: [fixture('conformance-server.mjs')] },
      },
    });
  });
  afterAll(() => daemon?.stop());

  const playAll = async (all: Program[], server: string) => {
    runs += 1;
    const address = { url: daemon.url(`/mcp/${server}`), token: daemon.token };
    const outcomes = await Promise.all(all.map((program, i) => play(program, `r${runs}p${i}`, address)));
    for (const outcome of outcomes) check(outcome);
  };

  it('gives each its own answers, progress, logs and questions, where streams say whose they are', async () => {
    const kinds = ['progress', 'log', 'elicit', 'sample'] as const;
    await fc.assert(
      fc.asyncProperty(programs(kinds), (all) => playAll(all, 'streams')),
      { numRuns: 30, interruptAfterTimeLimit: 100_000, markInterruptAsFailure: true },
    );
  });

  it('gives each its own answers and progress through one pipe', async () => {
    await fc.assert(
      fc.asyncProperty(programs(['progress']), (all) => playAll(all, 'pipe')),
      { numRuns: 30, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true },
    );
  });
});
