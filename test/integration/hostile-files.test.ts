// A repository whose files are pipes, devices, folders, sockets or without end: one session opened there, or one command
// run there, must cost nobody anything. Each program is killed at a deadline: what blocks in the system never ends itself.
import { execFile } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { root as repository } from '../../scripts/build-defines.ts';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { HostileFiles, type HostileKind, hostileKinds, pipe } from '../support/hostile-files.ts';
import { type McpClient, textOf } from '../support/mcp-client.ts';

/** What blocks in the system would never end. */
const deadlineMs = 60_000;
/** A daemon with two servers takes about 100 MiB. */
const maxMiB = 400;
const secret = 'Zk71secretOfElsewhere';

/** Where each command is one more program to start: the others are told apart by nothing but their name. */
const unlikeKinds = hostileKinds.filter((kind) => !/socket|fills|itself/.test(kind));

let rig: DaemonRig;
let planted: HostileFiles;
let elsewhere: string;
beforeEach(() => {
  rig = new DaemonRig();
  planted = new HostileFiles();
  rig.writeConfig({ echo: fixture('echo.mjs') });
  elsewhere = join(rig.home, 'private.json');
  writeFileSync(elsewhere, `{ "${secret}": tru }`);
});
afterEach(async () => {
  planted.close();
  await rig.dispose();
});

/** Every file of a project that any of the programs reads. */
const projectFiles = [
  '.mcp.json',
  '.claude/settings.json',
  '.claude/settings.local.json',
  '.gitignore',
  '.claude/.gitignore',
  '.git/index',
  '.git/info/exclude',
  '.cursor/mcp.json',
  '.vscode/mcp.json',
  '.codex/config.toml',
  'opencode.json',
  'opencode.jsonc',
  '.pi/mcp.json',
  '.claude/agents/a.md',
  '.claude/commands/a.md',
  '.claude/skills/s/SKILL.md',
];

function hostileProject(kind: HostileKind, files: readonly string[] = projectFiles): string {
  const project = rig.project('hostile');
  for (const file of files) planted.plant(kind, join(project, file), elsewhere);
  return project;
}

type Run = { code: number | string | null; stdout: string; stderr: string };

function run(words: readonly string[], cwd: string, input = ''): Promise<Run> {
  const options = {
    ...{ cwd, timeout: deadlineMs, killSignal: 'SIGKILL' as const, maxBuffer: 16 * 1024 * 1024 },
    env: { ...rig.environment, CLAUDE_PROJECT_DIR: cwd },
  };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [...words], options, (error, stdout, stderr) =>
      resolve({ code: error ? (error.killed ? 'killed' : (error.code ?? null)) : 0, stdout, stderr }),
    );
    child.stdin?.on('error', () => {}); // it ended without reading
    child.stdin?.end(input);
  });
}

function hook(cwd: string): Promise<Run> {
  const event = { hook_event_name: 'SessionStart', session_id: 's', cwd, source: 'startup' };
  return run([join(repository, 'dist', 'hook.cjs')], cwd, JSON.stringify(event));
}

const cli = (cwd: string, ...words: string[]) => run([join(repository, 'bin', 'mcp-proxy'), ...words], cwd);

/** The most that the process ever had in memory. */
function peakMiB(pid: number): number {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Number(kib) / 1024;
}

/** Opens a session and resolves when the daemon has looked at the files of its project, if it comes back from them. */
async function openAndLook(project: string): Promise<McpClient> {
  const session = await rig.open({ project });
  // One of them may be what a test has put there.
  const isRecord = (path: string) => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    return stat?.isFile() === true && stat.size < 100_000;
  };
  const isRecorded = () =>
    rig
      .records()
      .map((name) => join(rig.locations.recordsDir, name))
      .some((path) => isRecord(path) && readFileSync(path, 'utf8').includes(`"${project}"`));
  // Written in the same turn, just before.
  await eventually(isRecorded, { what: 'the record of the session' });
  expect(textOf(await session.call('echo__echo', { text: 'here' }, deadlineMs))).toBe('here');
  return session;
}

it.each(hostileKinds)('a session in a project whose files are each %s stops nobody', async (kind) => {
  const first = await rig.open();
  const project = hostileProject(kind);
  await openAndLook(project);
  expect(textOf(await first.call('echo__echo', { text: 'goes on' }, deadlineMs))).toBe('goes on');
  const ordinary = rig.project('ordinary');
  writeFileSync(join(ordinary, '.mcp.json'), JSON.stringify({ mcpServers: { echo: { command: 'x' } } }));
  await openAndLook(ordinary);
  const findings = readFileSync(rig.locations.findingsPath, 'utf8');
  expect(findings).toContain(`doubled:${ordinary}`);
  expect(findings).not.toContain(secret);
  const [daemon = 0] = rig.daemons();
  expect(peakMiB(daemon)).toBeLessThan(maxMiB);
});

it.each(unlikeKinds)("the person's own settings as %s stop neither daemon nor commands", async (kind) => {
  for (const file of ['.claude/settings.json', '.claude.json', '.config/git/ignore', '.cursor/mcp.json'])
    planted.plant(kind, join(rig.home, file), elsewhere);
  const ordinary = rig.project('ordinary');
  writeFileSync(join(ordinary, '.mcp.json'), JSON.stringify({ mcpServers: { echo: { command: 'x' } } }));
  await openAndLook(ordinary);
  await expectEnds(ordinary, ['doctor', 'migrate plan', 'accept', 'connect cursor', 'disconnect cursor']);
});

/** Folders that a repository brings as something else. */
const strangeFolders: [string, (project: string) => void][] = [
  ['.claude is a link to the root of the disk', (project) => symlinkSync('/', join(project, '.claude'))],
  ['.claude is a link to /dev', (project) => symlinkSync('/dev', join(project, '.claude'))],
  ['.claude is a pipe', (project) => pipe(join(project, '.claude'))],
  ['.git is a pipe', (project) => planted.plant('a pipe', join(project, '.git'), '')],
  ['.git is a link to /dev/zero', (project) => planted.plant('a link to /dev/zero', join(project, '.git'), '')],
  ['.git leads to a folder of pipes', (project) => leadTo(project, 'a pipe')],
  ['.git leads to a folder of devices', (project) => leadTo(project, 'a link to /dev/zero')],
  ['.serena is a pipe', (project) => pipe(join(project, '.serena'))],
  [
    'skills are a link to the root of the disk',
    (project) => {
      mkdirSync(join(project, '.claude'));
      for (const kind of ['agents', 'commands', 'skills']) symlinkSync('/', join(project, '.claude', kind));
    },
  ],
];

function leadTo(project: string, kind: HostileKind): void {
  const target = join(project, 'git');
  mkdirSync(target);
  writeFileSync(join(target, 'HEAD'), 'ref: refs/heads/main\n');
  for (const file of ['commondir', 'index', 'info/exclude']) planted.plant(kind, join(target, file), '');
  rmSync(join(project, '.git'), { recursive: true });
  writeFileSync(join(project, '.git'), 'gitdir: git\n');
}

it.each(strangeFolders)('%s: session, hook and commands end', async (_what, make) => {
  // What moves is what rules are looked for.
  const moving = { command: process.execPath, args: ['-e', '0'] };
  const project = rig.project('hostile');
  writeFileSync(
    join(rig.home, '.claude.json'),
    JSON.stringify({ mcpServers: { moving }, projects: { [project]: {} } }),
  );
  mkdirSync(join(rig.home, '.claude'));
  writeFileSync(
    join(rig.home, '.claude', 'settings.json'),
    JSON.stringify({ enabledPlugins: { 'mcp-proxy@aitkit': true } }),
  );
  make(project);
  await openAndLook(project);
  expect((await hook(project)).code).toBe(0);
  await expectEnds(project, ['doctor', 'migrate plan', 'accept']);
});

it.each(
  unlikeKinds,
)('our own config that becomes %s leaves the daemon as it is, and nothing is written over it', async (kind) => {
  const session = await rig.open();
  planted.plant(kind, rig.configPath, elsewhere);
  const isTold = (text: string) => text.includes(rig.configPath) || text.includes('CONFIG');
  if (kind !== 'a link out of the project') {
    await rig.statusUntil(({ config }) => config.error !== undefined, 'the error of the config', deadlineMs);
    for (const words of [
      ['add', 'x', '--', 'y'],
      ['remove', 'echo'],
      ['disable', 'echo'],
    ]) {
      const { code, stdout, stderr } = await cli(rig.home, ...words);
      expect(code, words.join(' ')).toBe(1);
      expect(isTold(oneLine(stdout + stderr).replaceAll(' ', '')), stdout + stderr).toBe(true);
    }
  }
  await expectEnds(rig.home, ['status', 'list', 'doctor', 'explain echo', 'migrate plan']);
  expect(lstatSync(rig.configPath).isFile()).toBe(kind === 'a sparse file of 1 GiB');
  expect(textOf(await session.call('echo__echo', { text: 'goes on' }, deadlineMs))).toBe('goes on');
});

it.each(unlikeKinds)('what lies in our own folders as %s holds neither a start nor a command', async (kind) => {
  const { dataDir, runRoot, recordsDir, backupsDir, serverLogsDir, ...files } = rig.locations;
  for (const path of [
    ...[files.envFilePath, files.findingsPath, join(dataDir, 'consents.json'), join(dataDir, 'hazards.json')],
    ...[files.logPath, join(serverLogsDir, 'echo.log'), join(recordsDir, '4'), join(backupsDir, 'x', 'manifest.json')],
    ...[join(files.facesDir, 'x.json'), files.handOverPath, files.journalPath],
    // `doctor` moves a folder away that stands in the place of the pid file.
    ...(kind === 'a folder' ? [] : [files.pidPath]),
  ])
    planted.plant(kind, path, elsewhere);
  for (const path of [runRoot, recordsDir]) chmodSync(path, 0o700);
  const project = rig.project('ordinary');
  await rig.open({ project });
  await openAndLook(project);
  expect((await hook(project)).code).toBe(0);
  await expectEnds(project, ['status', 'doctor', 'logs', 'logs echo', 'migrate history', 'accept']);
  if (kind === 'a folder') rmSync(files.journalPath, { recursive: true });
});

it.each(hostileKinds)('the hook ends in such a project with what it has to say: %s', async (kind) => {
  const project = hostileProject(kind);
  mkdirSync(rig.locations.dataDir, { recursive: true, mode: 0o700 });
  const findings = [{ id: 'f', text: 'What there is to say.' }];
  writeFileSync(rig.locations.findingsPath, JSON.stringify({ findings }));
  const { code, stdout } = await hook(project);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ systemMessage: 'What there is to say.' });
  // A killed one would have written none.
  expect(readdirSync(rig.locations.recordsDir)).toEqual([String(process.pid)]);
});

/** How each kind is named to the person. */
const words: Record<HostileKind, RegExp> = {
  'a link to /dev/zero': /is a link that leads out of/,
  'a pipe': /is a pipe, not a regular file/,
  'a pipe that somebody fills': /is a pipe, not a regular file/,
  'a folder': /is a folder, not a regular file/,
  'a socket': /is a socket, not a regular file/,
  'a sparse file of 1 GiB': /is larger than 4 MiB/,
  'a link to itself': /cannot be read \(ELOOP\)/,
  'a link out of the project': /is a link that leads out of/,
};

it.each(hostileKinds)('every command ends in such a project and says what it did not read: %s', async (kind) => {
  const project = hostileProject(kind);
  const commands = [
    'status',
    'explain echo',
    'doctor',
    'migrate plan',
    'migrate plan --json',
    'accept',
    'migrate repair',
  ];
  const said = await expectEnds(project, commands);
  for (const command of ['doctor', 'migrate plan', 'accept']) {
    const files = command === 'accept' ? ['.mcp.json'] : ['.mcp.json', 'settings.local.json', '.codex/config.toml'];
    for (const file of files) expect(said[command], command).toMatch(new RegExp(`${file} ${words[kind].source}`));
  }
});

/** What each of them printed, as if the screen were wide. */
async function expectEnds(cwd: string, commands: readonly string[]): Promise<Record<string, string>> {
  const said: Record<string, string> = {};
  for (const command of commands) {
    const { code, stdout, stderr } = await cli(cwd, ...command.split(' '));
    expect([0, 1], `${command}: ${code} ${stdout}${stderr}`).toContain(code);
    expect(stdout + stderr).not.toContain(secret);
    said[command] = oneLine(stdout);
  }
  return said;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}
