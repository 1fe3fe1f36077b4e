// A browser server for two sessions: the table of known servers gives each its own copy, so no page is anybody else's.
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest';
import { DaemonRig } from '../support/daemon-rig.ts';
import { type McpClient, textOf } from '../support/mcp-client.ts';
import { ensurePlaywright } from '../support/real-servers.ts';

/** Two browsers start on two cores. */
const callMs = 60_000;
const browsers = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
let rig: DaemonRig;
let reason: string | undefined;

beforeAll(async () => {
  rig = new DaemonRig();
  const browser = browsers.find((path) => existsSync(path));
  const server = await ensurePlaywright();
  if ('reason' in server) reason = server.reason;
  else if (!browser) reason = `no browser is installed (${browsers.join(', ')}); with apt: apt-get install chromium`;
  else {
    const args = ['--executable-path', browser, '--headless', '--no-sandbox', '--isolated'];
    rig.writeConfig({ playwright: { command: server.path, args } }, { tools: { mode: 'all' } });
  }
});
afterAll(() => rig.dispose());

function skipWithout(context: TestContext): void {
  if (reason === undefined) return;
  console.log(`The browser server is not tested: ${reason}`);
  context.skip(reason);
}

const page = (title: string) => `data:text/html,<title>${title}</title><h1>Page of ${title}</h1>`;

async function visit(session: McpClient, title: string): Promise<void> {
  const answer = textOf(await session.call('playwright__browser_navigate', { url: page(title) }, callMs));
  expect(answer).toContain(`Page Title: ${title}`);
}

async function look(session: McpClient): Promise<string> {
  return textOf(await session.call('playwright__browser_snapshot', {}, callMs));
}

it('two sessions of one project that browse at the same time never see each other’s pages', async (context) => {
  skipWithout(context);
  const sessions = await Promise.all([rig.open(), rig.open()]);
  for (let round = 0; round < 4; round += 1) {
    await Promise.all(sessions.map((session, i) => visit(session, `s${i}-r${round}`)));
    const seen = await Promise.all(sessions.map(look));
    expect(seen.map((text) => /Page of (\S+?)"/.exec(text)?.[1])).toEqual([`s0-r${round}`, `s1-r${round}`]);
  }
  for (const [i, session] of sessions.entries()) {
    const tabs = textOf(await session.call('playwright__browser_tabs', { action: 'list' }, callMs));
    expect(tabs).toContain(`s${i}-r3`);
    expect(tabs).not.toContain(`s${1 - i}-r3`);
  }

  const { servers } = await rig.status();
  const [server] = servers;
  expect(server?.sharing).toBe('session');
  expect(server?.sharingReason).toContain('one current page');
  expect(server?.instances.map(({ sessions: users }) => users.length)).toEqual([1, 1]);
  expect(new Set(server?.instances.map(({ pid }) => pid)).size).toBe(2);

  // A closed session takes its browser with it; the other goes on.
  await sessions[0]?.close();
  await rig.statusUntil(({ servers: [one] }) => one?.instances.length === 1, 'the first browser to end');
  expect(await look(sessions[1] ?? (await rig.open()))).toContain('Page of s1-r3');
});
