// Why the daemon stays. Breaks when it ends under somebody, or stays for nobody.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { processStartTime } from '../../../src/base/process-identity.ts';
import { Parts } from '../../../src/daemon/parts.ts';
import type { Switchboard } from '../../../src/daemon/switchboard.ts';
import { Upkeep } from '../../../src/daemon/upkeep.ts';
import { listRecordPids, writeRecord } from '../../../src/link/record.ts';
import { openSession, SwitchboardRig } from '../../support/switchboard-rig.ts';

let rig: SwitchboardRig;
let stopped: string[];
const doors = { idle: 0, port: undefined as number | undefined, moved: [] as unknown[] };
beforeEach(() => {
  rig = new SwitchboardRig();
  stopped = [];
  Object.assign(doors, { idle: 0, port: undefined, moved: [] });
});
afterEach(async () => {
  vi.useRealTimers();
  await rig.close();
});

function upkeepOf(switchboard: Switchboard, isAlone = false): Upkeep {
  return new Upkeep({
    ...{ locations: rig.locations, isAlone, switchboard, log: silentLog, now: () => Date.now() },
    doors: {
      idleSessions: () => doors.idle,
      get port() {
        return doors.port;
      },
      movePort: (port) => void doors.moved.push(port),
    },
    stop: (reason) => void stopped.push(reason),
  });
}
const record = (pid: number, more = {}) =>
  writeRecord(rig.locations.recordsDir, {
    ...{ pid, startTime: processStartTime(pid) ?? '', projectDir: '', since: new Date().toISOString(), daemons: [] },
    ...more,
  });

describe('it stays', () => {
  it('for a session, but not for one over HTTP that nobody uses', () => {
    const switchboard = rig.switchboard();
    const upkeep = upkeepOf(switchboard);
    expect(upkeep.busyBecause()).toBeUndefined();
    switchboard.open(openSession().session);
    expect(upkeep.busyBecause()).toBe('sessions');
    doors.idle = 1;
    expect(upkeep.busyBecause()).toBeUndefined();
  });

  it('for programs over HTTP where a person wants it, while there is a port', () => {
    rig.config({ http: { keepDaemon: true } });
    const upkeep = upkeepOf(rig.switchboard());
    expect(upkeep.busyBecause()).toBeUndefined();
    doors.port = 4711;
    expect(upkeep.busyBecause()).toBe('http.keepDaemon');
  });

  it('for a host whose hook ran a moment ago, and removes the record of one that is gone', () => {
    const upkeep = upkeepOf(rig.switchboard());
    record(process.pid);
    expect(upkeep.busyBecause()).toBe('a session is starting');
    record(process.pid, { startTime: 'of another process' });
    expect(upkeep.busyBecause()).toBeUndefined();
    expect(listRecordPids(rig.locations.recordsDir)).toEqual([]);
  });
});

describe('without anybody it ends', () => {
  it.each([
    ['after the time of the config', false, 4_000],
    ['after ten seconds when it is one session’s own', true, 10_000],
  ])('%s', async (_what, isAlone, afterMs) => {
    rig.config({ daemon: { idleExitMs: 4_000 } });
    const upkeep = upkeepOf(rig.switchboard(), isAlone);
    const parts = new Parts(silentLog);
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    await parts.start(upkeep.parts());
    vi.advanceTimersByTime(afterMs - 100);
    expect(stopped).toEqual([]);
    vi.advanceTimersByTime(700);
    expect(stopped).toEqual(['idle']);
    await parts.stop('idle');
  });
});

it('hears of no change of the config before its files are watched, nor when it has ended', async () => {
  const switchboard = rig.switchboard();
  const upkeep = upkeepOf(switchboard);
  const parts = new Parts(silentLog);
  upkeep.checkFiles(true);
  await parts.start(upkeep.parts());
  rig.config({ mcpServers: { one: { command: 'x' } } });
  upkeep.checkFiles(true);
  expect(switchboard.holder.config.servers).toHaveLength(1);
  await parts.stop('idle');
  rig.config({ mcpServers: {} });
  upkeep.checkFiles(true);
  expect(switchboard.holder.config.servers).toHaveLength(1);
});

it.each([
  ['moves the port', false, [4711]],
  ['has no port to move when it is one session’s own', true, []],
])('%s', async (_what, isAlone, moved) => {
  await rig.close();
  rig = new SwitchboardRig({ isOnPort: true });
  const upkeep = upkeepOf(rig.switchboard(), isAlone);
  const parts = new Parts(silentLog);
  await parts.start(upkeep.parts());
  rig.config({ http: { port: 4711 } });
  upkeep.reload();
  expect(doors.moved).toEqual(moved);
  await parts.stop('idle');
});
