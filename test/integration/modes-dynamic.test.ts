// Dynamic mode from the host's pipe: what a search finds becomes tools of that session and of no other.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { displace, scopeOf } from '../support/displace.ts';
import { eventually, patienceMs } from '../support/eventually.ts';
import { jsonOf, refOf } from '../support/gateway-calls.ts';
import { type McpClient, namesIn, resultOf, textOf } from '../support/mcp-client.ts';

const changed = 'notifications/tools/list_changed';
const own = ['retrieve_tools', 'gateway_get_result'];

let rig: DaemonRig;
beforeEach(() => {
  rig = new DaemonRig();
});
afterEach(() => rig.dispose());

const retrieve = async (session: McpClient, query: string) =>
  namesIn({ result: jsonOf(await session.call('retrieve_tools', { query })) }, 'tools');

it('makes the best hits tools of that session, tells only that session, and they are the real definitions', async () => {
  rig.writeConfig({ echo: fixture('echo.mjs') }, { tools: { topK: 2 } });
  const [mine, other] = [
    await rig.open({ args: ['--mode', 'dynamic'] }),
    await rig.open({ args: ['--mode', 'dynamic'] }),
  ];
  expect(await mine.toolNames()).toEqual(own);
  expect(await other.toolNames()).toEqual(own);
  expect((await retrieve(mine, 'append a line and count it')).length).toBe(2);
  await mine.notification(changed);
  const listed = await mine.toolNames();
  expect(listed.slice(0, 2)).toEqual(own);
  expect(listed).toHaveLength(4);
  expect(listed).toContain('echo__count');

  const all = await rig.open({ name: 'claude-code' });
  const real = resultOf(await all.request('tools/list'))['tools'];
  const shown = resultOf(await mine.request('tools/list'))['tools'];
  const find = (tools: unknown) =>
    Array.isArray(tools) ? tools.find((tool: { name: string }) => tool.name === 'echo__count') : undefined;
  const { _meta, ...definition } = find(shown);
  expect(definition).toEqual(find(real));
  expect(_meta).toEqual({ 'anthropic/maxResultSizeChars': 65_536 });

  // The other session made a call after all that: had it been told, its notification would be before the answer.
  expect(textOf(await other.call('echo__echo', { text: 'still here' }))).toBe('still here');
  expect(other.notifications(changed)).toEqual([]);
  expect(await other.toolNames()).toEqual(own);
  // The same search again changes nothing, so nothing is announced.
  await retrieve(mine, 'append a line and count it');
  await mine.toolNames();
  expect(mine.notifications(changed)).toHaveLength(1);
});

it('keeps as many as MCPPROXY_TOOLS_LIMIT says and drops what was used longest ago', async () => {
  await rig.dispose();
  rig = new DaemonRig({ MCPPROXY_TOP_K: '1', MCPPROXY_TOOLS_LIMIT: '2' });
  rig.writeConfig({ echo: fixture('echo.mjs') });
  const session = await rig.open({ args: ['--mode', 'dynamic'] });
  await session.toolNames();
  expect(await retrieve(session, 'return the arguments it is given')).toEqual(['echo__echo']);
  expect(await retrieve(session, 'append a line and count it')).toEqual(['echo__count']);
  expect(textOf(await session.call('echo__echo', { text: 'used' }))).toBe('used');
  const answer = jsonOf(await session.call('retrieve_tools', { query: 'working folder' }));
  expect(answer).toMatchObject({ added: ['echo__cwd'], evicted: ['echo__count'], pool: 2 });
  expect(await session.toolNames()).toEqual([...own, 'echo__echo', 'echo__cwd']);
  // A model that remembers it may call it all the same.
  expect(resultOf(await session.call('echo__log', { data: 'late' }))['isError']).toBeUndefined();
});

it('forgets tools that their server does not have any more, and follows the limits of a reload', async () => {
  const echo = fixture('echo.mjs');
  rig.writeConfig({ echo }, { tools: { topK: 3 } });
  const session = await rig.open({ args: ['--mode', 'dynamic'] });
  await session.toolNames();
  const found = await retrieve(session, 'append a line and count it');
  expect(found).toHaveLength(3);
  expect(found).toContain('echo__count');
  const other = await rig.open({ args: ['--server', 'echo'] });
  await other.call('remove_tool', { name: 'count' });
  await expect.poll(async () => (await session.toolNames()).length, { timeout: patienceMs }).toBe(own.length + 2);
  const again = jsonOf(await session.call('retrieve_tools', { query: 'append a line and count it' }));
  expect(again).toMatchObject({ pool: (await session.toolNames()).length - own.length });
  rig.writeConfig({ echo }, { tools: { topK: 3, toolsLimit: 1 } });
  await expect.poll(async () => (await session.toolNames()).length, { timeout: patienceMs }).toBe(own.length + 1);
});

it('shortens large results with a reference, and tools and results are there after the wrapper came back', async () => {
  rig.writeConfig({ echo: fixture('echo.mjs', {}, { sharing: 'session' }) });
  const session = await rig.open({ args: ['--mode', 'dynamic'] });
  await session.toolNames();
  await retrieve(session, 'returns so many letters');
  const listed = await session.toolNames();
  const short = await session.call('echo__big', { bytes: 300_000 });
  expect(textOf(short).length).toBeLessThan(65_536);
  await displace(rig, await scopeOf(rig, 'echo'));
  expect(textOf(await session.call('gateway_get_result', { ref: refOf(short) }))).toContain('"total":300000');
  expect(await session.toolNames()).toEqual(listed);
});

it('shows the same tools after the daemon was killed, and says nothing of it', async () => {
  rig.writeConfig({ echo: fixture('echo.mjs') }, { tools: { topK: 2 } });
  const [mine, other] = [
    await rig.open({ args: ['--mode', 'dynamic'] }),
    await rig.open({ args: ['--mode', 'dynamic'] }),
  ];
  await mine.toolNames();
  expect(await retrieve(mine, 'return the arguments it is given')).toContain('echo__echo');
  const listed = await mine.toolNames();
  expect(listed).toHaveLength(4);
  const told = mine.notifications(changed).length;
  const [daemon] = rig.daemons();
  if (daemon !== undefined) process.kill(daemon, 'SIGKILL');
  await eventually(() => rig.daemons().some((pid) => pid !== daemon), { what: 'the next daemon' });
  const again = async () => {
    const answer = await mine.call('echo__echo', { text: 'still here' });
    return textOf(answer) === 'still here' ? answer : undefined;
  };
  await eventually(again, { what: 'a found tool to be called' });
  expect(await mine.toolNames()).toEqual(listed);
  expect(mine.notifications(changed)).toHaveLength(told);
  expect(await other.toolNames()).toEqual(own);
  // What it searches for next joins what it had.
  await retrieve(mine, 'append a line and count it');
  expect(await mine.toolNames()).toEqual(expect.arrayContaining(listed));
});

it('shows a project no tool of another, whatever is searched for', async () => {
  const [mine, theirs] = [rig.project('mine'), rig.project('theirs')];
  rig.writeConfig({ open: fixture('echo.mjs'), secret: fixture('echo.mjs', {}, { projects: [theirs] }) });
  const inside = await rig.open({ args: ['--mode', 'dynamic'], project: theirs });
  expect((await retrieve(inside, 'secret pid of the server')).join()).toContain('secret__');
  const outside = await rig.open({ args: ['--mode', 'dynamic'], project: mine });
  expect((await retrieve(outside, 'secret pid of the server')).join()).not.toContain('secret__');
  expect(resultOf(await outside.call('retrieve_tools', {}))['isError']).toBe(true);
});
