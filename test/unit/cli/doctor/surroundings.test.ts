// What doctor says of containers, other hosts, dead boots and synced folders, each in a home that has it.
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRecord } from '../../../../src/base/guards.ts';
import { processStartTime } from '../../../../src/base/process-identity.ts';
import { ownScope } from '../../../../src/link/scope.ts';
import { type CliRig, createCliRig } from '../cli-rig.ts';

let rig: CliRig;
let run: string;
beforeEach(() => {
  rig = createCliRig();
  mkdirSync(dirname(rig.configPath), { recursive: true, mode: 0o700 });
  writeFileSync(rig.configPath, JSON.stringify({ mcpServers: {}, http: { port: 'off' } }), { mode: 0o600 });
  run = join(rig.home, '.aitkit', 'run');
  mkdirSync(run, { mode: 0o700 });
});
afterEach(() => rig.remove());

async function findings(): Promise<Record<string, unknown>[]> {
  const { stdout } = await rig.run('doctor', '--json');
  const report: unknown = JSON.parse(stdout);
  if (!isRecord(report) || !Array.isArray(report['findings'])) throw new Error(stdout);
  return report['findings'].filter(isRecord);
}
const ownedBy = (change: Partial<ReturnType<typeof ownScope>>) =>
  writeFileSync(join(run, 'scope'), `${JSON.stringify({ ...ownScope(), ...change })}\n`);

describe('whose the run folder is', () => {
  it('another container: it is left alone, and a folder of our own is named', async () => {
    ownedBy({ pidNamespace: 'pid:[1]' });
    expect(await findings()).toEqual([
      {
        check: 'scope',
        severity: 'note',
        what: expect.stringMatching(
          /belongs to another container or sandbox of this machine; here .*scope-[0-9a-f]{16} is used/,
        ),
        fix: expect.stringContaining('Nothing has to be done'),
        canRepair: false,
      },
    ]);
  });

  it('another host that sees the same home: its name is said', async () => {
    ownedBy({ machine: 'f00d', host: 'build-7' });
    expect(await findings()).toMatchObject([
      { check: 'scope', severity: 'note', what: expect.stringContaining('another machine (build-7)') },
    ]);
  });

  it('a dead boot of this machine: nothing is said of it, and what its daemon left is no running one', async () => {
    ownedBy({ boot: 'an-earlier-boot' });
    // The number has a living process in this boot, started at another time.
    const dead = { pid: process.pid, startTime: `${Number(processStartTime(process.pid)) + 1}` };
    const endpoint = {
      ...dead,
      build: { version: '0.1.0', fingerprint: 'f' },
      protocol: 1,
      nonce: 'n',
      execPath: '/node',
    };
    const file = join(run, 'mcp-proxy-mcp-user.pid');
    writeFileSync(file, JSON.stringify({ ...endpoint, socket: join(run, 'mcp-proxy-mcp-user.v1.sock') }), {
      mode: 0o600,
    });
    expect(await findings()).toMatchObject([
      { check: 'endpoint', severity: 'note', what: expect.stringContaining(file), canRepair: true },
    ]);
  });

  it('folders of containers beside our own are counted and not touched', async () => {
    for (const name of ['scope-0123456789abcdef', 'scope-fedcba9876543210'])
      mkdirSync(join(run, name), { mode: 0o700 });
    expect(await findings()).toMatchObject([
      {
        check: 'scope',
        severity: 'note',
        what: expect.stringMatching(/^2 folders of containers or other hosts/),
        canRepair: false,
      },
    ]);
  });
});

describe('folders that are synced between machines', () => {
  const elsewhere = (from: string, to: string) => {
    mkdirSync(dirname(to), { recursive: true });
    renameSync(from, to);
    symlinkSync(to, from);
  };

  it('our own folder there is a warning: two daemons would meet in it', async () => {
    elsewhere(join(rig.home, '.aitkit'), join(rig.home, 'Dropbox', 'aitkit'));
    expect(await findings()).toContainEqual({
      check: 'claude',
      severity: 'warning',
      what: expect.stringMatching(/^~\/\.aitkit lies in a folder that is synced \(.*\/Dropbox\/aitkit\)/),
      fix: 'Set AITKIT_ROOT to a folder of this machine.',
      canRepair: false,
    });
  });

  it("the client's settings there, or in a repository of dotfiles, are a note: paths in them reach other machines", async () => {
    mkdirSync(join(rig.home, '.claude'));
    const [settings, state] = [join(rig.home, '.claude', 'settings.json'), join(rig.home, '.claude.json')];
    writeFileSync(settings, '{}');
    writeFileSync(state, '{}');
    mkdirSync(join(rig.home, 'dotfiles', '.git'), { recursive: true });
    elsewhere(settings, join(rig.home, 'Nextcloud', 'settings.json'));
    elsewhere(state, join(rig.home, 'dotfiles', 'claude.json'));
    const found = (await findings()).filter(({ what }) => String(what).includes(' lies '));
    expect(found).toMatchObject([
      {
        check: 'claude',
        severity: 'note',
        what: expect.stringContaining('settings.json lies in a folder that is synced'),
      },
      { check: 'claude', severity: 'note', what: expect.stringContaining('.claude.json lies in a git repository') },
    ]);
  });

  it("the client's whole folder in a repository is noted too, also before it holds settings", async () => {
    const [folder, real] = [join(rig.home, '.claude'), join(rig.home, 'dotfiles', 'claude')];
    mkdirSync(join(rig.home, 'dotfiles', '.git'), { recursive: true });
    mkdirSync(folder);
    elsewhere(folder, real);
    const lies = async () =>
      (await findings()).map(({ what }) => String(what)).filter((what) => what.includes(' lies '));
    expect(await lies()).toEqual([expect.stringMatching(/^~\/\.claude lies in a git repository/)]);
    writeFileSync(join(real, 'settings.json'), '{}');
    expect(await lies()).toEqual([expect.stringMatching(/^~\/\.claude\/settings\.json lies in a git repository/)]);
  });
});
