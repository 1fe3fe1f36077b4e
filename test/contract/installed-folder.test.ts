// What a client installs is plugin/: small, made of copies, complete with what its documents point to.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';
import { relativeLinks } from '../../scripts/document-links.ts';
import { filesUnder } from '../../scripts/files-under.ts';

const limitBytes = 5_000_000;
const installed = join(root, 'plugin');
const inside = (folder: string) => filesUnder(folder).map((path) => relative(folder, path).split(sep).join('/'));
const tracked = (...args: string[]) =>
  execFileSync('git', ['ls-files', '-z', ...args], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter(Boolean);

it('has no link in the whole repository: not every system makes them, and no validation follows them', () => {
  const entries = tracked('--stage');
  expect(entries.length).toBeGreaterThan(900);
  expect(entries.filter((entry) => entry.startsWith('120000'))).toEqual([]);
});

describe('the installed folder', () => {
  const files = inside(installed);

  it('holds each file as it stands in the repository, with its mode', () => {
    const mode = (path: string) => statSync(path).mode & 0o111;
    const different = files.filter(
      (file) =>
        !readFileSync(join(installed, file)).equals(readFileSync(join(root, file))) ||
        mode(join(installed, file)) !== mode(join(root, file)),
    );
    expect(different).toEqual([]);
    // What git gives to a clone is the mode that it recorded.
    const executable = tracked('--stage', '--', 'plugin/bin').filter((entry) => entry.startsWith('100755'));
    expect(executable.map((entry) => entry.split('\t')[1])).toEqual([
      'plugin/bin/mcp-proxy',
      'plugin/bin/run-mcp-proxy',
    ]);
  });

  it('holds what runs, what a client reads and what a user tries', () => {
    const shared = ['bin', 'dist', 'examples', 'hooks', 'skills'].flatMap((folder) =>
      inside(join(root, folder)).map((file) => `${folder}/${file}`),
    );
    expect(shared.length).toBeGreaterThan(20);
    const single = ['.claude-plugin/icon.png', '.claude-plugin/plugin.json', 'LICENSE', 'README.md'];
    expect(files).toEqual(expect.arrayContaining([...shared, ...single]));
  });

  it('holds no source, no test and no package', () => {
    const names = readdirSync(installed);
    for (const name of ['src', 'test', 'scripts', 'node_modules', 'package.json', 'package-lock.json']) {
      expect(names).not.toContain(name);
    }
  });

  it('stays below five megabytes', () => {
    const bytes = files.reduce((sum, file) => sum + statSync(join(installed, file)).size, 0);
    expect(bytes).toBeGreaterThan(1_000_000);
    expect(bytes).toBeLessThan(limitBytes);
  });
});

describe.each([
  ['the repository', root, ['README.md', 'CONTRIBUTING.md']],
  ['the installed folder', installed, inside(installed).filter((file) => file.endsWith('.md'))],
])('the documents of %s', (_place, base, documents) => {
  it('link to what is there', () => {
    const links = documents.flatMap((document) =>
      relativeLinks(readFileSync(join(base, document), 'utf8')).map((link) => ({
        document,
        target: relative(base, join(base, dirname(document), link)),
      })),
    );
    expect(links.filter(({ document }) => document === 'README.md').length).toBeGreaterThan(4);
    const broken = links.filter(({ target }) => target.startsWith('..') || !existsSync(join(base, target)));
    expect(broken).toEqual([]);
  });
});

it('marks what the build writes as generated, so that no review shows it', () => {
  const paths = ['bin/mcp-proxy', 'dist/daemon-program.cjs', 'plugin/dist/wrapper.cjs', 'plugin/README.md'];
  const attributes = ['diff', 'linguist-generated'];
  const output = execFileSync('git', ['check-attr', ...attributes, '--', ...paths], { cwd: root, encoding: 'utf8' });
  const expected = paths.flatMap((path) => [`${path}: diff: unset`, `${path}: linguist-generated: set`]);
  expect(output.trim().split('\n')).toEqual(expected);
});
