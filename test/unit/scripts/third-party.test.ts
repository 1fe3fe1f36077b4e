import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packageOf, thirdPartyNotices } from '../../../scripts/third-party.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-proxy-notices-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function packageWith(name: string, license: string, files: Record<string, string>): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, 'package.json'), JSON.stringify({ name, version: '1.0.0', license }));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
  return path;
}

it('repeats each text once, with what was beside it, and line ends of ours', () => {
  const notices = thirdPartyNotices([
    packageWith('b', 'MIT', { license: 'Copyright B\r\nMay be used.\r\n' }),
    packageWith('a', 'MIT', { 'LICENSE.md': 'Copyright B\nMay be used.\n' }),
    packageWith('c', 'Apache-2.0', { LICENSE: 'Apache', NOTICE: 'By C.' }),
  ]);
  expect(notices).toContain('- a 1.0.0 (MIT)\n- b 1.0.0 (MIT)\n- c 1.0.0 (Apache-2.0)\n');
  expect(notices).toContain('\n\na 1.0.0 (MIT)\nb 1.0.0 (MIT)\n\nCopyright B\nMay be used.\n');
  expect(notices).toContain('\n\nc 1.0.0 (Apache-2.0)\n\nApache\n\nBy C.\n');
  expect(notices.match(/Copyright B/g)).toHaveLength(1);
});

it('makes up no text for a package without a licence file', () => {
  const notices = thirdPartyNotices([packageWith('bare', 'ISC', { 'README.md': 'Copyright me' })]);
  expect(notices).toContain(
    'bare 1.0.0 (ISC)\n\nThe package has no licence file. Its package.json says: ISC (SPDX).\n',
  );
  expect(notices).not.toContain('Copyright me');
});

it('knows the package of a module: the innermost, with its scope, and none for our own', () => {
  expect(packageOf('node_modules/a/node_modules/@s/b/lib/c.js')).toBe('node_modules/a/node_modules/@s/b');
  expect(packageOf('src/base/log.ts')).toBeUndefined();
});
