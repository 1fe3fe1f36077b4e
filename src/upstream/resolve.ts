// What one session's copy of a server is: resolved launch spec, who shares it, and the keys that follow from both.
import { join } from 'node:path';
import { AppError } from '../base/errors.ts';
import { decideFolder } from '../config/copy-folder.ts';
import { expandEntry, type LaunchSpec, unexpandedIdentity } from '../config/expand.ts';
import type { Config } from '../config/load.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import { decideSharing } from '../config/sharing.ts';
import { folderChoiceOf } from '../config/template.ts';
import type { EnvValues } from '../link/baseline-env.ts';
import type { Sharing } from '../link/control.ts';
import { isRepository } from '../link/project-root.ts';
import type { KeyMaker } from './instance-key.ts';

/** The part of a session that decides which copy it gets. */
export type Asker = {
  id: string;
  lifeId: string;
  folder: string;
  projectRoot: string;
  values: EnvValues;
  baseline: EnvValues;
};

export type Resolved = {
  sharing: Sharing;
  sharingReason: string;
  spec: LaunchSpec;
  cwd: string;
  /** Values that must never be shown. */
  secrets: readonly string[];
  instanceKey: string;
  snapshotKey: string;
  /** Where it starts, in words for people. */
  folderReason: string;
  /** Whose sessions share it, and all that it is given of the disk. */
  folder?: string;
  /** Sessions in any folder below `folder` share it: what of it each may reach is not the same. */
  spansFolders?: boolean;
  lifeId?: string;
};
export type Resolution =
  | ({ ok: true } & Resolved)
  | { ok: false; error: AppError; sharing: Sharing; sharingReason: string; missing: string[] };

export type ResolveDeps = {
  makeKey: KeyMaker;
  workDir: string;
  knownServers: Config['knownServers'];
  /** Servers seen to be unfit for sharing. */
  demoted: (name: string) => string | undefined;
};

export function resolveCopy(entry: ServerEntry, asker: Asker, deps: ResolveDeps): Resolution {
  const { sharing, reason: sharingReason } = sharingOf(entry, deps);
  const expanded = expandEntry(entry, {
    values: asker.values,
    ...(asker.folder ? { folder: asker.folder } : {}),
    ...(asker.projectRoot ? { projectRoot: asker.projectRoot } : {}),
    sessionLifeId: asker.lifeId,
  });
  if (!expanded.ok) {
    const { problem, missing, needsProject } = expanded;
    const code =
      missing.length > 0 ? 'SERVER_NEEDS_VARIABLE' : needsProject ? 'SERVER_NEEDS_PROJECT' : 'CONFIG_INVALID';
    const error = new AppError({
      code,
      message: problem.message,
      ...(problem.hint ? { hint: problem.hint } : {}),
      ...(missing.length > 0 ? { data: { missing } } : {}),
    });
    return { ok: false, error, sharing, sharingReason, missing };
  }
  if (sharing === 'project' && !asker.folder) {
    return { ok: false, error: projectMissing(entry), sharing, sharingReason, missing: [] };
  }
  const { spec, secrets } = expanded;
  const { cwd, reason: folderReason, folder, spansFolders } = folderOf(entry, { spec, sharing, asker, deps });
  const scope = sharing === 'project' ? folder : sharing === 'session' ? asker.lifeId : '';
  // Headers belong to the MCP session, so a header of one session costs no second process.
  const { headers: _headers, ...launch } = spec;
  return {
    ok: true,
    sharing,
    sharingReason,
    spec,
    cwd,
    folderReason,
    secrets,
    instanceKey: deps.makeKey('instance', entry.slug, launch, cwd, sharing, scope),
    snapshotKey: deps.makeKey('snapshot', entry.slug, unexpandedIdentity(entry, asker.values)),
    ...(sharing === 'project' ? { folder, ...(spansFolders ? { spansFolders } : {}) } : {}),
    ...(sharing === 'session' ? { lifeId: asker.lifeId } : {}),
  };
}

type FolderContext = { spec: LaunchSpec; sharing: Sharing; asker: Asker; deps: ResolveDeps };

/** A session in a sub-folder must not reach through us, with `.` or as a root, what its direct start denies. */
function folderOf(entry: ServerEntry, { spec, sharing, asker, deps }: FolderContext) {
  const { args, env, cwd } = spec;
  const { folder: ofSession, projectRoot } = asker;
  const { knownServers } = deps;
  const question = { entry, sharing, args, env, cwd, folder: ofSession, projectRoot, isRepository, knownServers };
  const { place, folder, start, reason } = decideFolder(question);
  const empty = join(deps.workDir, entry.slug);
  if (sharing === 'shared' && folderChoiceOf(entry.cwd) === undefined && cwd === undefined) {
    return { cwd: empty, folder, reason: 'An empty one, because everyone shares it.', spansFolders: false };
  }
  return { cwd: start || empty, folder, reason, spansFolders: place === 'project' };
}

export function sharingOf(
  entry: ServerEntry,
  deps: Pick<ResolveDeps, 'knownServers' | 'demoted'>,
): { sharing: Sharing; reason: string } {
  const decided = decideSharing(entry, deps.knownServers);
  const evidence = entry.sharing === 'auto' ? deps.demoted(entry.name) : undefined;
  return evidence === undefined ? decided : { sharing: 'session', reason: evidence };
}

function projectMissing(entry: ServerEntry): AppError {
  return new AppError({
    code: 'SERVER_NEEDS_PROJECT',
    message: `Server "${entry.name}" runs once for each project, and this session has no project folder.`,
    hint: 'Open the session inside a project, or set "sharing": "shared" for this server.',
  });
}
