// The commands against the real daemon, wrapper and example servers, used as a person uses them.
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type CliHome, exampleServer, openCliHome, outcomeOf } from '../support/run-cli.ts';

let cli: CliHome;
beforeEach(() => {
  cli = openCliHome();
});
afterEach(() => cli.close());

const json = async (...words: string[]): Promise<unknown> => JSON.parse((await cli.run(...words)).stdout);

describe('commands that only look', () => {
  it('start no daemon and leave no file', async () => {
    for (const words of [['status'], ['list'], ['logs'], ['explain', 'notes'], ['get', 'notes'], ['health']]) {
      expect((await cli.run(...words)).stderr).not.toContain('Failed');
    }
    expect(cli.daemonPid()).toBeUndefined();
    expect(existsSync(join(cli.root, 'run'))).toBe(false);
  });
});

describe('the daemon', () => {
  it('is started, seen, restarted and stopped', async () => {
    expect(await cli.run('start')).toMatchObject({ code: 0, stdout: expect.stringContaining('2 servers') });
    const first = cli.daemonPid();
    expect(first).toBeTypeOf('number');
    expect((await cli.run('start')).stdout).toContain(`pid ${first}`);
    expect(await cli.run('health')).toMatchObject({ code: 0, stdout: expect.stringContaining(`pid ${first}`) });
    expect(await json('status', '--json')).toMatchObject({ running: true, daemon: { pid: first }, sessions: [] });
    const { stdout } = await cli.run('status');
    expect(stdout).toContain(`pid ${first}`);
    expect(stdout).toContain('HTTP    not listening');
    expect(stdout).toMatch(/^ {2}project-files +stopped +by project/m);

    expect(await cli.run('restart')).toMatchObject({ code: 0, stdout: expect.stringContaining(`(was ${first})`) });
    expect(cli.daemonPid()).not.toBe(first);
    expect(await cli.run('stop')).toMatchObject({ code: 0, stdout: expect.stringContaining('Stopped') });
    expect(cli.daemonPid()).toBeUndefined();
    expect(await cli.run('health', '--json')).toMatchObject({ code: 1, stdout: '{"status":"absent"}\n' });
  });

  it('that hangs is named busy, and ended only by force', async () => {
    await cli.run('start');
    const hung = cli.daemonPid() ?? 0;
    process.kill(hung, 'SIGSTOP');
    const refused = await cli.run('restart');
    expect({ code: refused.code, hint: refused.stderr.includes('restart --force') }).toEqual({ code: 1, hint: true });
    expect(cli.daemonPid()).toBe(hung);
    expect(await cli.run('restart', '--force')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`(was ${hung})`),
    });
    expect(cli.daemonPid()).not.toBe(hung);
  });

  it('runs in the foreground until Ctrl-C, and only once', async () => {
    const child = cli.spawn('run');
    const ended = outcomeOf(child);
    const pid = await eventually(cli.daemonPid, { what: 'the daemon in the foreground' });
    await eventually(async () => (await cli.run('health')).code === 0, { what: 'its answer' });
    expect(await cli.run('run')).toMatchObject({ code: 1, stderr: expect.stringContaining('A daemon runs already.') });
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 0, stderr: expect.stringMatching(/daemon\.ready.*daemon\.stopp/s) });
    expect(cli.daemonPid()).not.toBe(pid);
  });
});

describe('one server', () => {
  const pids = async (): Promise<unknown> => JSON.parse((await cli.run('call', 'notes', 'list_notes')).stdout);

  it('answers calls, keeps its state between them, and loses only its own in a restart', async () => {
    expect(await cli.run('call', 'notes', 'add_note', '{"text":"first"}')).toMatchObject({ code: 0 });
    expect(await cli.runWithInput('{"text":"second"}', 'call', 'notes', 'add_note', '-')).toMatchObject({ code: 0 });
    const before = await pids();
    expect(before).toMatchObject({ notes: [{ text: 'first' }, { text: 'second' }] });
    expect(await cli.run('restart', 'notes')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^notes: ready \(pid \d+\)/),
    });
    const after = await pids();
    expect(after).toMatchObject({ notes: [] });
    expect(after).not.toMatchObject({ pid: Object(before).pid });
    expect(await cli.run('stop', 'notes')).toMatchObject({ code: 0, stdout: 'notes: stopped\n' });
    expect(await cli.run('start', 'notes')).toMatchObject({ code: 0, stdout: expect.stringContaining('notes: ready') });
  });

  it('fails a call with the reason and exit code 1', async () => {
    const wrong = await cli.run('call', 'notes', 'add_note', '{"text":""}');
    expect(wrong).toMatchObject({ code: 1, stdout: expect.stringContaining('not empty') });
    expect(await cli.run('call', 'nots', 'add_note')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('nots'),
    });
    expect(await cli.run('call', 'notes', 'add_note', '{text}')).toMatchObject({ code: 2 });
  });

  it('lists its tools where none or one that it does not have is asked for', async () => {
    expect(await cli.run('call', 'notes')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^add_note {2,}\S.*^list_notes {2,}\S/ms),
    });
    expect(JSON.parse((await cli.run('call', 'notes', '--json')).stdout)).toContainEqual(
      expect.objectContaining({ server: 'notes', tool: 'add_note' }),
    );
    const unknown = await cli.run('call', 'notes', 'ad_note');
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain('notes has no tool "ad_note". Its tools: add_note, list_notes');
  });

  it('is explained for the project one stands in', async () => {
    await cli.run('start');
    const { code, stdout } = await cli.run('explain', 'project-files');
    expect(code).toBe(0);
    expect(stdout).toContain('project    ~/shop');
    expect(stdout).toContain('shared     by project.');
    expect(stdout.replace(/\s+/g, ' ')).toContain(`project-files.mjs ${cli.project}`);
  });
});

describe('a config that changes while the daemon runs', () => {
  it('is taken over by it, and each command says so', async () => {
    await cli.run('start');
    const added = await cli.run('add', 'more', '--sharing', 'shared', '--', process.execPath, exampleServer('notes'));
    expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining('The running daemon has taken it') });
    const seen = () => cli.run('call', 'more', 'list_notes');
    await eventually(async () => (await seen()).code === 0, { what: 'the added server' });
    expect((await cli.run('disable', 'more')).stdout).toContain('Disabled more');
    await eventually(async () => (await seen()).code === 1, { what: 'the disabled server to go' });
    expect((await cli.run('list')).stdout).toMatch(/^more +disabled/m);
    expect((await cli.run('remove', 'more')).code).toBe(0);
  });

  it('keeps the last good one when it breaks, and status says where', async () => {
    await cli.run('start');
    const text = readFileSync(cli.configPath, 'utf8');
    writeFileSync(cli.configPath, `${text}\n]`);
    const status = () => cli.run('status');
    await eventually(async () => (await status()).stdout.includes('mcp_proxy_config.json:'), {
      what: 'the problem in status',
    });
    expect(await cli.run('call', 'notes', 'list_notes')).toMatchObject({ code: 0 });
  });
});

describe('logs', () => {
  it('shows the end of the daemon log in words, and follows it', async () => {
    await cli.run('start');
    const { stdout } = await cli.run('logs', '-n', '200');
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d info {2}daemon\.ready /m);
    expect((await cli.run('logs', '-n', '1', '--json')).stdout.trim().split('\n')).toHaveLength(1);
    const child = cli.spawn('logs', '-f');
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
    });
    await eventually(() => text.includes('daemon.ready'), { what: 'the first lines' });
    await cli.run('stop');
    await eventually(() => text.includes('daemon.stopped'), { what: 'the line that came later' });
    child.kill('SIGINT');
    await once(child, 'exit');
  });
});

describe('the slash command', () => {
  it('hands its line over on stdin, always exits 0 and speaks of /mcp-proxy', async () => {
    const typed = (line: string) => cli.runWithInput(`${line}\n`, '--from-skill', '-');
    expect(await typed('')).toMatchObject({ code: 0, stdout: expect.stringContaining('`/mcp-proxy start`') });
    expect(await typed('call notes add_note {"text": "it\'s here"}')).toMatchObject({ code: 0, stderr: '' });
    expect((await typed('call notes list_notes')).stdout).toContain("it's here");
    const failed = await typed('call notes no_such_tool');
    expect({ code: failed.code, stderr: failed.stderr }).toEqual({ code: 0, stderr: '' });
    expect(failed.stdout).toContain('Failed:');
    expect(await typed('remove $(touch x); rm -rf /')).toMatchObject({ code: 0 });
    expect(existsSync(join(cli.project, 'x'))).toBe(false);
  });
});
