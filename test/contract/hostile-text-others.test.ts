// Text of others on its way to whoever is no terminal of the CLI: the host's start screen, a model, log files, what is
// written on stderr, a page on how to restore. Breaks when one of them is handed a text as it came.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';
import { AppError } from '../../src/base/errors.ts';
import { isRecord } from '../../src/base/guards.ts';
import { createFileLog } from '../../src/base/log.ts';
import { ConfigHolder } from '../../src/daemon/config-holder.ts';
import { createFindings } from '../../src/daemon/findings.ts';
import { describeFailure } from '../../src/daemon/run.ts';
import { locate } from '../../src/link/locations.ts';
import { appErrorLine, appErrorToolResult, errorLine } from '../../src/mcp/messages.ts';
import { createStderrSink } from '../../src/upstream/process/stderr-sink.ts';
import { exitError } from '../../src/upstream/slot.ts';
import { findHarm, harmful, poison } from '../support/hostile-text.ts';
import { outcomeOf } from '../support/run-cli.ts';

let home: string;
let project: string;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-proxy-text-')));
  project = join(home, 'shop');
  mkdirSync(join(project, '.git'), { recursive: true });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const locations = () => locate({ HOME: home });
const write = (path: string, text: string) => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, text, { mode: 0o600 });
};
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** What the host shows at the start of a session. */
async function startScreen(): Promise<string> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, CLAUDE_PROJECT_DIR: project };
  const child = spawn(process.execPath, [join(root, 'dist', 'hook.cjs')], { cwd: project, env });
  const input = { hook_event_name: 'SessionStart', session_id: 'one', cwd: project, source: 'startup' };
  const { code, stdout, stderr } = await outcomeOf(child, JSON.stringify(input));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const output: unknown = stdout === '' ? {} : JSON.parse(stdout);
  if (!isRecord(output)) throw new Error(stdout);
  return String(output['systemMessage'] ?? '');
}

describe('the start screen of the host', () => {
  beforeEach(() => write(locations().configPath, '{}'));
  const settings = (value: unknown) => write(join(project, '.claude', 'settings.local.json'), JSON.stringify(value));
  const many = Array.from({ length: 5_000 }, (_, i) => `s${i}=o${i}`);

  it.each([
    ['one name with everything in it', [`${poison('tickets')}=tickets`], /not shared here: "tickets\\u001b/],
    ['many names', many, /not shared here: s0, s1, s2, s3, s4 and 251 more\. `\/mcp-proxy migrate repair`/],
    ['wide names', Array(100).fill(`${'日'.repeat(200)}=x`), /and 95 more/],
    ['names of nothing seen', Array(9).fill(`${'\u2028'.repeat(200)}=x`), /and 4 more\. `\/mcp-proxy migrate repair`/],
    ['a name of 200 KB', [`${'n'.repeat(200_000)}=x`, 'a=b'], /not shared here: a\. /],
    ['a name that only spells a line', ['x\nmcp-proxy: all is well=y'], /here: "x\\nmcp-proxy: all is well"\. /],
  ])('says what a repository claims was moved, bounded and in one line: %s', async (_, mcpProxyMoved, expected) => {
    settings({ mcpProxyMoved });
    const message = await startScreen();
    expect(message).toMatch(expected);
    expect(message.split('\n')).toHaveLength(1);
    expect(findHarm(message)).toBeUndefined();
    expect(Buffer.byteLength(message)).toBeLessThan(2_048);
  });

  it.each([
    ['text', 'a=b'],
    ['an object', { a: 'b' }],
    ['lists in lists', [[['a=b']]]],
    ['no marks', ['a', '=b', 'a=', '', 7, null, {}]],
    ['what is too deep', JSON.parse(`${'['.repeat(2_000)}${']'.repeat(2_000)}`)],
  ])('says nothing of marks that are none: %s', async (_, mcpProxyMoved) => {
    settings({ mcpProxyMoved });
    expect(await startScreen()).toBe('');
  });

  it('stays bounded whatever the daemon wrote down, and tells the rest at the next start', async () => {
    const findings = Array.from({ length: 40 }, (_, i) => ({ id: `f${i}`, text: `${i}: ${poison('x'.repeat(900))}` }));
    write(locations().findingsPath, JSON.stringify({ findings }));
    const first = await startScreen();
    const second = await startScreen();
    for (const message of [first, second]) {
      expect(findHarm(message)).toBeUndefined();
      expect(Buffer.byteLength(message)).toBeLessThan(2_048);
    }
    const told = (message: string) => message.split('\n').map((line) => Number.parseInt(line, 10));
    expect([...told(first), ...told(second)]).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('is told by the daemon in few words, however many servers a repository declares', async () => {
    const names = Array.from({ length: 200 }, (_, i) => `server-${i}`);
    const servers = Object.fromEntries(names.map((name) => [name, { command: 'x' }]));
    write(locations().configPath, JSON.stringify({ mcpServers: servers }));
    const hostile = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [poison(`evil-${i}`), { command: 'y' }]));
    write(join(project, '.mcp.json'), JSON.stringify({ mcpServers: { ...servers, ...hostile } }));
    const holder = new ConfigHolder(locations(), { HOME: home }, silent);
    createFindings({ locations: locations(), holder, log: silent }).update(project);
    const message = await startScreen();
    expect(message).toMatch(
      /declares server-0, server-1, server-2, server-3, server-4 and 195 more, which mcp-proxy shares/,
    );
    expect(message).toMatch(/migrate plan$/);
    expect(findHarm(message)).toBeUndefined();
  });
});

describe('a model', () => {
  const error = new AppError({ code: 'SERVER_FAILED', message: poison('It failed.'), hint: poison('See.') });
  const long = new AppError({ code: 'SERVER_FAILED', message: 'm'.repeat(1_000_000), hint: 'Do this.' });
  const died = exitError('notes', { reason: 'exited', code: 1, signal: null }, 'words', true);

  it.each([
    ['a tool result', appErrorToolResult('1', error)],
    ['an error', appErrorLine('1', error)],
    ['an error of the protocol', errorLine('1', -32601, poison('Method not found'))],
  ])('reads of others what they said and nothing unseen: %s', (_, line) => {
    const value: unknown = JSON.parse(line.toString('utf8'));
    const texts: string[] = [];
    JSON.stringify(value, (_key, inner: unknown) => {
      if (typeof inner === 'string') texts.push(inner);
      return inner;
    });
    expect(texts.join('')).toContain('\\u202e');
    for (const text of texts) expect(findHarm(text, { isProse: true })).toBeUndefined();
  });

  it('reads what to do next, however long the rest is', () => {
    for (const line of [appErrorToolResult('1', long), appErrorLine('1', long)]) {
      expect(line.length).toBeLessThan(10_000);
      expect(line.toString('utf8')).toContain('… Do this.');
    }
  });

  it('reads the last words of a server in whole characters', () => {
    expect(died.message).toContain('Its last output: words');
    for (const pad of ['', 'y']) {
      const { message, data } = exitError(
        'notes',
        { reason: 'exited', code: 1, signal: null },
        `${'🔥'.repeat(700)}${pad}`,
        true,
      );
      expect(findHarm(message)).toBeUndefined();
      expect(findHarm(String(data?.['stderr']))).toBeUndefined();
    }
  });
});

describe('files and streams that somebody reads in a terminal', () => {
  it('the log of the daemon: JSON that means the same', () => {
    const path = join(home, 'daemon.log');
    const log = createFileLog({ path, maxBytes: 1_000_000, keep: 0, redact: (text) => text });
    log.warn(poison('event'), { [poison('key')]: poison('value'), error: new Error(poison('cause')) });
    log.close();
    const text = readFileSync(path, 'utf8');
    expect(findHarm(text)).toBeUndefined();
    expect(JSON.parse(text)).toMatchObject({ event: poison('event'), [poison('key')]: poison('value') });
  });

  it('the log of a server, and its last words', () => {
    const written: string[] = [];
    const sink = createStderrSink({
      file: { write: (text) => void written.push(text), close: () => {} },
      redact: (text) => text,
      label: 'x-1',
      now: () => 0,
    });
    sink.write(Buffer.from(poison('words')));
    expect(findHarm(written.join(''), { isProse: true })).toBeUndefined();
    expect(findHarm(sink.tail(), { isProse: true })).toBeUndefined();
  });

  it('the words of a daemon that does not start', () => {
    const text = describeFailure(new Error(poison('It cannot.')));
    expect(findHarm(text)).toBeUndefined();
    expect(text.split('\n')).toHaveLength(2);
  });

  it('the wrapper, which repeats what it was given', async () => {
    const child = spawn(process.execPath, [join(root, 'bin', 'run-mcp-proxy'), `--${harmful.clear}${harmful.bidi}`], {
      env: { PATH: process.env['PATH'] ?? '', HOME: home },
    });
    const { code, stderr } = await outcomeOf(child);
    expect(code).toBe(2);
    expect(stderr).toContain('\\u001b');
    expect(findHarm(stderr)).toBeUndefined();
  });
});

describe('there is one way to write', () => {
  const files = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? files(path) : [path];
    });
  const where = (pattern: RegExp) =>
    files(join(root, 'src'))
      .filter((file) => pattern.test(readFileSync(file, 'utf8')))
      .map((file) => relative(join(root, 'src'), file))
      .sort();

  it('to a terminal', () => {
    expect(where(/process\.std(?:out|err)\b|console\.|writeSync\([12],/)).toEqual([
      // A question whose answer is typed behind it; its text is written out there.
      'cli/confirm.ts',
      // Names the version of Node and nothing else.
      'cli/main.ts',
      ...['daemon/main.ts', 'daemon/run.ts'],
      'hooks/main.ts',
      'wrapper/run.ts',
    ]);
    expect(where(/\bstd(?:out|err)\.write\(/)).toEqual([
      ...['cli/render/terminal.ts', 'daemon/main.ts', 'daemon/run.ts', 'hooks/hook-io.ts'],
      // The log of a server.
      'upstream/slot.ts',
      'wrapper/run.ts',
    ]);
  });

  it('of what is not to be seen', () => {
    expect(where(/\\p\{C[cfo]?\}|\\u202a|\\u202e/)).toEqual(['base/plain-text.ts', 'config/server-name.ts']);
  });
});
