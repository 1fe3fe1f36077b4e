import { mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { programChangedAt } from '../../../src/catalog/program-age.ts';

it('is when a file that the command line names was put there, whatever times it was given', () => {
  const cwd = mkdtempSync(join(tmpdir(), 'aitkit-age-'));
  try {
    const script = join(cwd, 'server.mjs');
    writeFileSync(script, '');
    utimesSync(script, 1, 1);
    mkdirSync(join(cwd, 'folder.d'));
    const { ctimeMs } = statSync(script);
    const of = (command: string, ...args: string[]) => programChangedAt({ command, args, cwd });
    expect([of('node', script), of('node', 'server.mjs'), of('./server.mjs'), of('x', '--flag=1', script)]).toEqual([
      ctimeMs,
      ctimeMs,
      ctimeMs,
      ctimeMs,
    ]);
    writeFileSync(join(cwd, 'data.db'), '');
    writeFileSync(join(cwd, 'notes.md'), '');
    const none = [
      of('node', 'data.db'),
      of('x', '--file', join(cwd, 'notes.md')),
      of('server.mjs'),
      of('npx', '-y', '@scope/name@1.2'),
      of('x', 'folder.d'),
      of('x', 'a.b\0c'),
      of('x', `${'a/'.repeat(9_000)}`),
    ];
    expect(none).toEqual(none.map(() => undefined));
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
});
