// Two network namespaces, one home: in effect a container that has the user's home mounted.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { textOf } from '../support/mcp-client.ts';

const enter = [
  ['unshare', '-n'],
  ['unshare', '-rn'],
].find(([command = '', flag = '']) => spawnSync(command, [flag, 'true']).status === 0);
if (!enter)
  console.log('skipped: neither `unshare -n` nor `unshare -rn` is allowed here, so there is no second namespace');

it.skipIf(!enter)(
  "two namespaces with one home have a daemon each, and neither touches what is the other's",
  async () => {
    const rig = new DaemonRig();
    try {
      rig.writeConfig({ echo: fixture('echo.mjs') });
      const outside = await rig.open();
      const outsidePid = textOf(await outside.call('echo__pid'));
      const [outsideDaemon] = rig.daemons();
      const inside = await rig.open({ within: enter ?? [] });
      const insidePid = textOf(await inside.call('echo__pid'));
      expect(insidePid).not.toBe(outsidePid);
      expect(rig.daemons()).toHaveLength(2);
      const insideDaemon = rig.daemons().find((pid) => pid !== outsideDaemon);

      const run = join(rig.root, 'run');
      const scopes = readdirSync(run).filter((name) => name.startsWith('scope-'));
      expect(scopes).toHaveLength(1);
      const endpoints = [run, join(run, scopes[0] ?? '')].map((folder) =>
        JSON.parse(readFileSync(join(folder, 'mcp-proxy-mcp-user.pid'), 'utf8')),
      );
      expect(endpoints.map(({ pid }) => pid)).toEqual([outsideDaemon, insideDaemon]);
      const socketInside = endpoints[1].socket;
      expect(existsSync(socketInside)).toBe(true);

      // Both go on after the other was busy with records and sweeps, and while the other ends.
      const more = await rig.open();
      expect(textOf(await more.call('echo__pid'))).toBe(outsidePid);
      // A second `unshare` would be a third namespace.
      const own = enter?.[1] === '-n' ? ['-n'] : ['-U', '-n', '--preserve-credentials'];
      const moreInside = await rig.open({ within: ['nsenter', '-t', String(insideDaemon), ...own] });
      expect(textOf(await moreInside.call('echo__pid'))).toBe(insidePid);
      await Promise.all([outside.close(), more.close()]);
      await eventually(() => rig.daemons().length === 1, { what: 'the outer daemon to end' });
      expect(rig.daemons()).toEqual([insideDaemon]);
      expect(existsSync(join(run, 'mcp-proxy-mcp-user.pid'))).toBe(false);
      expect(existsSync(socketInside)).toBe(true);
      expect(textOf(await inside.call('echo__pid'))).toBe(insidePid);
      expect(readdirSync(join(run, scopes[0] ?? '', 'mcp-servers'))).toHaveLength(2);

      // And the other way round.
      const again = await rig.open();
      expect(textOf(await again.call('echo__pid'))).not.toBe(insidePid);
      await Promise.all([inside.close(), moreInside.close()]);
      await eventually(() => !existsSync(socketInside), { what: 'the inner daemon to end' });
      expect(textOf(await again.call('echo__echo', { text: 'still' }))).toBe('still');
      await again.close();
      await rig.nothingLeft();
    } finally {
      await rig.dispose();
    }
  },
);
