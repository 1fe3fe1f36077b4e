// From a changed file to what runs. Breaks when a config that cannot be read takes the place of one that could, or when
// a change reaches a session that it does not concern.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { openReload, type Reload } from '../../../src/daemon/reload.ts';
import type { Switchboard } from '../../../src/daemon/switchboard.ts';
import { openSession, SwitchboardRig } from '../../support/switchboard-rig.ts';

let rig: SwitchboardRig;
let switchboard: Switchboard;
let reload: Reload;
let moved: unknown[];
const entry = (more = {}) => ({ command: 'x', sharing: 'shared', ...more });
beforeEach(() => {
  rig = new SwitchboardRig();
  rig.config({ mcpServers: { one: entry() } });
  rig.servers.set('one', { tools: ['a'] });
  rig.servers.set('two', { tools: ['b'] });
  switchboard = rig.switchboard();
  moved = [];
  reload = openReload({
    ...{ locations: rig.locations, holder: switchboard.holder, roster: switchboard.roster, router: switchboard.router },
    ...{ supervisor: switchboard.servers.supervisor, findings: switchboard.findings, log: silentLog },
    movePort: (port) => void moved.push(port),
  });
});
afterEach(async () => {
  reload.close();
  await rig.close();
});

const names = () => switchboard.holder.config.servers.map(({ name }) => name);
const wanted = (sent: { method?: string; params?: unknown }[]) => sent.filter(({ method }) => method === 'aitkit/want');
function withSession(wrapperPid: number) {
  const opened = openSession({ wrapper: { pid: wrapperPid, startTime: '1' } });
  switchboard.open(opened.session);
  return opened;
}

it('takes what was added, changed and removed, and says so', () => {
  rig.config({ mcpServers: { one: entry({ args: ['more'] }), two: entry() } });
  expect(reload.reload()).toEqual({
    ...{ reloaded: true, added: ['two'], removed: [], changed: ['one'], restart: ['one'], settings: [] },
  });
  expect(names()).toEqual(['one', 'two']);
});

it('keeps the last good config while the file cannot be read, and takes it again when it can', () => {
  rig.write(rig.locations.configPath, '{ "mcpServers": ');
  expect(reload.reload()).toMatchObject({ reloaded: false, error: { code: 'CONFIG_INVALID' } });
  expect([names(), switchboard.holder.state.error?.code]).toEqual([['one'], 'CONFIG_INVALID']);
  rig.config({ mcpServers: { two: entry() } });
  expect(reload.reload()).toMatchObject({ reloaded: true, added: ['two'], removed: ['one'] });
  expect(switchboard.holder.state.error).toBeUndefined();
});

it('keeps the last good form of an entry that became invalid', () => {
  rig.config({ mcpServers: { one: { command: 7 }, two: entry() } });
  reload.reload();
  expect(names().sort()).toEqual(['one', 'two']);
  expect(switchboard.holder.state.invalid.map(({ name }) => name)).toEqual(['one']);
});

it('leaves half a file alone until its writer has stopped, but sees a whole one before a request', () => {
  rig.write(rig.locations.configPath, '{ "mcpServers": ');
  reload.check(false);
  expect(switchboard.holder.state.error).toBeUndefined();
  rig.config({ mcpServers: { one: entry(), two: entry() } });
  reload.check(false);
  expect(names()).toEqual(['one', 'two']);
});

it('reads nothing anew for who only looks, while the file is the same', () => {
  const before = switchboard.holder.config;
  reload.refresh();
  reload.check(true);
  expect(switchboard.holder.config).toBe(before);
  rig.config({ mcpServers: {} });
  reload.refresh();
  expect(names()).toEqual([]);
});

it('asks sessions for variables only when other ones are wanted', () => {
  const { sent } = withSession(1);
  rig.config({ mcpServers: { one: entry({ args: ['changed'] }) } });
  reload.reload();
  expect(wanted(sent)).toEqual([]);
  rig.config({ mcpServers: { one: entry({ env: { KEY: '${TOKEN}' } }) } });
  reload.reload();
  expect(wanted(sent)).toEqual([{ jsonrpc: '2.0', method: 'aitkit/want', params: { names: ['TOKEN'] } }]);
});

it('leaves the port alone when something else changed', () => {
  rig.config({ mcpServers: { two: entry() } });
  reload.reload();
  expect(moved).toEqual([]);
});

it('gives the values of the env file to sessions without a wrapper, and to no other', () => {
  const [wrapped, overHttp] = [withSession(1), withSession(0)];
  rig.write(rig.locations.envFilePath, 'TOKEN=x\n');
  reload.check(false);
  expect(wanted(overHttp.sent)).toEqual([]);
  reload.check(true);
  expect(wanted(overHttp.sent)).toHaveLength(1);
  expect(wanted(wrapped.sent)).toEqual([]);
});

it('sees nothing any more when it is closed', () => {
  reload.close();
  rig.config({ mcpServers: {} });
  reload.check(true);
  expect(names()).toEqual(['one']);
});
