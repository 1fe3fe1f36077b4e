// Serena itself, from its package, as the preset starts it: one copy for each project, each with its own language server.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { presets } from '../../src/config/presets.ts';
import type { InstanceStatus } from '../../src/link/control.ts';
import { DaemonRig } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { type McpClient, textOf } from '../support/mcp-client.ts';
import { ensurePyright, ensureUv, networkEnv, toolCache, warmUp } from '../support/real-servers.ts';

/** Two cores start six wrappers, two servers and two language servers at once. */
const callMs = 120_000;
let rig: DaemonRig;
let reason: string | undefined;
let sessionEnv: Record<string, string>;
const sessions: Record<string, McpClient[]> = { shop: [], till: [] };
const opened = () => join(rig.home, 'browser-opened');

beforeAll(async () => {
  rig = new DaemonRig();
  const uv = await ensureUv();
  const pyright = await ensurePyright();
  if ('reason' in uv) reason = uv.reason;
  else if ('reason' in pyright) reason = pyright.reason;
  else reason = (await warmUp(uv.bin, ['--from', 'serena-agent', 'serena', '--version']))?.reason;
  if (reason !== undefined || 'reason' in uv || 'reason' in pyright) return;
  writeSerenaConfig(pyright.path);
  const fakes = writeFakeBrowsers();
  sessionEnv = {
    ...networkEnv,
    PATH: `${fakes}:${uv.bin}:${process.env['PATH'] ?? ''}`,
    XDG_CACHE_HOME: join(toolCache, 'xdg'),
    DISPLAY: ':99',
  };
  const added = await rig.cli(['add', 'serena', '--preset', 'serena'], sessionEnv);
  expect(added.code, added.stderr).toBe(0);
});
afterAll(() => rig.dispose());

/** One tool for each operation instead of the REPL, and a language server that is here already. */
function writeSerenaConfig(languageServer: string): void {
  mkdirSync(join(rig.home, '.serena'));
  writeFileSync(
    join(rig.home, '.serena', 'serena_config.yml'),
    `projects: []\nagent_interface: tools\nls_specific_settings:\n  python:\n    ls_path: ${languageServer}\n`,
  );
}

/** Whatever would open a window leaves a file instead. */
function writeFakeBrowsers(): string {
  const folder = join(rig.home, 'fake-browsers');
  mkdirSync(folder);
  for (const name of ['xdg-open', 'www-browser', 'x-www-browser', 'firefox', 'chromium', 'google-chrome']) {
    writeFileSync(join(folder, name), `#!/bin/sh\necho "$@" >> '${opened()}'\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

function writeSource(folder: string, owner: string): void {
  mkdirSync(join(folder, 'app'), { recursive: true });
  const source = `class Basket:\n    def owner(self):\n        return "${owner}"\n\n\ndef only_in_${owner}():\n    return Basket()\n`;
  writeFileSync(join(folder, 'app', 'basket.py'), source);
}

function skipWithout(context: TestContext): void {
  if (reason === undefined) return;
  console.log(`Serena is not tested: ${reason}`);
  context.skip(reason);
}

const findBasket = async (session: McpClient) =>
  textOf(await session.call('serena__find_symbol', { name_path_pattern: 'Basket/owner', include_body: true }, callMs));

async function copies(): Promise<InstanceStatus[]> {
  const { servers } = await rig.status();
  return servers.flatMap(({ instances }) => instances).filter(({ state }) => state === 'ready');
}

function processesOf(root: string, program: RegExp): number[] {
  return rig
    .processes()
    .filter(({ command }) => program.test(command) && command.includes(root))
    .map(({ pid }) => pid);
}

function git(cwd: string, ...args: string[]): void {
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com'];
  execFileSync('git', [...identity, ...args], { cwd, env: { PATH: process.env['PATH'], HOME: rig.home } });
}

describe('Serena', () => {
  it('is added by its preset as it stands there', (context) => {
    skipWithout(context);
    const config: unknown = JSON.parse(readFileSync(rig.configPath, 'utf8'));
    expect(config).toEqual({ mcpServers: { serena: presets['serena']?.definition } });
  });

  it('runs once for each of two projects, and six sessions that ask at once are answered from their own', async (context) => {
    skipWithout(context);
    for (const name of ['shop', 'till']) {
      const project = join(rig.home, name);
      writeSource(project, name);
      git(rig.home, 'init', '-q', name);
      git(project, 'add', '.');
      git(project, 'commit', '-qm', 'first');
      sessions[name] = await Promise.all(
        [1, 2, 3].map(() => rig.open({ project, env: sessionEnv, name: 'claude-code' })),
      );
    }
    const asked = ['shop', 'till'].flatMap((name) => (sessions[name] ?? []).map((session) => ({ name, session })));
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(
        asked.map(async ({ name, session }) => {
          expect(await findBasket(session)).toContain(`return \\"${name}\\"`);
        }),
      );
    }
    const other = await sessions['shop']?.[0]?.call(
      'serena__find_symbol',
      { name_path_pattern: 'only_in_till' },
      callMs,
    );
    expect(other && textOf(other)).toBe('[]');

    const found = await copies();
    expect(
      found.map(({ projectRoot, sharing, sessions: users }) => [projectRoot, sharing, users.length]).sort(),
    ).toEqual([
      [join(rig.home, 'shop'), 'project', 3],
      [join(rig.home, 'till'), 'project', 3],
    ]);
    for (const name of ['shop', 'till']) {
      expect(processesOf(join(rig.home, name), /^\S*python\S* \S*serena start-mcp-server/)).toHaveLength(1);
    }
    expect(rig.processes().filter(({ command }) => /^\S*node\S* \S*pyright-langserver/.test(command))).toHaveLength(2);
  });

  it('keeps its project: no session can activate another, and memories stay where they were written', async (context) => {
    skipWithout(context);
    const [first, second] = sessions['shop'] ?? [];
    const [foreign] = sessions['till'] ?? [];
    if (!first || !second || !foreign) throw new Error('no sessions');
    const names = await first.toolNames();
    expect(names).toContain('serena__find_symbol');
    expect(names).not.toContain('serena__activate_project');
    await first.call('serena__write_memory', { memory_name: 'prices', content: 'with tax' }, callMs);
    expect(textOf(await second.call('serena__list_memories', {}, callMs))).toContain('prices');
    expect(textOf(await foreign.call('serena__list_memories', {}, callMs))).not.toContain('prices');
    expect(await findBasket(second)).toContain('return \\"shop\\"');
  });

  it('runs a third time for a worktree of one project', async (context) => {
    skipWithout(context);
    const worktree = join(rig.home, 'shop-next');
    git(join(rig.home, 'shop'), 'worktree', 'add', '-q', worktree);
    writeSource(worktree, 'next');
    const session = await rig.open({ project: worktree, env: sessionEnv, name: 'claude-code' });
    expect(await findBasket(session)).toContain('return \\"next\\"');
    expect(new Set((await copies()).map(({ pid }) => pid)).size).toBe(3);
    for (const one of sessions['shop'] ?? []) expect(await findBasket(one)).toContain('return \\"shop\\"');
    await session.close();
  });

  it('keeps what sessions define in its REPL apart, which is how it presents itself by default', async (context) => {
    skipWithout(context);
    const project = rig.project('desk');
    writeSource(project, 'desk');
    mkdirSync(join(project, '.serena'));
    const settings = 'project_name: desk\nlanguage_servers: ["python"]\nagent_interface: REPL\n';
    writeFileSync(join(project, '.serena', 'project.yml'), settings);
    const [first, second] = await Promise.all([1, 2].map(() => rig.open({ project, env: sessionEnv })));
    if (!first || !second) throw new Error('no sessions');
    const enter = async (session: McpClient) => {
      const manual = textOf(await session.call('serena__initial_instructions', {}, callMs));
      const id = /session id is `([\w-]+)`/.exec(manual)?.[1];
      if (id === undefined) throw new Error(manual.slice(0, 2_000));
      return async (code: string) => textOf(await session.call('serena__serena_repl', { session: id, code }, callMs));
    };
    const [ofFirst, ofSecond] = await Promise.all([enter(first), enter(second)]);
    await Promise.all([ofFirst('mine = "first"'), ofSecond('mine = "second"')]);
    expect(await Promise.all([ofFirst('mine'), ofSecond('mine')])).toEqual(['first', 'second']);
    const found = await ofFirst('s.lsp.find_symbol("Basket/owner", include_body=True)');
    expect(found).toContain('return \\"desk\\"');
    await Promise.all([first.close(), second.close()]);
  });

  it('opens no dashboard', (context) => {
    skipWithout(context);
    expect(existsSync(opened()) ? readFileSync(opened(), 'utf8') : '').toBe('');
    expect(rig.processes().filter(({ command }) => /dashboard-viewer|tray/.test(command))).toEqual([]);
  });

  it('is gone with its language server when its last session was idle, while other sessions stay', async (context) => {
    skipWithout(context);
    const before = await copies();
    const till = before.find(({ projectRoot }) => projectRoot === join(rig.home, 'till'));
    for (const session of sessions['till'] ?? []) await session.close();
    rig.writeConfig({ serena: { ...presets['serena']?.definition, idleStopMs: 3_000 } });
    const [busy] = sessions['shop'] ?? [];
    await eventually(
      async () => {
        // The shop's copy is in use, so it is not idle; and the change of one limit has restarted nothing.
        if (busy) expect(await findBasket(busy)).toContain('return \\"shop\\"');
        const now = await copies();
        return now.length === 1 && processesOf(join(rig.home, 'till'), /serena|pyright/).length === 0;
      },
      { what: 'the copy of the project without sessions to end', intervalMs: 500 },
    );
    const [left] = await copies();
    expect(left?.pid).toBe(before.find(({ projectRoot }) => projectRoot === join(rig.home, 'shop'))?.pid);
    expect(rig.processes().some(({ pid }) => pid === till?.pid)).toBe(false);
    expect(rig.processes().filter(({ command }) => /^\S*node\S* \S*pyright-langserver/.test(command))).toHaveLength(1);
  });
});
