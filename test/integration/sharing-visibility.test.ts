// `projects`: a session neither lists, finds, calls, subscribes to, hears nor reads of a server of other projects.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { invoke, search } from '../support/gateway-calls.ts';
import { errorOf, type McpClient, namesIn, resultOf, textOf } from '../support/mcp-client.ts';

const all = { tools: { mode: 'all' } };
const updated = 'notifications/resources/updated';
let rig: DaemonRig;
let shop: string;
let till: string;
beforeEach(() => {
  rig = new DaemonRig();
  shop = rig.project('shop');
  till = rig.project('till');
});
afterEach(() => rig.dispose());

const serverOf = (folder: string, name: string, extra = {}) =>
  fixture(
    'echo.mjs',
    { ECHO_NAME: name, ECHO_INSTRUCTIONS: `Instructions of ${name}.` },
    { projects: [folder], ...extra },
  );
const uris = async (session: McpClient) => namesIn(await session.request('resources/list'), 'resources', 'uri');

async function expectUnknown(session: McpClient, server: string): Promise<void> {
  const called = await session.call(`${server}__echo`, { text: 'x' });
  expect(errorOf(called).message).toContain(`Unknown tool: ${server}__echo`);
  const prompted = await session.request('prompts/get', { name: `${server}__greet`, arguments: { who: 'x' } });
  expect(errorOf(prompted).message).toContain('Unknown prompt');
  const completed = await session.request('completion/complete', {
    ref: { type: 'ref/prompt', name: `${server}__greet` },
    argument: { name: 'who', value: 'x' },
  });
  expect(errorOf(completed).message).toContain('Unknown name');
}

it('a session knows nothing of a server of another project, by no way', async () => {
  // Shared by everyone who may see it: the hardest case, because the copy itself keeps nobody apart.
  rig.writeConfig({ 'shop-db': serverOf(shop, 'shop-db'), 'till-db': serverOf(till, 'till-db') }, all);
  const inShop = await rig.open({ project: shop });
  const inTill = await rig.open({ project: till });
  const elsewhere = await rig.open({ project: rig.project('elsewhere') });
  expect(textOf(await inShop.call('shop-db__pid'))).toMatch(/^\d+$/);
  expect(textOf(await inTill.call('till-db__pid'))).toMatch(/^\d+$/);

  for (const [session, own, other] of [
    [inShop, 'shop-db', 'till-db'],
    [inTill, 'till-db', 'shop-db'],
  ] as const) {
    const lists = [
      ...(await session.toolNames()),
      ...namesIn(await session.request('prompts/list'), 'prompts'),
      JSON.stringify(await session.request('resources/list')),
      JSON.stringify(await session.request('resources/templates/list')),
    ].join('\n');
    expect(lists).toContain(`${own}__echo`);
    expect(lists).not.toContain(other);
    await expectUnknown(session, other);
  }
  expect(await elsewhere.toolNames()).toEqual([]);
  expect(await uris(elsewhere)).toEqual([]);
  expect(errorOf(await elsewhere.request('resources/read', { uri: 'test://greeting' })).message).toContain('not found');
  await expectUnknown(elsewhere, 'shop-db');

  // Instructions, for sessions that begin when both servers are known.
  const late = await (await rig.connected({ project: till })).initialize();
  const instructions = String(resultOf(late)['instructions']);
  expect(instructions).toContain('Instructions of till-db.');
  expect(instructions).not.toContain('shop-db');
  // One server alone, behind an entry of its own.
  const alone = rig.session({ project: till, args: ['--server', 'shop-db'] });
  expect(errorOf(await alone.initialize()).message).toContain('"shop-db" is not configured here');

  // Log messages and updates reach the sessions of the project only.
  await inShop.request('logging/setLevel', { level: 'debug' });
  await inTill.request('logging/setLevel', { level: 'debug' });
  await inShop.request('resources/subscribe', { uri: 'test://clock' });
  await inShop.call('shop-db__log', { data: 'for the shop', related: false });
  await inShop.call('shop-db__touch');
  await inShop.notification(updated);
  await inTill.call('till-db__echo');
  expect(inTill.lines.join('\n')).not.toContain('for the shop');
  expect(inTill.notifications(updated)).toEqual([]);
  const explained = await rig.cli(['explain', 'shop-db', '--project', till]);
  expect(explained.stdout).toMatch(/seen here\s+no/);
  const audience = (await rig.status()).servers.map(({ name, projects }) => [name, projects]);
  expect(audience).toEqual([
    ['shop-db', [shop]],
    ['till-db', [till]],
  ]);
});

it('search and call of the gateway know only the servers of the project', async () => {
  rig.writeConfig({ 'shop-db': serverOf(shop, 'shop-db'), 'till-db': serverOf(till, 'till-db') });
  const [inShop, inTill] = [
    await rig.open({ project: shop, args: ['--mode', 'gateway'] }),
    await rig.open({ project: till, args: ['--mode', 'gateway'] }),
  ];
  const [ofShop] = await search(inShop, 'echo returns its arguments');
  expect(ofShop?.server).toBe('shop-db');
  const ofTill = await search(inTill, 'shop-db echo returns its arguments');
  expect(ofTill.map(({ server }) => server)).toEqual(expect.arrayContaining(['till-db']));
  expect(ofTill.filter(({ server }) => server !== 'till-db')).toEqual([]);
  expect(textOf(await invoke(inShop, ofShop?.id ?? '', { text: 'mine' }))).toContain('mine');
  const invoked = await invoke(inTill, ofShop?.id ?? '', { text: 'not mine' });
  expect(resultOf(invoked)['isError']).toBe(true);
  expect(textOf(invoked)).not.toContain('not mine');
});

it('two projects each keep their server of one name, and a third has the one for everywhere else', async () => {
  rig.writeConfig(
    {
      tickets: fixture('echo.mjs', { ECHO_NAME: 'general' }),
      'tickets-shop': serverOf(shop, 'shop', { as: 'tickets' }),
      'tickets-till': serverOf(till, 'till', { as: 'tickets' }),
    },
    all,
  );
  const sessions = await Promise.all([shop, till, rig.project('elsewhere')].map((project) => rig.open({ project })));
  const names = await Promise.all(sessions.map((session) => session.toolNames()));
  for (const list of names) expect(list.filter((name) => name.endsWith('__pid'))).toEqual(['tickets__pid']);
  const pids = await Promise.all(sessions.map(async (session) => textOf(await session.call('tickets__pid'))));
  expect(new Set(pids).size).toBe(3);
  const names2 = await Promise.all(
    sessions.map(async (session) => textOf(await session.call('tickets__env', { names: ['ECHO_NAME'] }))),
  );
  expect(names2).toEqual(['shop', 'till', 'general'].map((name) => JSON.stringify({ ECHO_NAME: name })));
  const alone = await rig.open({ project: shop, args: ['--server', 'tickets'] });
  expect(textOf(await alone.call('pid'))).toBe(pids[0]);

  expect((await rig.status()).servers.map(({ name, shownName }) => [name, shownName])).toEqual([
    ['tickets', undefined],
    ['tickets-shop', 'tickets'],
    ['tickets-till', 'tickets'],
  ]);
  expect((await rig.cli(['explain', 'tickets-shop', '--project', shop])).stdout).toContain(
    'Sessions see it as "tickets"',
  );
  expect((await rig.cli(['explain', 'tickets', '--project', shop])).stdout).toContain(
    'see "tickets-shop" under the name',
  );
});

it('a server that is taken away from a project by a reload is not heard there any more', async () => {
  rig.writeConfig({ db: fixture('echo.mjs'), tool: fixture('echo.mjs', { ECHO_CAPABILITIES: '{"tools":{}}' }) }, all);
  const [inShop, inTill] = [await rig.open({ project: shop }), await rig.open({ project: till })];
  for (const session of [inShop, inTill]) {
    expect(await session.toolNames()).toContain('db__touch');
    await session.request('resources/subscribe', { uri: 'test://clock' });
  }
  const pid = textOf(await inShop.call('db__pid'));
  rig.writeConfig(
    {
      db: fixture('echo.mjs', {}, { projects: [shop] }),
      tool: fixture('echo.mjs', { ECHO_CAPABILITIES: '{"tools":{}}' }),
    },
    all,
  );
  await inTill.notification('notifications/tools/list_changed');
  expect((await inTill.toolNames()).filter((name) => name.startsWith('db__'))).toEqual([]);
  await expectUnknown(inTill, 'db');
  await inShop.call('db__touch');
  await inShop.notification(updated);
  await inTill.call('tool__echo');
  expect(inTill.notifications(updated)).toEqual([]);
  // Who sees a server is no reason to start it anew.
  expect(textOf(await inShop.call('db__pid'))).toBe(pid);
  expect(inShop.notifications('notifications/tools/list_changed')).toEqual([]);
  await eventually(() => rig.servers().length === 2, { what: 'no further copy' });
});
