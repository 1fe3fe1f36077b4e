// The examples are what they say: configs load without a warning, client entries are what `connect` writes.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { root } from '../../../scripts/build-defines.ts';
import { isRecord } from '../../../src/base/guards.ts';
import { parseConfig } from '../../../src/config/load.ts';
import { decideSharing } from '../../../src/config/sharing.ts';
import { locate } from '../../../src/link/locations.ts';
import { hostIds } from '../../../src/migrate/programs/hosts.ts';
import { wrapperCommand, wrapperEntryFor } from '../../../src/migrate/programs/wrapper-entry.ts';
import { createWorld } from '../../../src/migrate/world.ts';

const configs = join(root, 'examples', 'configs');
const clients = join(root, 'examples', 'clients');

const load = (file: string) => {
  const result = parseConfig({ file, text: readFileSync(join(configs, file), 'utf8'), env: { HOME: '/home/you' } });
  if (!result.ok) throw new Error(result.problem.message);
  return result;
};

describe('example configs', () => {
  it.each(readdirSync(configs))('%s loads without a warning', (file) => {
    const { warnings, invalid } = load(file);
    expect({ warnings, invalid }).toEqual({ warnings: [], invalid: [] });
  });

  it('share as their comments say', () => {
    const decisions = readdirSync(configs).flatMap((file) =>
      load(file).config.servers.map((entry) => [entry.name, decideSharing(entry).sharing] as const),
    );
    expect(Object.fromEntries(decisions)).toEqual({
      memory: 'shared',
      time: 'shared',
      files: 'project',
      browser: 'session',
      tickets: 'shared',
      serena: 'project',
      github: 'shared',
      context7: 'shared',
      cloud: 'shared',
      database: 'shared',
      old: 'project',
    });
  });
});

describe('example client entries', () => {
  const env = { HOME: '/home/you' };
  const world = createWorld({ env, home: '/home/you', cwd: '/home/you', locations: locate(env), platform: 'linux' });

  it('exist for every program that can be connected', () => {
    const names = readdirSync(clients).map((file) => file.replace(/\.\w+$/, ''));
    expect(names.sort()).toEqual([...hostIds].sort());
  });

  it.each(hostIds)('of %s is what connect writes', (host) => {
    const isToml = host === 'codex';
    const text = readFileSync(join(clients, `${host}.${isToml ? 'toml' : 'json'}`), 'utf8');
    const document: unknown = isToml ? parseToml(text) : JSON.parse(text);
    const [container] = Object.values(isRecord(document) ? document : {});
    const expected = isToml ? wrapperCommand(world) : wrapperEntryFor(world, host);
    expect(container).toEqual({ 'mcp-proxy': expected });
  });
});
