import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { buildFakePlugin, type Message, Rig, type Wrapper } from '../support/wrapper-rig.ts';

let plugin: string;
let rig: Rig;
beforeAll(async () => {
  plugin = await buildFakePlugin();
});
afterAll(() => rmSync(plugin, { recursive: true, force: true }));
beforeEach(() => {
  rig = new Rig(plugin);
});
afterEach(() => rig.dispose());

const text = (answer: Message): unknown => JSON.parse(JSON.stringify(answer)).result?.content?.[0]?.text;
const error = (answer: Message): { code: number; message: string; data?: Record<string, unknown> } =>
  JSON.parse(JSON.stringify(answer)).error;

async function ready(options: Parameters<Rig['start']>[0] = {}): Promise<Wrapper> {
  const wrapper = rig.start(options);
  await wrapper.initialize();
  return wrapper;
}

describe('lines between host and daemon', () => {
  it('starts a daemon, says hello, answers its wants and passes messages both ways', async () => {
    const wrapper = await ready({
      fake: { wants: ['TOKEN_*', 'EXACT', 'UNSET'] },
      env: { TOKEN_A: 'a', EXACT: 'e', OTHER: 'o', CLAUDE_CODE_SESSION_ID: 'sid', ANTHROPIC_API_KEY: 'secret-key' },
      args: ['--server', 'memory', '--mode', 'gateway'],
    });
    wrapper.call(1, 'echo', { a: 1 });
    expect(text(await wrapper.answer(1))).toBe('{"a":1}');

    const [hello] = rig.heard('aitkit/hello');
    expect(hello?.['params']).toMatchObject({ server: 'memory', mode: 'gateway', hostSessionId: 'sid', settings: {} });
    expect(hello?.['params']).toMatchObject({ host: { pid: process.pid }, wrapper: { pid: wrapper.child.pid } });
    const [env] = rig.heard('aitkit/env');
    expect(env?.['params']).toEqual({ values: { TOKEN_A: 'a', EXACT: 'e' } });
    const [start] = rig.starts();
    expect(start?.argv).toEqual(['--name', 'mcp-user']);
    expect(start?.env?.sort()).toEqual(['AITKIT_DAEMON', 'AITKIT_ROOT', 'HOME', 'MCPPROXY_FAKE', 'PATH']);
  });

  it('answers a later want of the daemon with the session’s own values', async () => {
    const wrapper = await ready({ env: { LATE: 'value' } });
    wrapper.call(1, 'want', { names: ['LATE', 'NOT_THERE'] });
    expect(text(await wrapper.answer(1))).toBe('{"values":{"LATE":"value"}}');
    expect(rig.heard('aitkit/env')).toHaveLength(2);
  });

  it('keeps ids of every kind as they were written', async () => {
    const wrapper = await ready();
    const ids = ['0', '-7', '1.5', '1e2', '12345678901234567890123', '"text"', '"\\u00e4\\"x"', '""'];
    for (const id of ids) wrapper.send(`{"id": ${id} ,"method":"ping","jsonrpc":"2.0"}`);
    await eventually(() => wrapper.lines.length >= ids.length + 1, { what: 'all answers' });
    expect(wrapper.lines.slice(1)).toEqual(ids.map((id) => `{"jsonrpc":"2.0","id":${id},"result":{}}`));
  });

  it('answers what is no message and goes on', async () => {
    const wrapper = await ready();
    wrapper.send('{"jsonrpc":"2.0","id":1,"method":');
    wrapper.send('[{"jsonrpc":"2.0","id":2,"method":"ping"}]');
    wrapper.send('{"jsonrpc":"2.0","id":null,"method":"ping"}');
    wrapper.send('{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}');
    wrapper.send('{"jsonrpc":"2.0","id":3}');
    wrapper.send('');
    wrapper.request(4, 'ping');
    await wrapper.answer(4);
    expect(wrapper.messages.slice(1, 6).map((m) => [m['id'], error(m)?.code])).toEqual([
      [null, -32700],
      [2, -32600],
      [null, -32600],
      [null, -32600],
      [3, -32600],
    ]);
  });

  it('answers server/discover and foreign link methods itself', async () => {
    const wrapper = rig.start({ fake: rig.held });
    wrapper.request('server-discover-probe-1', 'server/discover');
    wrapper.request(2, 'aitkit/drained');
    wrapper.send({ jsonrpc: '2.0', method: 'aitkit/env', params: { values: {} } });
    expect(error(await wrapper.answer('server-discover-probe-1')).code).toBe(-32601);
    expect(error(await wrapper.answer(2)).code).toBe(-32601);
    expect(rig.starts()).toEqual([]);
    rig.letBegin();
    await wrapper.initialize();
    wrapper.call(3, 'echo');
    await wrapper.answer(3);
    expect(rig.heard('server/discover')).toEqual([]);
    expect(rig.heard('aitkit/drained')).toEqual([]);
    expect(rig.heard('aitkit/env')).toHaveLength(1);
  });

  it('refuses a second request under an id that is still open', async () => {
    const wrapper = await ready();
    wrapper.call(1, 'hang');
    wrapper.call(1, 'echo');
    expect(error(await wrapper.answer(1)).code).toBe(-32600);
    wrapper.call(2, 'echo');
    await wrapper.answer(2);
    expect(rig.heard('tools/call')).toHaveLength(2);
  });

  it('drops a second answer to the same id', async () => {
    const wrapper = await ready();
    wrapper.call(1, 'twice');
    expect(text(await wrapper.answer(1))).toBe('first');
    wrapper.call(2, 'echo');
    await wrapper.answer(2);
    expect(wrapper.answers(1)).toHaveLength(1);
  });

  it('passes a server’s question to the host and the host’s answer back', async () => {
    const wrapper = await ready();
    wrapper.call(1, 'ask');
    const question = await eventually(() => wrapper.messages.find((m) => m['method'] === 'elicitation/create'), {
      what: 'the question',
    });
    wrapper.send({ jsonrpc: '2.0', id: 'stranger', result: { action: 'accept' } });
    wrapper.send({ jsonrpc: '2.0', id: question['id'], result: { action: 'decline' } });
    expect(text(await wrapper.answer(1))).toBe('{"action":"decline"}');
    expect(rig.heard().some((m) => m['id'] === 'stranger')).toBe(false);
  });
});

describe('large messages', () => {
  const limit = 64 * 1024 * 1024;

  it('answers a host’s line over the limit by its id and goes on', async () => {
    const wrapper = await ready();
    const filler = Buffer.alloc(limit, 0x78);
    const around = (head: string, tail: string) => Buffer.concat([Buffer.from(head), filler, Buffer.from(tail)]);
    wrapper.send(around('{"jsonrpc":"2.0","id":41,"method":"tools/call","params":{"id":99,"x":"', '"}}'));
    wrapper.send(around('{"method":"tools/call","params":{"id":99,"x":"', '"},"id":"forty-two","jsonrpc":"2.0"}'));
    expect(error(await wrapper.answer(41))).toMatchObject({
      code: -32600,
      data: { code: 'MESSAGE_TOO_LARGE', limitBytes: limit },
    });
    expect(error(await wrapper.answer('forty-two')).data).toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
    wrapper.call(43, 'echo', { still: 'here' });
    expect(text(await wrapper.answer(43))).toBe('{"still":"here"}');
    expect(wrapper.messages.some((m) => m['id'] === 99)).toBe(false);
  });

  it('answers the request whose result is over the limit and goes on', async () => {
    const wrapper = await ready();
    wrapper.call(1, 'big', { bytes: limit + 10 });
    expect(error(await wrapper.answer(1))).toMatchObject({
      data: { code: 'MESSAGE_TOO_LARGE', mayHaveRun: true },
    });
    wrapper.call(2, 'echo');
    await wrapper.answer(2);
  });

  it('lets 50 MB wait for a slow host without taking them in, and loses nothing', async () => {
    const wrapper = await ready();
    wrapper.child.stdout?.pause();
    const calls = 50;
    for (let id = 1; id <= calls; id += 1) wrapper.call(id, 'big', { bytes: 1_000_000 });
    wrapper.call('last', 'echo');
    await eventually(() => rig.heard('tools/call').length === calls + 1, { what: 'all calls heard' });
    const [daemon] = rig.starts();
    const peak = await peakBytesWhile(wrapper, () => isSteady(daemon?.pid));
    wrapper.child.stdout?.resume();
    await wrapper.answer('last');
    for (let id = 1; id <= calls; id += 1) expect(String(text(await wrapper.answer(id))).length).toBe(1_000_000);
    // 45 MB of program; the 50 MB would come on top.
    expect(peak).toBeLessThan(80_000_000);
  });

  it('lets 50 MB wait for a slow daemon without taking them in, and loses nothing', async () => {
    const wrapper = await ready();
    const until = join(rig.home, 'read-on');
    wrapper.call('stop', 'stop-reading', { until });
    await eventually(() => rig.heard('tools/call').length === 1, { what: 'a daemon that does not read' });
    const filler = 'x'.repeat(1_000_000);
    for (let id = 1; id <= 50; id += 1) wrapper.call(id, 'size', { filler });
    const peak = await peakBytesWhile(wrapper, () => isSteady(wrapper.child.pid));
    // The rest waits in this process, where a real host would feel it.
    expect(wrapper.child.stdin?.writableLength).toBeGreaterThan(40_000_000);
    expect(peak).toBeLessThan(80_000_000);
    writeFileSync(until, '');
    for (let id = 1; id <= 50; id += 1) await wrapper.answer(id);
  });
});

describe('the end', () => {
  it('answers what was piped in before the end of stdin, an unfinished last line included', async () => {
    const wrapper = rig.start();
    const lines = [
      '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}',
      '{"jsonrpc":"2.0","method":"notifications/initialized"}',
      '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
      '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"half":"line"}}}',
    ];
    wrapper.child.stdin?.end(lines.join('\n'));
    expect(await wrapper.exited).toEqual({ code: 0, signal: null });
    expect(wrapper.messages.map((m) => m['id'])).toEqual([0, 1, 2]);
    expect(text(await wrapper.answer(2))).toBe('{"half":"line"}');
  });

  it('ends at once at the end of stdin when nothing is open, and on SIGTERM with a call open', async () => {
    const first = await ready();
    first.child.stdin?.end();
    expect(await first.exited).toEqual({ code: 0, signal: null });
    const second = await ready();
    second.call(1, 'hang');
    second.child.kill('SIGTERM');
    expect(await second.exited).toEqual({ code: 0, signal: null });
  });

  it('ignores SIGINT', async () => {
    const wrapper = await ready();
    wrapper.child.kill('SIGINT');
    wrapper.child.kill('SIGINT');
    wrapper.call(1, 'echo');
    await wrapper.answer(1);
    expect(wrapper.child.exitCode).toBeNull();
  });

  it('ends when nobody reads its stdout', async () => {
    const wrapper = await ready();
    wrapper.child.stdout?.destroy();
    wrapper.call(1, 'echo');
    expect((await wrapper.exited).code).toBe(0);
  });
});

/** Highest resident memory seen until `isOver`; 0 where there is no /proc. */
async function peakBytesWhile({ child }: Wrapper, isOver: () => boolean): Promise<number> {
  let peak = 0;
  await eventually(
    () => {
      peak = Math.max(peak, Number(statusField(child.pid, 'VmRSS') ?? 0) * 1024);
      return isOver();
    },
    { what: 'the flow to stop' },
  );
  return peak;
}

const seen = new Map<number, { switches: string; times: number }>();

/** Nothing moves any more: the process has not been scheduled for ten looks in a row. */
function isSteady(pid: number | undefined): boolean {
  if (pid === undefined) return true;
  const switches = statusField(pid, 'voluntary_ctxt_switches') ?? '';
  const last = seen.get(pid);
  const times = last?.switches === switches ? last.times + 1 : 0;
  seen.set(pid, { switches, times });
  return times >= 10;
}

function statusField(pid: number | undefined, field: string): string | undefined {
  try {
    return new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  } catch {
    return undefined; // no /proc on this system
  }
}
