// The rule by which a newer build takes over. Breaks when a running call or a project's state would be lost, or when two
// builds could replace each other.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { watchHandOver } from '../../../src/daemon/hand-over.ts';
import { decideHandOver, isNewerBuild } from '../../../src/link/fitness.ts';

const build = (version: string, fingerprint = 'f') => ({ version, fingerprint });
const nothing = { sessions: 0, calls: 0, stateful: [], pauseMs: 0 };

describe('a hand-over', () => {
  it('is made at once when no session is there, and when nothing would be lost', () => {
    expect(decideHandOver(nothing)).toEqual({ kind: 'now' });
    expect(decideHandOver({ ...nothing, sessions: 3 })).toEqual({ kind: 'now' });
    // A copy that outlived its sessions is nobody's.
    expect(decideHandOver({ ...nothing, stateful: ['serena'] })).toEqual({ kind: 'now' });
  });

  it('waits for calls, for state and for the last change, and says for which', () => {
    expect(decideHandOver({ ...nothing, sessions: 1, calls: 2 })).toEqual({
      kind: 'wait',
      waitsFor: 'It waits for 2 running calls.',
    });
    expect(decideHandOver({ ...nothing, sessions: 1, stateful: ['serena', 'git', 'serena'] })).toEqual({
      kind: 'wait',
      waitsFor: 'It waits until git, serena are idle: their state would be lost.',
    });
    expect(decideHandOver({ ...nothing, pauseMs: 61_000 })).toMatchObject({ kind: 'wait' });
  });

  it('is never made in both directions between two builds', () => {
    const version = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3)).map((parts) => parts.join('.'));
    fc.assert(
      fc.property(version, version, (a, b) => {
        expect(isNewerBuild(build(a, 'x'), build(b, 'y')) && isNewerBuild(build(b, 'y'), build(a, 'x'))).toBe(false);
        if (a === b) expect(isNewerBuild(build(a, 'x'), build(b, 'y'))).toBe(false);
      }),
    );
  });
});

describe('the daemon', () => {
  let folder: string;
  let now = 1_000_000_000;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mcp-proxy-hand-over-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const install = (version: string, protocol = 1) => {
    mkdirSync(join(folder, 'app', version), { recursive: true });
    writeFileSync(join(folder, 'app', version, 'build.json'), JSON.stringify({ version, fingerprint: 'n', protocol }));
  };
  const watch = (version: string, made: string[], calls = () => 0) =>
    watchHandOver({
      ...{ appDir: join(folder, 'app'), statePath: join(folder, 'state'), log: silentLog, build: build(version) },
      view: () => ({ sessions: 1, calls: calls(), stateful: [] }),
      make: (to) => made.push(to.version),
      now: () => now,
    });

  it('makes way once, for the newest of its protocol, when the last call is done', () => {
    const made: string[] = [];
    let calls = 1;
    const daemon = watch('1.0.0', made, () => calls);
    daemon.look();
    expect(daemon.status()).toBeUndefined();
    for (const version of ['0.9.0', '1.2.0', '1.10.0']) install(version);
    install('2.0.0', 2);
    daemon.look();
    expect([daemon.status()?.to.version, made]).toEqual(['1.10.0', []]);
    calls = 0;
    daemon.look();
    daemon.look();
    expect(made).toEqual(['1.10.0']);
  });

  it('waits while its note cannot be written, says so, and makes way once it can', () => {
    const made: string[] = [];
    install('1.1.0');
    mkdirSync(join(folder, 'state'));
    const daemon = watch('1.0.0', made);
    daemon.look();
    daemon.look();
    expect(made).toEqual([]);
    expect(daemon.status()).toMatchObject({
      to: { version: '1.1.0' },
      waitsFor: `It waits until ${join(folder, 'state')} can be written (EISDIR).`,
    });
    rmSync(join(folder, 'state'), { recursive: true });
    daemon.look();
    expect(made).toEqual(['1.1.0']);
  });

  it('does not make way again for ten minutes, whoever of the two it is, also when the clock is set back', () => {
    const made: string[] = [];
    install('1.1.0');
    watch('1.0.0', made).look();
    expect(made).toEqual(['1.1.0']);
    // The older one came back: somebody removed and started what he wanted.
    const again = watch('1.0.0', made);
    now += 9 * 60_000;
    again.look();
    expect(made).toHaveLength(1);
    expect(again.status()?.waitsFor).toContain('moments ago');
    now += 2 * 60_000;
    again.look();
    expect(made).toHaveLength(2);
    now -= 24 * 3_600_000;
    watch('1.0.0', made).look();
    expect(made).toHaveLength(3);
    expect(JSON.parse(readFileSync(join(folder, 'state'), 'utf8'))).toEqual({ at: now });
  });
});
