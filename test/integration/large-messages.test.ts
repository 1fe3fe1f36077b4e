// One message of 50 MB each way, through the wrapper and over HTTP: not cut, not changed, and nobody else waits for it.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { fixture as program, startHttpDaemon } from '../support/http-daemon.ts';
import { type Message, textOf } from '../support/mcp-client.ts';
import { at, LegacyHttpClient, ModernHttpClient } from '../support/mcp-http-client.ts';

const bytes = 50_000_000;
const limitMs = 120_000;
/** Not one letter: what is cut, doubled or moved shows. */
const large = Array.from({ length: bytes / 10 }, (_, i) => String(i).padStart(10, '0')).join('');
/** The tool answers with what it was given. */
const carried = { content: [{ type: 'text', text: large }] };
const digest = (text: string) => createHash('sha256').update(text).digest('hex');

describe('a message of 50 MB', () => {
  it(
    'passes wrapper and daemon both ways, while another session goes on',
    async () => {
      const rig = new DaemonRig();
      try {
        rig.writeConfig({ echo: fixture('echo.mjs'), other: fixture('echo.mjs') });
        const [session, other] = [await rig.open(), await rig.open()];
        const call = session.call('echo__raw', { result: carried }, limitMs);
        expect(textOf(await other.call('other__echo', { text: 'meanwhile' }))).toBe('meanwhile');
        const answer = await call;
        expect(digest(textOf(answer))).toBe(digest(large));
        expect(textOf(await session.call('echo__echo', { text: 'after' }))).toBe('after');
      } finally {
        await rig.dispose();
      }
    },
    limitMs,
  );

  it(
    'passes HTTP both ways, in both protocol families',
    async () => {
      const own = { command: process.execPath, sharing: 'shared' };
      const daemon = await startHttpDaemon({ servers: { pipe: { ...own, args: [program('echo.mjs')] } } });
      try {
        const address = { url: daemon.url('/mcp/pipe'), token: daemon.token };
        const params: Message = { name: 'raw', arguments: { result: carried } };
        const client = new LegacyHttpClient(address);
        await client.open();
        const answer = await client.request(1, 'tools/call', params);
        expect(digest(String(at(answer, 'result', 'content', 0, 'text')))).toBe(digest(large));
        const modern = await new ModernHttpClient(address).request(2, 'tools/call', { params });
        expect(digest(String(at(modern, 'result', 'content', 0, 'text')))).toBe(digest(large));
        await client.end();
      } finally {
        await daemon.stop();
      }
    },
    limitMs,
  );
});
