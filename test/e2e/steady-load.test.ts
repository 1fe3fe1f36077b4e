// A thousand calls a second for half a minute (a whole one in the full size), by ten sessions on one server: each answered once, and nothing piles up in the
// daemon or in a wrapper. The figures are printed.
import { expect, it } from 'vitest';
import { descendantsOf } from '../../src/upstream/process/process-tree.ts';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { footprint } from '../support/footprint.ts';
import { size } from '../support/full-size.ts';
import { at } from '../support/mcp-http-client.ts';

const sessions = 10;
const perSecond = 1_000;
const seconds = size(60, 32);
/** Short ones and such of 2 KB, told apart by their number. */
const argumentsOf = (n: number) => ({ text: n % 2 === 0 ? `n${n}` : `n${n} ${'x'.repeat(2_000)}` });
/** What a collector leaves from one look to the next; the answers of half the time are 16 MB or more. */
const flatBytes = 12 * 1024 * 1024;

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const megabytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MB`;

it('answers a thousand calls a second with flat memory', async () => {
  const rig = new DaemonRig();
  try {
    rig.writeConfig({ echo: fixture('echo.mjs') });
    const clients = await Promise.all(Array.from({ length: sessions }, () => rig.open()));
    for (const client of clients) await client.call('echo__echo', { text: 'first' });
    const [daemon] = rig.daemons();
    // The host is a shell; its child is the wrapper.
    const [wrapper] = descendantsOf(clients[0]?.child.pid ?? 0);
    if (daemon === undefined || wrapper === undefined) throw new Error('no daemon or wrapper');
    const watched = { daemon, wrapper: wrapper.pid };
    const own: Record<keyof typeof watched, number[]> = { daemon: [], wrapper: [] };
    const begin = performance.now();
    let sent = 0;
    const elapsedSeconds = () => (performance.now() - begin) / 1_000;
    for (let looks = 0; sent < perSecond * seconds; ) {
      await eventually(() => elapsedSeconds() * perSecond >= sent + 1, { what: 'a call to be due', intervalMs: 5 });
      const elapsed = elapsedSeconds();
      // By the clock, so that a busy machine catches up instead of sending less.
      for (const due = Math.min(perSecond * seconds, Math.floor(elapsed * perSecond)); sent < due; sent += 1) {
        const params = { name: 'echo__echo', arguments: argumentsOf(sent), _meta: { progressToken: sent } };
        clients[sent % sessions]?.send({ jsonrpc: '2.0', id: sent, method: 'tools/call', params });
      }
      if (elapsed >= looks + 1) {
        looks += 1;
        own.daemon.push(footprint(watched.daemon).ownBytes);
        own.wrapper.push(footprint(watched.wrapper).ownBytes);
      }
    }
    const answered = () => clients.reduce((sum, { messages }) => sum + messages.length, 0);
    const before = 2 * sessions; // initialize and the first call
    await eventually(() => answered() >= sent + before, { what: `${sent} answers` });
    const took = elapsedSeconds();

    for (const [i, client] of clients.entries()) {
      const texts = new Map(
        client.messages
          .filter(({ id }) => typeof id === 'number')
          .map((one) => [one['id'], at(one, 'result', 'content', 0, 'text')]),
      );
      expect(texts.size).toBe(sent / sessions);
      for (const [id, text] of texts) {
        expect(Number(id) % sessions).toBe(i);
        if (text !== argumentsOf(Number(id)).text) throw new Error(`call ${id} was answered with ${text}`);
      }
    }
    expect(answered()).toBe(sent + before);
    const growth = (values: readonly number[]) =>
      median(values.slice(-seconds / 4)) - median(values.slice(seconds / 4, seconds / 2));
    console.log(
      `${sent} calls in ${took.toFixed(1)} s (${Math.round(sent / took)} a second); own memory in the second quarter and growth to the last: ` +
        `daemon ${megabytes(median(own.daemon.slice(seconds / 4, seconds / 2)))} + ${megabytes(growth(own.daemon))}, ` +
        `wrapper ${megabytes(median(own.wrapper.slice(seconds / 4, seconds / 2)))} + ${megabytes(growth(own.wrapper))}`,
    );
    expect(growth(own.daemon)).toBeLessThan(flatBytes);
    expect(growth(own.wrapper)).toBeLessThan(flatBytes);
  } finally {
    await rig.dispose();
  }
});
