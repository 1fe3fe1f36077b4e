// Claude Code: user and local scope in its state file, project scope in `.mcp.json` of the given folders.
import { join } from 'node:path';
import { isRecord } from '../../base/guards.ts';
import { lineOfPath } from '../documents/jsonc-document.ts';
import { insideProject, isFolder, realpathIfPresent } from '../world.ts';
import { approvalOf, type ClaudeSettings, listOf, projectState } from './claude-settings.ts';
import type { Collected, Declared } from './declared.ts';
import { isListed } from './managed-lists.ts';
import { readServersOf, serversIn } from './read-entries.ts';

export function collectClaudeCode(settings: ClaudeSettings): Collected {
  const servers: Declared[] = [];
  const problems: Collected['problems'] = [];
  const state = settings.files.find((file) => file.kind === 'state');
  if (state?.exists) {
    const base = { host: 'claude-code' as const, file: state.file, format: 'jsonc' as const, boundary: state.boundary };
    const lineAt = (path: string[]) => lineOfPath(state.text, state.root, path);
    const user = serversIn({ ...base, scope: 'user', container: ['mcpServers'] }, state.value, ['mcpServers'], lineAt);
    servers.push(...user.servers);
    problems.push(...user.problems);
    const projects = state.value['projects'];
    for (const folder of isRecord(projects) ? Object.keys(projects) : []) {
      const container = ['projects', folder, 'mcpServers'];
      const project = realpathIfPresent(folder) ?? folder;
      const local = serversIn({ ...base, scope: 'local', container, project }, state.value, container, lineAt);
      servers.push(...local.servers.map((server) => withSwitch(markGone(server, folder), settings, folder)));
      problems.push(...local.problems);
    }
  }
  for (const project of settings.projects) {
    const found = readServersOf({
      host: 'claude-code',
      scope: 'project',
      file: join(project, '.mcp.json'),
      format: 'jsonc',
      container: ['mcpServers'],
      boundary: insideProject(project),
      project,
    });
    problems.push(...found.problems);
    servers.push(
      ...found.servers.map((server) => withSwitch(withApproval(server, settings, project), settings, project)),
    );
  }
  return { servers: servers.map((server) => withDenied(server, settings)), problems };
}

function markGone(server: Declared, folder: string): Declared {
  return isFolder(folder) ? server : { ...server, off: `belongs to ${folder}, which is not there` };
}

function withApproval(server: Declared, settings: ClaudeSettings, project: string): Declared {
  const approval = approvalOf(settings, project, server.place.name);
  const off = approval === 'rejected' ? { off: 'you rejected it in Claude Code' } : {};
  return { ...server, approval, ...off };
}

/** Switched off with /mcp in its own folder. */
function withSwitch(server: Declared, settings: ClaudeSettings, folder: string): Declared {
  const isOff = listOf(projectState(settings, folder), 'disabledMcpServers').includes(server.place.name);
  return isOff && server.off === undefined ? { ...server, off: 'you switched it off in this folder' } : server;
}

/** A person's own `deniedMcpServers` is a rejection too, in whichever of their files and by whatever it matches. */
function withDenied(server: Declared, settings: ClaudeSettings): Declared {
  const { place, entry } = server;
  const denied = settings.files
    .filter(({ kind, project }) => kind === 'user' || (kind === 'local' && project === place.project))
    .some((file) => isListed(file.value['deniedMcpServers'], [place.name], entry));
  return denied ? { ...server, off: 'your settings deny it (deniedMcpServers)' } : server;
}

/** Folders in which the person switched this server off with /mcp. */
export function switchedOffIn(settings: ClaudeSettings, serverId: string): string[] {
  const state = settings.files.find((file) => file.kind === 'state');
  const projects = state?.value['projects'];
  if (!isRecord(projects)) return [];
  return Object.keys(projects).filter((folder) =>
    listOf(projectState(settings, folder), 'disabledMcpServers').includes(serverId),
  );
}
