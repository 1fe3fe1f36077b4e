// Breaks when a script that was added by a path from here is looked for in another session's folder, or when a word that
// means each session's own folder is fixed to this one.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { pinProgram } from '../../../src/cli/pinned-program.ts';

const here = realpathSync(mkdtempSync(join(tmpdir(), 'pinned-')));
mkdirSync(join(here, 'tools'));
for (const name of ['tools/s.mjs', '.env']) writeFileSync(join(here, name), '');
afterAll(() => rmSync(here, { recursive: true }));

describe('pinProgram', () => {
  it.each([
    ['node ./tools/s.mjs', `node ${here}/tools/s.mjs`],
    ['node --enable-source-maps tools/s.mjs .', `node --enable-source-maps ${here}/tools/s.mjs .`],
    ['/usr/bin/python3 ./tools/s.mjs', `/usr/bin/python3 ${here}/tools/s.mjs`],
    ['node --import ./setup.mjs ./tools/s.mjs', `node --import ./setup.mjs ${here}/tools/s.mjs`],
    ['./tools/s.mjs --data .', `${here}/tools/s.mjs --data .`],
    ['bun run ./tools/s.mjs', `bun run ${here}/tools/s.mjs`],
  ])('writes the program of `%s` in full', (line, becomes) => {
    const { target, note } = pinProgram(line.split(' '), here);
    expect(target.join(' ')).toBe(becomes);
    expect(note).toContain(`${here}/tools/s.mjs`);
  });

  it.each([
    'npx -y @modelcontextprotocol/server-filesystem .',
    'npx -y some-server ./tools/s.mjs',
    'node --env-file=./.env /opt/s.mjs',
    'python -m my.module ./tools/s.mjs',
    'node ${PROJECT_ROOT}/tools/s.mjs',
    'https://example.com/mcp',
    'docker run org/image',
  ])('leaves `%s` as it is', (line) => {
    expect(pinProgram(line.split(' '), here)).toEqual({ target: line.split(' ') });
  });

  it('says that a program is not there', () => {
    const { target, note } = pinProgram(['node', './gone.mjs'], here);
    expect(target).toEqual(['node', './gone.mjs']);
    expect(note).toContain(`There is no file ${join(here, 'gone.mjs')}`);
  });
});
