import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { resultOf, textOf } from '../support/mcp-client.ts';

let rig: DaemonRig;
beforeEach(() => {
  rig = new DaemonRig();
});
afterEach(() => rig.dispose());

it('shows all tools of a server that starts slowly before it runs, and a call waits for it with progress', async () => {
  const startFile = join(rig.home, 'begin');
  const slow = { ...fixture('slow-start.mjs', { START_FILE: startFile }), sharing: 'project' };
  rig.writeConfig({ slow });
  const first = await rig.open();
  // Waits for its list as long as this host does, and no session before it knows the list.
  const learned = await first
    .until(
      () => (first.notifications('notifications/tools/list_changed').length > 0 ? true : undefined),
      'list_changed or the list',
      1,
    )
    .catch(() => false);
  expect(learned).toBe(false);
  writeFileSync(startFile, '');
  expect(textOf(await first.call('slow__echo', { text: 'learned' }, 30_000))).toBe('learned');
  const expected = await first.toolNames();
  expect(expected).toContain('slow__count');
  await first.close();
  await rig.nothingLeft();

  rmSync(startFile);
  const second = await rig.open({ project: rig.project('another'), name: 'claude-code' });
  const names = await second.toolNames();
  const { servers } = await rig.status();
  expect(names).toEqual(expected);
  expect(servers[0]?.instances).toEqual([]);
  expect(rig.servers()).toEqual([]);

  const params = { name: 'slow__echo', arguments: { text: 'waited' }, _meta: { progressToken: 'tok"en' } };
  const waiting = second.request('tools/call', params, 30_000);
  await second.notification('notifications/progress', 4, 30_000);
  writeFileSync(startFile, '');
  const answer = await waiting;
  expect(textOf(answer)).toBe('waited');
  const progress = second.notifications('notifications/progress').map(({ params: shown }) => JSON.stringify(shown));
  expect(progress.length).toBeGreaterThanOrEqual(5);
  const values = progress.map((text) => {
    const shown = JSON.parse(text);
    expect(shown.progressToken).toBe('tok"en');
    expect(shown.message).toMatch(/^Starting slow \(\d+ s\)$/);
    return Number(shown.progress);
  });
  expect(values).toEqual([...new Set(values)].sort((a, b) => a - b));
  expect(resultOf(answer)['isError']).toBeUndefined();
});
