import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import type { Command, Verb } from '../../../src/cli/command.ts';
import { verbs } from '../../../src/cli/command-table.ts';
import { splitLine } from '../../../src/cli/skill-line.ts';
import { type CliRig, createCliRig } from './cli-rig.ts';

const failing = (error: unknown): Command => ({
  usage: ['fail'],
  about: 'Fails.',
  options: [{ long: 'json', help: 'For programs' }],
  examples: [{ line: 'fail', does: 'Fail' }],
  run: () => Promise.reject(error),
});
const verb = (name: string, command: Command): Verb => ({ name, summary: `Does ${name}`, load: async () => command });

let rig: CliRig;
beforeEach(() => {
  rig = createCliRig();
});
afterEach(() => rig.remove());

describe('a path of the environment that is relative', () => {
  it.each(['AITKIT_ROOT', 'MCPPROXY_DATA_DIR', 'MCPPROXY_CONFIG_PATH'])('is refused: %s', async (variable) => {
    for (const words of [['status'], ['add', 'x', '--', 'x']]) {
      const { code, stderr } = await rig.runInTerminal(200, { [variable]: '../here', NO_COLOR: '1' }, ...words);
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`${variable} is "../here"`) });
      expect(stderr).toContain(`for instance ${variable}="~/here"`);
    }
    const tilde = await rig.runInTerminal(200, { [variable]: '~/here' }, 'status');
    expect(tilde).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('the program without a known command', () => {
  it('prints every command and exits 0', async () => {
    const { code, stdout } = await rig.run();
    expect(code).toBe(0);
    for (const { name, summary } of verbs) expect(stdout).toMatch(new RegExp(`^  ${name} +${literal(summary)}$`, 'm'));
  });

  it('exits 2 with the nearest command and the list', async () => {
    const own = createCliRig([verb('status', failing('')), verb('start', failing(''))]);
    expect(await own.run('statsu')).toEqual({
      code: 2,
      stdout: '',
      stderr: [
        'Failed: There is no command "statsu".',
        'Did you mean `/opt/mcp-proxy/bin/mcp-proxy status`? Commands: status start',
        '',
      ].join('\n'),
    });
    own.remove();
  });
});

describe('help and version', () => {
  it.each(verbs.map(({ name }) => name))('shows usage and examples of %s', async (name) => {
    for (const words of [
      [name, '--help'],
      ['help', name],
      ['--help', name],
    ]) {
      const { code, stdout } = await rig.run(...words);
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`^Usage: /opt/mcp-proxy/bin/mcp-proxy ${name}`, 'm'));
      expect(stdout).toContain('Examples:');
    }
  });

  it.each(verbs)('shows only examples of $name whose options exist', async ({ name, load }) => {
    for (const { line } of (await load()).examples) {
      const [verbWord, ...words] = splitLine(line);
      expect(verbWord).toBe(name);
      expect(await rig.run(name, '--help', ...words)).toMatchObject({ code: 0, stderr: '' });
    }
  });

  it('prints the version', async () => {
    expect((await rig.run('--version')).stdout).toMatch(/^mcp-proxy \d+\.\d+\.\d+\+test\n$/);
  });
});

describe('errors', () => {
  it('exits 1 with message and hint on stderr, in words that work in a terminal', async () => {
    const error = new AppError({ code: 'NOT_RUNNING', message: 'It is gone.', hint: 'Run: mcp-proxy fail' });
    const own = createCliRig([verb('fail', failing(error))]);
    expect(await own.run('fail')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'Failed: It is gone.\nRun: /opt/mcp-proxy/bin/mcp-proxy fail\n',
    });
    own.remove();
  });

  it('never shows a secret or an escape sequence that stands in a message', async () => {
    const own = createCliRig([verb('fail', failing(new Error('\u001b[2Jtoken=abcdefghijkl')))]);
    expect((await own.run('fail')).stderr).toBe('Failed: token=[redacted]\n');
    own.remove();
  });

  it('exits 0 and prints to stdout for the slash command, where a failure would hide everything', async () => {
    const error = new AppError({ code: 'NOT_RUNNING', message: 'It is gone.', hint: 'Run: mcp-proxy fail' });
    const own = createCliRig([verb('fail', failing(error))]);
    expect(await own.run('--from-skill', 'fail')).toEqual({
      code: 0,
      stdout: 'Failed: It is gone.\nRun: /mcp-proxy fail\n',
      stderr: '',
    });
    expect((await own.run('--from-skill', 'fail', '--jsno')).code).toBe(0);
    own.remove();
  });

  it('leaves the mark of the slash command to a server when it stands behind --', async () => {
    const { code, stdout } = await rig.run('add', 'x', '--', 'cmd', '--from-skill');
    expect(code).toBe(0);
    expect(stdout).toContain('Added x: cmd --from-skill');
  });
});

describe('colours', () => {
  it('appear only on a terminal without NO_COLOR and not for the slash command', async () => {
    const hasColour = (text: string) => text.includes('\u001b[');
    expect(hasColour((await rig.runInTerminal(100, {}, 'status')).stdout)).toBe(true);
    expect(hasColour((await rig.run('status')).stdout)).toBe(false);
    expect(hasColour((await rig.runInTerminal(100, { NO_COLOR: '1' }, 'status')).stdout)).toBe(false);
    expect(hasColour((await rig.runInTerminal(100, {}, '--from-skill', 'status')).stdout)).toBe(false);
  });
});

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
