// The demo's own world: a folder with a root, a config and two projects. Nothing outside it is read or written.
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../../base/errors.ts';
import { cacheDir } from '../../config/cache-dir.ts';
import { baselineEnv } from '../../link/baseline-env.ts';
import { type Environment, type Locations, locate } from '../../link/locations.ts';

export type Scratch = {
  folder: string;
  projects: { shop: string; blog: string };
  env: Record<string, string>;
  locations: Locations;
  wrapperPath: string;
  /** Arguments to node for the two example servers; `project` is a folder or `${PROJECT_ROOT}`. */
  notesArgs: (file: string) => string[];
  filesArgs: (project: string) => string[];
  /** Writes the config whole. */
  writeConfig: (servers: Record<string, unknown>) => void;
  remove: () => void;
};

/** A daemon that an interrupted demo did not get to know ends by itself after this. */
const daemon = { idleExitMs: 3_000 };

export function createScratch(env: Environment, installRoot: string): Scratch {
  const [notes = '', files = '', wrapperPath = ''] = [
    join(installRoot, 'examples', 'servers', 'notes.mjs'),
    join(installRoot, 'examples', 'servers', 'project-files.mjs'),
    join(installRoot, 'bin', 'run-mcp-proxy'),
  ].map(ensureThere);
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-proxy-demo-')));
  const projects = { shop: join(folder, 'shop'), blog: join(folder, 'blog') };
  for (const [name, project] of Object.entries(projects)) {
    // .git makes the folder a project of its own, even if the temporary folder lies in one.
    mkdirSync(join(project, '.git'), { recursive: true });
    writeFileSync(join(project, 'README.md'), `# ${name}\n`);
  }
  const scratchEnv = {
    ...baselineEnv(env),
    AITKIT_ROOT: join(folder, 'aitkit'),
    MCPPROXY_PORT: 'off',
    XDG_CACHE_HOME: join(folder, 'cache'),
  };
  // It slows every start of Node by about 45 ms, on both sides of the comparison.
  Reflect.deleteProperty(scratchEnv, 'NODE_EXTRA_CA_CERTS');
  const locations = locate(scratchEnv);
  mkdirSync(locations.dataDir, { recursive: true, mode: 0o700 });
  return {
    folder,
    projects,
    env: scratchEnv,
    locations,
    wrapperPath,
    notesArgs: (file) => [notes, '--file', join(folder, file)],
    filesArgs: (project) => [files, project],
    writeConfig: (mcpServers) =>
      writeFileSync(locations.configPath, `${JSON.stringify({ mcpServers, daemon }, null, 2)}\n`, { mode: 0o600 }),
    remove: () => {
      for (const path of [folder, cacheDir(locations)]) rmSync(path, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function ensureThere(path: string): string {
  if (existsSync(path)) return path;
  throw new AppError({
    code: 'DEMO_FAILED',
    message: `The demo needs ${path}, which is not there.`,
    hint: 'Run it from the installed plugin: /mcp-proxy demo',
  });
}
