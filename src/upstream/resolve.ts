// What one session's copy of a server is: resolved launch spec, who shares it, and the keys that follow from both.
import { join } from 'node:path';
import { AppError } from '../base/errors.ts';
import { expandEntry, type LaunchSpec, unexpandedIdentity } from '../config/expand.ts';
import type { Config } from '../config/load.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import { decideSharing } from '../config/sharing.ts';
import type { EnvValues } from '../link/baseline-env.ts';
import type { Sharing } from '../link/control.ts';
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
  /** Whose sessions share it, and all that it is given of the disk. */
  folder?: string;
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
  // Not the project's root: a session in a sub-folder would reach with `.`, through us, what its direct start denies.
  const ownCwd = sharing === 'shared' ? join(deps.workDir, entry.slug) : asker.folder;
  const cwd = spec.cwd ?? (ownCwd || join(deps.workDir, entry.slug));
  const scope = sharing === 'project' ? asker.folder : sharing === 'session' ? asker.lifeId : '';
  // Headers belong to the MCP session, so a header of one session costs no second process.
  const { headers: _headers, ...launch } = spec;
  return {
    ok: true,
    sharing,
    sharingReason,
    spec,
    cwd,
    secrets,
    instanceKey: deps.makeKey('instance', entry.slug, launch, cwd, sharing, scope),
    snapshotKey: deps.makeKey('snapshot', entry.slug, unexpandedIdentity(entry, asker.values)),
    ...(sharing === 'project' ? { folder: asker.folder } : {}),
    ...(sharing === 'session' ? { lifeId: asker.lifeId } : {}),
  };
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
