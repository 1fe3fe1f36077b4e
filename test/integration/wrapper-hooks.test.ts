import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { processStartTime } from '../../src/base/process-identity.ts';
import { readRecord, type SessionRecord, writeRecord } from '../../src/link/record.ts';
import { buildFakePlugin } from '../support/wrapper-rig.ts';

let plugin: string;
let home: string;
beforeAll(async () => {
  plugin = await buildFakePlugin();
});
afterAll(() => rmSync(plugin, { recursive: true, force: true }));
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcp-proxy-hook-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const root = () => join(home, '.aitkit');
const recordsDir = () => join(root(), 'run', 'mcp-servers');
const dataDir = () => join(root(), 'lib', 'mcpproxy');
type Outcome = { code: number | null; stdout: string; stderr: string };

function start(env: Record<string, string> = {}): { child: ChildProcess; outcome: Promise<Outcome> } {
  const child = spawn(process.execPath, [join(plugin, 'dist', 'hook.cjs')], {
    cwd: home,
    env: { PATH: process.env['PATH'] ?? '', HOME: home, CLAUDE_PROJECT_DIR: home, ...env },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdin?.on('error', () => {});
  return { child, outcome: new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr }))) };
}

function hook(input: Record<string, unknown>, env?: Record<string, string>): Promise<Outcome> {
  const { child, outcome } = start(env);
  child.stdin?.end(JSON.stringify(input));
  return outcome;
}

const sessionStart = { hook_event_name: 'SessionStart', session_id: 'one', cwd: '/', source: 'startup' };
const sessionEnd = (reason: string) => ({ hook_event_name: 'SessionEnd', session_id: 'one', reason });
const configure = () => {
  mkdirSync(dataDir(), { recursive: true, mode: 0o700 });
  writeFileSync(join(dataDir(), 'mcp_proxy_config.json'), '{}');
};

describe('session records', () => {
  it('writes one for the parent process and says nothing when there is nothing to say', async () => {
    configure();
    expect(await hook(sessionStart)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(readRecord(recordsDir(), process.pid)).toMatchObject({
      pid: process.pid,
      startTime: processStartTime(process.pid),
      sessionId: 'one',
      projectDir: home,
      daemons: [],
    });
  });

  it('takes the host’s pid from CLAUDE_PID', async () => {
    await hook(sessionStart, { CLAUDE_PID: '1234567' });
    expect(readdirSync(recordsDir())).toEqual(['1234567']);
  });

  it('keeps age and daemons of the same process, and forgets those of another that had its pid', async () => {
    configure();
    const known: SessionRecord = {
      pid: process.pid,
      startTime: processStartTime(process.pid) ?? '',
      sessionId: 'old',
      projectDir: '/old',
      since: '2020-01-01T00:00:00.000Z',
      daemons: ['mcp-user'],
    };
    writeRecord(recordsDir(), known);
    await hook({ ...sessionStart, source: 'clear' });
    expect(readRecord(recordsDir(), process.pid)).toMatchObject({
      sessionId: 'one',
      since: known.since,
      daemons: ['mcp-user'],
    });
    writeRecord(recordsDir(), { ...known, startTime: 'another' });
    await hook(sessionStart);
    const fresh = readRecord(recordsDir(), process.pid);
    expect(fresh?.daemons).toEqual([]);
    expect(fresh?.since).not.toBe(known.since);
  });

  it.each([
    'prompt_input_exit',
    'other',
    'logout',
    'bypass_permissions_disabled',
  ])('removes it at the end: %s', async (reason) => {
    await hook(sessionStart);
    expect(await hook(sessionEnd(reason))).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(readdirSync(recordsDir())).toEqual([]);
  });

  it.each(['clear', 'resume'])('keeps it while the process lives on: %s', async (reason) => {
    await hook(sessionStart);
    await hook({ ...sessionEnd(reason), session_id: 'two' });
    expect(readRecord(recordsDir(), process.pid)).toMatchObject({ sessionId: 'two' });
  });
});

describe('input that is not as it should be', () => {
  it('does not wait for the end of a pipe that stays open', async () => {
    configure();
    const { child, outcome } = start();
    child.stdin?.write(JSON.stringify(sessionStart).slice(0, 30));
    child.stdin?.write(JSON.stringify(sessionStart).slice(30));
    expect((await outcome).code).toBe(0);
    expect(readRecord(recordsDir(), process.pid)).toBeDefined();
  });

  it('exits 0 without any input', async () => {
    const { outcome } = start();
    expect(await outcome).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it.each(['', 'no json', '[]', '{"hook_event_name":"Stop"}', '{'])('exits 0 and says nothing for %j', async (text) => {
    const { child, outcome } = start();
    child.stdin?.end(text);
    expect(await outcome).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(existsSync(recordsDir())).toBe(false);
  });

  it.each(['/proc/nope', '/proc/nope/deep/down'])('exits 0 where no folder can be made: %s', async (folder) => {
    expect(await hook(sessionStart, { AITKIT_ROOT: folder })).toMatchObject({ code: 0, stderr: '' });
    expect(await hook(sessionEnd('other'), { AITKIT_ROOT: folder })).toMatchObject({ code: 0, stderr: '' });
  });

  it.each([
    'AITKIT_ROOT',
    'MCPPROXY_DATA_DIR',
    'MCPPROXY_CONFIG_PATH',
  ])('exits 0 and leaves nothing in the project when %s is relative', async (variable) => {
    const project = join(home, 'project');
    mkdirSync(project);
    const env = { [variable]: 'inside', CLAUDE_PROJECT_DIR: project };
    expect(await hook(sessionStart, env)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect([readdirSync(home), readdirSync(project)]).toEqual([['project'], []]);
  });

  it('exits 0 and says nothing when the folder is not safe', async () => {
    mkdirSync(recordsDir(), { recursive: true });
    chmodSync(recordsDir(), 0o775);
    expect(await hook(sessionStart)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(readdirSync(recordsDir())).toEqual([]);
  });
});

describe('findings', () => {
  const message = async (env?: Record<string, string>): Promise<string | undefined> => {
    const { stdout } = await hook(sessionStart, env);
    return stdout === '' ? undefined : JSON.parse(stdout).systemMessage;
  };

  it('welcomes a person who shares nothing yet, once', async () => {
    const first = await message();
    expect(first).toContain('nothing is shared yet');
    expect(first).toContain('/mcp-proxy add <name> -- <command>');
    expect(first).toContain('/mcp-proxy status');
    expect(await message()).toBeUndefined();
  });

  it('tells what the daemon found, joined, each once, and what belongs to another project not at all', async () => {
    configure();
    const project = join(home, 'p');
    mkdirSync(join(project, '.git', 'x'), { recursive: true });
    const findings = [
      { id: 'a', text: 'A.' },
      { id: 'b', text: 'B.', projectRoot: project },
      { id: 'c', text: 'C.', projectRoot: '/elsewhere' },
      { id: 1, text: 'not a finding' },
    ];
    writeFileSync(join(dataDir(), 'findings.json'), JSON.stringify({ findings }));
    expect(await message({ CLAUDE_PROJECT_DIR: project })).toBe('A.\nB.');
    expect(await message({ CLAUDE_PROJECT_DIR: project })).toBeUndefined();
  });

  it('remembers the last 500 and survives a damaged file', async () => {
    configure();
    const told = join(dataDir(), 'findings-told');
    mkdirSync(told, { mode: 0o700 });
    for (let i = 0; i < 500; i += 1) {
      writeFileSync(join(told, `old-${i}`), '');
      utimesSync(join(told, `old-${i}`), 1_000 + i, 1_000 + i);
    }
    writeFileSync(join(dataDir(), 'findings.json'), JSON.stringify({ findings: [{ id: 'new', text: 'New.' }] }));
    expect(await message()).toBe('New.');
    const left = readdirSync(told);
    expect([left.length, left.includes('old-0'), left.includes('old-1')]).toEqual([500, false, true]);
    expect(await message()).toBeUndefined();
    writeFileSync(join(dataDir(), 'findings.json'), '{"findings":');
    expect(await message()).toBeUndefined();
  });
});
