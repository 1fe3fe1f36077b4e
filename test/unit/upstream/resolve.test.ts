// Breaks when two sessions share a copy that gives one of them more than its own folder, or do not share one that does not.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkServer } from '../../../src/config/server-entry.ts';
import { createKeyMaker } from '../../../src/upstream/instance-key.ts';
import { resolveCopy } from '../../../src/upstream/resolve.ts';

const makeKey = createKeyMaker('0'.repeat(32));
function resolved(definition: Record<string, unknown>, folder: string, lifeId = folder) {
  const { entry, errors } = checkServer('srv', definition, '/home/me');
  if (!entry) throw new Error(JSON.stringify(errors));
  const asker = { id: lifeId, lifeId, folder, projectRoot: folder && '/r', values: {}, baseline: {} };
  const found = resolveCopy(entry, asker, { makeKey, workDir: '/work', knownServers: [], demoted: () => undefined });
  if (!found.ok) throw new Error(found.error.message);
  return found;
}
const folders = ['/r', '/r/packages/web', '/r/packages/api'] as const;
const serena = { command: 'serena', args: ['start-mcp-server', '--project', '${PROJECT_ROOT}'] };

describe('resolveCopy', () => {
  it('gives the folders of a project one copy of a server that works on all of it', () => {
    const copies = folders.map((folder) => resolved(serena, folder));
    expect(new Set(copies.map(({ instanceKey }) => instanceKey)).size).toBe(1);
    expect(copies.map(({ cwd, folder, spansFolders }) => [cwd, folder, spansFolders])).toEqual(
      folders.map(() => ['/r', '/r', true]),
    );
  });

  it('keeps a copy of one session in the folder of that session', () => {
    const [own] = [resolved({ ...serena, sharing: 'session' }, '/r/packages/web')];
    expect([own.cwd, own.folder, own.spansFolders]).toEqual(['/r/packages/web', undefined, undefined]);
  });

  it('starts in a folder that was chosen by a word', () => {
    const at = (definition: object) => resolved({ command: 'x', ...definition }, '/r/packages/web');
    expect(at({ cwd: 'session' }).cwd).toBe('/r/packages/web');
    expect(at({ cwd: 'project' })).toMatchObject({ cwd: '/r', folder: '/r', sharing: 'project', spansFolders: true });
    expect(at({ cwd: 'project', sharing: 'session' })).toMatchObject({ cwd: '/r', sharing: 'session' });
    expect(at({ cwd: 'session', sharing: 'shared' }).cwd).toBe('/r/packages/web');
    expect(at({ cwd: './session' }).cwd).toBe('/r/packages/web/session');
    expect(() => resolved({ command: 'x', cwd: 'session', sharing: 'shared' }, '')).toThrow('needs a project folder');
  });

  it('shares no copy between two folders that was not handed their root', () => {
    const word = fc.constantFrom(
      '.',
      './',
      'a',
      '${PROJECT_ROOT}',
      '${PROJECT_ROOT}/x',
      '${SESSION_FOLDER}',
      '--in=.',
      '/r',
    );
    const program = fc.constantFrom('serena', 'mcp-language-server', 'mcp-server-filesystem', 'my-server', 'gopls');
    fc.assert(
      fc.property(program, fc.array(word, { maxLength: 4 }), fc.constantFrom(...folders), (command, args, folder) => {
        const definition = { command, args, sharing: 'project' };
        const found = resolved(definition, folder);
        const isWhole =
          ['serena', 'mcp-language-server'].includes(command) &&
          args.some((arg) => arg === '${PROJECT_ROOT}' || arg === '/r') &&
          !args.some((arg) => ['.', './', '--in=.'].includes(arg));
        expect(found.cwd).toBe(isWhole ? '/r' : folder);
        expect(found.folder).toBe(isWhole ? '/r' : folder);
        const isSame = found.instanceKey === resolved(definition, '/r/packages/other').instanceKey;
        expect(isSame).toBe(isWhole && !args.includes('${SESSION_FOLDER}'));
      }),
    );
  });
});
