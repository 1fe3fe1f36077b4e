// What the daemon tells about projects. Breaks when one project's files take the findings of all others away, or hold it.
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { ConfigHolder } from '../../../src/daemon/config-holder.ts';
import { createFindings } from '../../../src/daemon/findings.ts';
import { type Locations, locate } from '../../../src/link/locations.ts';
import { HostileFiles, hostileKinds } from '../../support/hostile-files.ts';

let home: string;
let locations: Locations;
let planted: HostileFiles;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'findings-')));
  vi.stubEnv('HOME', home); // the person's own settings are looked for there
  locations = locate({ HOME: home });
  planted = new HostileFiles();
  write(locations.configPath, { mcpServers: { echo: { command: 'echo' } } });
});
afterEach(() => {
  vi.unstubAllEnvs();
  planted.close();
  rmSync(home, { recursive: true, force: true });
});

function write(path: string, content: unknown): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const declaring = { mcpServers: { echo: { command: 'other' } } };
const projectOf = (name: string, mcp: unknown = declaring) => dirname(write(join(home, name, '.mcp.json'), mcp));

function found(...projects: string[]): string[] {
  const holder = new ConfigHolder(locations, { HOME: home }, silentLog);
  const findings = createFindings({ locations, holder, log: silentLog });
  for (const project of projects) findings.update(project);
  const written: { findings: { id: string }[] } = JSON.parse(readFileSync(locations.findingsPath, 'utf8'));
  return written.findings.map(({ id }) => id);
}

const doubled = (project: string) => `doubled:${project}:echo`;

it.each(hostileKinds)('a project whose .mcp.json is %s has none, and the others have theirs', (kind) => {
  const [one, hostile, two] = [projectOf('one'), projectOf('hostile'), projectOf('two')];
  planted.plant(kind, join(hostile, '.mcp.json'), join(one, '.mcp.json'));
  expect(found(one, hostile, two)).toEqual([doubled(one), doubled(two)]);
});

it.each(hostileKinds)('nothing is said of what settings may silence that are not read: %s', (kind) => {
  const project = projectOf('app');
  write(join(project, '.claude', 'settings.local.json'), { disabledMcpjsonServers: ['another'] });
  expect(found(project)).toEqual([doubled(project)]);
  planted.plant(kind, join(project, '.claude', 'settings.local.json'), write(join(home, 'elsewhere.json'), {}));
  expect(found(project)).toEqual([]);
});

it.each([
  ['deeper than can be compared', `{"mcpServers":{"echo":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`],
  ['no JSON', '{"mcpServers"'],
  ['a list', '[]'],
  ['servers that are text', '{"mcpServers":"echo"}'],
  ['larger than what people write', `{"mcpServers":{"echo":{"command":"${'x'.repeat(2 ** 20)}"}}}`],
])('a project whose file is %s takes nothing from the others', (_what, text) => {
  const [other, hostile] = [projectOf('other'), projectOf('hostile', text)];
  const file = join(hostile, '.mcp.json');
  const consent = { name: 'echo', file, path: ['mcpServers', 'echo'], raw: { command: 'x' }, hash: 'h', at: '' };
  write(join(locations.dataDir, 'consents.json'), { version: 1, consents: [consent] });
  expect(found(hostile, other)).toContain(doubled(other));
});

it('a file with a byte order mark is read like any other', () => {
  const project = projectOf('app', `\ufeff${JSON.stringify(declaring)}`);
  expect(found(project)).toEqual([doubled(project)]);
});
