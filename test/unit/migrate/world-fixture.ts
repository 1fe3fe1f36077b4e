// A scratch home with client files, and a plan over it.
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { locate } from '../../../src/link/locations.ts';
import { makePlan } from '../../../src/migrate/plan/make-plan.ts';
import { defaultPlanOptions, type Plan, type PlanOptions } from '../../../src/migrate/plan/plan-model.ts';
import type { FindCopies } from '../../../src/migrate/plan/running-copies.ts';
import { collectSources } from '../../../src/migrate/programs/collect-sources.ts';
import { createWorld, type World } from '../../../src/migrate/world.ts';

export type Fixture = {
  home: string;
  world: World;
  write: (path: string, content: unknown) => string;
  writeBytes: (path: string, bytes: Uint8Array) => void;
  read: (path: string) => string;
  json: (path: string) => unknown;
  has: (path: string) => boolean;
  /** Bytes and modes of all files below the home, without our own folder. */
  snapshot: () => Record<string, string>;
  repo: (name: string) => string;
  git: (folder: string, ...args: string[]) => string;
  plan: (options?: Partial<PlanOptions>, projects?: string[], findCopies?: FindCopies) => Plan;
  remove: () => void;
};

export const pluginOn = { enabledPlugins: { 'mcp-proxy@aitkit': true } };

export function createFixture(extraEnv: Record<string, string> = {}): Fixture {
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-migrate-')));
  const env = { HOME: home, PATH: process.env['PATH'] ?? '', ...extraEnv };
  const world = createWorld({
    ...{ env, home, platform: 'linux' as const, cwd: home },
    locations: locate(env),
    managedDir: join(home, 'managed'),
  });
  const at = (path: string) => (path.startsWith('/') ? path : join(home, path));
  const write = (path: string, content: unknown) => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), typeof content === 'string' ? content : `${JSON.stringify(content, undefined, 2)}\n`);
    return at(path);
  };
  const git = (folder: string, ...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: folder, encoding: 'utf8', env });
  return {
    home,
    world,
    write,
    writeBytes: (path, bytes) => writeFileSync(at(path), bytes),
    read: (path) => readFileSync(at(path), 'utf8'),
    json: (path) => JSON.parse(readFileSync(at(path), 'utf8')),
    has: (path) => existsSync(at(path)),
    snapshot: () => snapshotOf(home, ''),
    repo: (name) => {
      mkdirSync(at(name), { recursive: true });
      git(at(name), 'init', '-q');
      return at(name);
    },
    git,
    plan: (options = {}, projects = [], findCopies = () => undefined) =>
      makePlan({
        world,
        sources: collectSources(world, projects.map(at)),
        findCopies,
        options: { ...defaultPlanOptions, ...options },
        now: new Date('2026-11-21T03:00:00Z'),
      }),
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}

function snapshotOf(home: string, below: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const entry of readdirSync(join(home, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    if (path === '.aitkit') continue;
    if (entry.isDirectory()) Object.assign(files, { [`${path}/`]: '' }, snapshotOf(home, path));
    else {
      const mode = (statSync(join(home, path)).mode & 0o777).toString(8);
      files[path] = `${mode} ${readFileSync(join(home, path)).toString('base64')}`;
    }
  }
  return files;
}
