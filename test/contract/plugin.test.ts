// What the plugin promises to Claude Code, read from its files alone. The real client's own view is in test/e2e.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { root } from '../../scripts/build-defines.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const json = (path: string): unknown => JSON.parse(read(path));

const server = z.strictObject({ command: z.string(), args: z.array(z.string()) });
const plugin = z.object({ name: z.string(), version: z.string(), mcpServers: z.record(z.string(), server) });
const marketplace = z.object({
  name: z.string(),
  description: z.string().min(1),
  plugins: z.array(z.object({ name: z.string(), source: z.string() })),
});
const hook = z.strictObject({
  type: z.literal('command'),
  command: z.string(),
  args: z.array(z.string()),
  timeout: z.number(),
});
const hooks = z.object({
  hooks: z.record(z.string(), z.array(z.strictObject({ hooks: z.array(hook).length(1) })).length(1)),
});

/** Frontmatter of a skill as plain `key: value` lines, and its body. */
function skill(name: string): { front: Map<string, string>; body: string } {
  const [, front = '', body = ''] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(read(`skills/${name}/SKILL.md`)) ?? [];
  const pairs = front.split('\n').map((line): [string, string] => {
    const colon = line.indexOf(': ');
    return [line.slice(0, colon), line.slice(colon + 2)];
  });
  return { front: new Map(pairs), body };
}

describe('the plugin manifest', () => {
  const manifest = plugin.parse(json('.claude-plugin/plugin.json'));

  it('has the version of the package', () => {
    expect(manifest.version).toBe(z.object({ version: z.string() }).parse(json('package.json')).version);
  });

  it('declares one server, by a key that leaves 39 characters for `<server>__<tool>`', () => {
    expect(manifest.mcpServers).toEqual({
      s: { command: 'node', args: ['${CLAUDE_PLUGIN_ROOT}/bin/run-mcp-proxy', 'mcp-user'] },
    });
    expect(`mcp__plugin_${manifest.name}_s__`).toHaveLength(25);
  });

  it('is listed by the marketplace of the same repository', () => {
    const { name, plugins } = marketplace.parse(json('.claude-plugin/marketplace.json'));
    expect(name).toBe('aitkit');
    expect(plugins.map(({ name, source }) => ({ name, source }))).toEqual([{ name: 'mcp-proxy', source: './plugin' }]);
    // There it would start for everyone who opens the repository.
    expect(existsSync(join(root, '.mcp.json'))).toBe(false);
  });
});

describe('an installed copy', () => {
  it('gets no packages: the newest client runs `npm ci` beside a lock file, unless the manifest sets overrides', () => {
    // Measured on 2.1.329: 227 MB of development packages per installed version, from the network, without it.
    expect(json('package.json')).toMatchObject({ overrides: {} });
  });
});

describe('the hooks', () => {
  it('run one program in exec form at both ends of a session, whatever the reason', () => {
    const { hooks: events } = hooks.parse(json('hooks/hooks.json'));
    expect(Object.keys(events)).toEqual(['SessionStart', 'SessionEnd']);
    for (const [entry] of Object.values(events)) {
      expect(entry?.hooks[0]).toMatchObject({ command: 'node', args: ['${CLAUDE_PLUGIN_ROOT}/dist/hook.cjs'] });
    }
  });
});

describe('the skills', () => {
  it('name the command `/mcp-proxy` once: a command of that name would hide it on older clients', () => {
    expect(skill('mcp-proxy').front.get('name')).toBe('mcp-proxy');
    expect(existsSync(join(root, 'commands'))).toBe(false);
    const folders = readdirSync(join(root, 'skills'));
    expect(folders.map((folder) => skill(folder).front.get('name'))).toEqual(folders);
  });

  it('let the user alone run the command, by full path and without a question', () => {
    const { front, body } = skill('mcp-proxy');
    const program = '"${CLAUDE_PLUGIN_ROOT}/bin/mcp-proxy"';
    expect(front.get('disable-model-invocation')).toBe('true');
    expect(front.get('allowed-tools')).toBe(`Bash(${program}:*)`);
    expect(body).toContain(`\`\`\`!\n${program} --from-skill - <<'`);
  });

  it('keep the arguments out of the shell: they stand between the quoted delimiter and its end', () => {
    const { body } = skill('mcp-proxy');
    const [, delimiter = ''] = /<<'(\w+)'/.exec(body) ?? [];
    expect(body).toContain(`\n$ARGUMENTS\n${delimiter}\n`);
    expect(body.match(/\$ARGUMENTS/g)).toHaveLength(1);
  });

  it('describe the daemon within what a client reads, and name files and commands that exist', () => {
    const { front, body } = skill('mcp-proxy-daemoning');
    expect(front.get('name')).toBe('mcp-proxy-daemoning');
    expect(front.get('description')?.length).toBeLessThanOrEqual(1024);
    expect(front.has('disable-model-invocation')).toBe(false);
    for (const path of ['~/.aitkit/lib/mcpproxy/mcp_proxy_config.json', '~/.aitkit/lib/mcpproxy/mcp-proxy.log']) {
      expect(body).toContain(path);
    }
  });

  it('name every command of the program and no other', async () => {
    const { verbs } = await import('../../src/cli/command-table.ts');
    const table = skill('mcp-proxy-daemoning').body.match(/^\| to \| command \|\n[\s\S]*?\n\n/m)?.[0] ?? '';
    const rows = table
      .split('\n')
      .slice(2)
      .map((row) => row.split(' | ')[1] ?? '');
    const named = rows.flatMap((cell) => [...cell.matchAll(/`([a-z-]+)/g)].map(([, verb = '']) => verb));
    expect([...new Set(named)].sort()).toEqual(verbs.map(({ name }) => name).sort());
  });

  it.each([
    'daemon not starting',
    'stale PID files',
    'port conflict',
    'tool not found',
    'daemon crashed',
    'connection refused',
    'tools not appearing',
    'wrong project',
    'stale connection',
  ])('say what to do about: %s', (symptom) => {
    const row = skill('mcp-proxy-daemoning')
      .body.split('\n')
      .find((line) => line.startsWith(`| ${symptom} |`));
    expect(row?.split(' | ')).toHaveLength(3);
  });
});
