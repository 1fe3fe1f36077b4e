// Who may import whom. Breaks when a folder reaches for one it must not know, or when the thin side gets a package.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';

type Wall = { folders: string[]; packages: string[] };
const all = ['base', 'link', 'mcp', 'config', 'sessions', 'upstream', 'catalog', 'tools', 'router'];
const walls: Record<string, Wall> = {
  base: { folders: [], packages: [] },
  link: { folders: ['base'], packages: [] },
  'daemon-client': { folders: ['base', 'link'], packages: [] },
  wrapper: { folders: ['base', 'link', 'daemon-client'], packages: [] },
  hooks: { folders: ['base', 'link', 'daemon-client'], packages: [] },
  mcp: { folders: ['base'], packages: [] },
  config: { folders: ['base', 'link'], packages: ['zod', 'env-paths', 'jsonc-parser'] },
  sessions: { folders: ['base', 'link', 'mcp'], packages: ['zod'] },
  upstream: { folders: ['base', 'link', 'mcp', 'config'], packages: ['@modelcontextprotocol/sdk', 'execa', 'ws'] },
  catalog: { folders: ['base', 'link', 'mcp', 'config', 'upstream'], packages: ['@modelcontextprotocol/sdk'] },
  tools: {
    folders: ['base', 'mcp', 'config', 'catalog'],
    packages: ['minisearch', 'ajv', 'zod', '@modelcontextprotocol/sdk'],
  },
  migrate: { folders: ['base', 'link', 'config'], packages: ['zod', 'jsonc-parser', 'smol-toml'] },
  router: { folders: ['base', 'link', 'mcp', 'config', 'sessions', 'upstream', 'catalog', 'tools'], packages: ['zod'] },
  daemon: { folders: all, packages: ['@modelcontextprotocol/sdk', 'zod'] },
  cli: { folders: ['base', 'link', 'daemon-client', 'config', 'migrate'], packages: [] },
};

type Import = { file: string; specifier: string };

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? sources(path) : entry.name.endsWith('.ts') ? [path] : [];
  });
}

function imports(): Import[] {
  return sources(join(root, 'src')).flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    const found = text.matchAll(/(?:^(?:import|export)\b[^'"`;]*?\bfrom|^import|\b(?:import|require)\()\s*'([^']+)'/gm);
    return [...found].map((match) => ({ file: relative(join(root, 'src'), file), specifier: match[1] ?? '' }));
  });
}

const folderOf = (path: string): string => path.split('/')[0] ?? '';

describe('import walls', () => {
  const found = imports().filter(({ specifier }) => !specifier.startsWith('node:'));

  it('reads the sources', () => {
    expect(found.length).toBeGreaterThan(100);
  });

  it('keeps every folder to the folders it may know', () => {
    const broken = found
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ file, specifier }) => ({ file, target: relative('/', resolve('/', dirname(file), specifier)) }))
      .filter(({ file, target }) => folderOf(file) !== folderOf(target))
      .filter(({ file, target }) => !walls[folderOf(file)]?.folders.includes(folderOf(target)));
    expect(broken.map(({ file, target }) => `${file} -> ${target}`)).toEqual([]);
  });

  it('keeps every folder to the packages it may load', () => {
    const broken = found
      .filter(({ specifier }) => !specifier.startsWith('.'))
      .filter(({ file, specifier }) => {
        const name = specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/');
        return !walls[folderOf(file)]?.packages.includes(name);
      });
    expect(broken.map(({ file, specifier }) => `${file} -> ${specifier}`)).toEqual([]);
  });

  it('has no cycles between folders', () => {
    const reach = (from: string, seen: Set<string>): Set<string> => {
      for (const next of walls[from]?.folders ?? []) if (!seen.has(next)) reach(next, seen.add(next));
      return seen;
    };
    expect(Object.keys(walls).filter((folder) => reach(folder, new Set()).has(folder))).toEqual([]);
  });

  it('names no file after nothing in particular', () => {
    const vague = /^(?:utils?|helpers?|common|misc|types|index)\.ts$/;
    expect(sources(join(root, 'src')).filter((file) => vague.test(file.split('/').at(-1) ?? ''))).toEqual([]);
  });

  it('calls process.exit only in the entries', () => {
    const exits = sources(join(root, 'src')).filter((file) => /\bprocess\.exit\(/.test(readFileSync(file, 'utf8')));
    expect(exits.map((file) => relative(root, file)).filter((file) => !file.endsWith('/main.ts'))).toEqual([]);
  });
});
