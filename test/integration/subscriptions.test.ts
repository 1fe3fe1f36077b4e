// Resource subscriptions of several sessions on one server with sessions: asked once where they share a pipe, each on its
// own connection over HTTP, and none is lost because another session goes or the server restarts.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { fixture as programPath } from '../support/http-daemon.ts';
import { type McpClient, textOf } from '../support/mcp-client.ts';
import { at } from '../support/mcp-http-client.ts';

const updated = 'notifications/resources/updated';
const uri = 'test://clock';

describe.each(['pipe', 'web'])('subscriptions on a server with sessions (%s)', (server) => {
  const rig = new DaemonRig();
  const subscribe = (client: McpClient, method = 'subscribe') => client.request(`resources/${method}`, { uri });
  const subscribed = async (client: McpClient) => JSON.parse(textOf(await client.call(`${server}__subscriptions`)));
  /** The echo server tells the connection on which it is touched. */
  const touch = (client: McpClient) => client.call(`${server}__touch`, { uri });
  beforeAll(() => {
    const web = {
      command: process.execPath,
      args: [programPath('http-echo.mjs')],
      env: { PORT: '${PORT}' },
      url: 'http://127.0.0.1:${PORT}/mcp',
      sharing: 'shared',
    };
    rig.writeConfig(server === 'web' ? { web } : { pipe: fixture('echo.mjs') });
  });
  afterAll(() => rig.dispose());

  it('reach each subscriber once, and last as long as somebody wants them', async () => {
    const [one, two] = [await rig.open(), await rig.open()];
    await one.toolNames();
    for (const client of [one, two]) expect(await subscribe(client)).toMatchObject({ result: {} });
    for (const client of [one, two]) expect(await subscribed(client)).toEqual([uri]);
    await touch(one);
    await one.notification(updated);
    // Over HTTP each has its own: what one connection is told is not another's.
    if (server === 'pipe') await two.notification(updated);
    else await touch(two).then(() => two.notification(updated));
    expect([one, two].map((client) => client.notifications(updated).length)).toEqual([1, 1]);
    await one.close();
    await eventually(async () => (await rig.status()).sessions.length === 1, { what: 'one session' });
    expect(await subscribed(two)).toEqual([uri]);
    await touch(two);
    expect(at(await two.notification(updated, 1), 'params', 'uri')).toBe(uri);
    expect(await subscribe(two, 'unsubscribe')).toMatchObject({ result: {} });
    expect(await subscribed(two)).toEqual([]);
    await two.close();
  });

  it('are made again after a restart of the server', async () => {
    const client = await rig.open();
    await client.toolNames();
    await subscribe(client);
    const pid = async () => textOf(await client.call(`${server}__pid`));
    const before = await pid();
    await client.call(`${server}__crash`, { code: 0, answer: true });
    // It answers before it exits: until then the first process may still answer, with the subscription that dies with it.
    const isBack = async () => (await pid()) !== before && String(await subscribed(client)) === uri;
    await eventually(isBack, { what: 'the subscription to be back' });
    await touch(client);
    await client.notification(updated);
    await client.close();
  });
});
