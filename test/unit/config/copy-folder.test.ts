// Breaks when a server that was not handed the project's root is started there, or one that was is started twice.
import { describe, expect, it } from 'vitest';
import { decideFolder } from '../../../src/config/copy-folder.ts';
import { checkServer } from '../../../src/config/server-entry.ts';

function placeOf(line: string, more: Record<string, unknown> = {}, isRepository = true): string {
  const [command = '', ...args] = line.split(' ');
  const { entry, errors } = checkServer('srv', { command, args, ...more }, '/home/me');
  if (!entry) throw new Error(JSON.stringify(errors));
  const { env } = entry;
  return decideFolder({
    ...{
      entry,
      sharing: 'project' as const,
      args,
      env,
      folder: '/r/packages/web',
      projectRoot: '/r',
      isRepository: () => isRepository,
      knownServers: [],
    },
  }).place;
}

describe('decideFolder', () => {
  it.each([
    ['serena start-mcp-server --project /r', 'project'],
    ['uvx --from serena-agent serena start-mcp-server --project=/r', 'project'],
    ['serena start-mcp-server --project /r/', 'project'],
    ['serena start-mcp-server --project-from-cwd', 'project'],
    ['mcp-language-server --workspace /r --lsp gopls', 'project'],
    ['serena start-mcp-server', 'session'],
    ['serena start-mcp-server --project .', 'session'],
    ['serena start-mcp-server --project /r/packages/web', 'session'],
    ['serena start-mcp-server --project /rest', 'session'],
    ['serena start-mcp-server --project /r --log ./x.log', 'session'],
    ['gopls mcp', 'session'],
    ['mcp-server-filesystem /r', 'session'],
    ['mcp-server-git --repository /r', 'session'],
    ['my-server --root /r', 'session'],
    ['node /r/tools/server.mjs .', 'session'],
  ])('starts `%s` in the folder of the %s', (line, place) => {
    expect(placeOf(line)).toBe(place);
  });

  it('lets Serena look for its project itself only where it finds the same one', () => {
    expect(placeOf('serena start-mcp-server --project-from-cwd', {}, false)).toBe('session');
  });

  it('reads variables as well', () => {
    expect(placeOf('serena', { env: { WORKSPACE: '/r' } })).toBe('project');
    expect(placeOf('serena', { env: { WORKSPACE: '/r', DATA: './data' } })).toBe('session');
  });

  it.each([
    ['my-server', 'project', 'project'],
    ['serena --project /r', 'session', 'session'],
    ['serena --project /r', '/elsewhere', 'session'],
    ['my-server', './project', 'session'],
  ])('starts `%s` with "cwd": "%s" as that says', (line, cwd, place) => {
    expect(placeOf(line, { cwd })).toBe(place);
  });
});
