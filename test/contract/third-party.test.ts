// Whoever installs the plugin gets the licences of all that it carries: the list is compared with what the bundles say.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { root } from '../../scripts/build-defines.ts';
import { filesUnder } from '../../scripts/files-under.ts';

const notices = readFileSync(join(root, 'dist', 'THIRD-PARTY.txt'), 'utf8');
const manifest = z.object({ name: z.string(), version: z.string(), license: z.string() });

/** esbuild writes the path of each module above it, also in the text of the thread, where lines end with an escape. */
function bundledPackages(): string[] {
  const bundles = ['bin', 'dist'].flatMap((folder) => filesUnder(join(root, folder)));
  const texts = bundles.filter((path) => !/\.(?:br|txt|json)$/.test(path)).map((path) => readFileSync(path, 'utf8'));
  const modules = texts.flatMap((text) => [...text.matchAll(/(?:^|\\n)\s*\/\/ (\S*\bnode_modules\/[^\s\\]+)/gm)]);
  const folders = modules.map(([, path = '']) => /^.*\bnode_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? path);
  // Not a module, but the data that dist/o200k.br is made of.
  return [...new Set([...folders, 'node_modules/gpt-tokenizer'])];
}

describe('the notices of third parties', () => {
  const folders = bundledPackages();

  it('name every package that is in a bundle, and no other', () => {
    const titles = folders.map((folder) => {
      const { name, version, license } = manifest.parse(
        JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')),
      );
      return `${name} ${version} (${license})`;
    });
    expect(titles.length).toBeGreaterThan(30);
    const [list = '', ...texts] = notices.split(/^-{80}$/m);
    const listed = [...list.matchAll(/^- (.+)$/gm)].map(([, title]) => title);
    expect(listed.sort()).toEqual([...titles].sort());
    for (const title of titles) expect(texts.join('').split('\n'), title).toContain(title);
  });

  it('repeat the copyright lines of each', () => {
    const lines = folders.flatMap((folder) => {
      const file = readdirSync(join(root, folder)).find((name) => /^licen[cs]e/i.test(name));
      const text = file === undefined ? '' : readFileSync(join(root, folder, file), 'utf8');
      return text.split(/\r?\n/).filter((line) => /^\s*copyright (?:\(c\)|©|\d{4})/i.test(line));
    });
    expect(lines.length).toBeGreaterThan(30);
    expect(lines.filter((line) => !notices.includes(line.trim()))).toEqual([]);
  });
});
