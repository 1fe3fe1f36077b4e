// Where a copy that is not everybody's starts: the folder of its session, or the project's root. Sessions below one root share
// a copy only where that gives nobody more than a start by their own host would.
import type { Sharing } from '../link/control.ts';
import { findKnownServer } from './known-servers.ts';
import type { KnownServer } from './schema.ts';
import type { ServerEntry } from './server-entry.ts';
import { isRelativePath } from './sharing.ts';
import { type FolderChoice, folderChoiceOf } from './template.ts';

export type FolderDecision = {
  place: FolderChoice;
  /** What of the disk it is given; '' where the session has none. */
  folder: string;
  /** Where it starts: there, or in a folder that the entry names. */
  start: string;
  reason: string;
};

export type FolderQuestion = {
  entry: ServerEntry;
  sharing: Sharing;
  /** Arguments and variables as they are for the session that asks. */
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** A folder that the entry names, as it is for that session. */
  cwd?: string | undefined;
  /** Of the session. */
  folder: string;
  projectRoot: string;
  isRepository: (folder: string) => boolean;
  knownServers: readonly KnownServer[];
};

export function decideFolder(question: FolderQuestion): FolderDecision {
  const { place, reason } = choosePlace(question);
  const folder = place === 'project' ? question.projectRoot : question.folder;
  if (question.cwd === undefined) return { place, folder, start: folder, reason };
  return { place, folder, start: question.cwd, reason: 'The configuration says so ("cwd").' };
}

function choosePlace(question: FolderQuestion): Pick<FolderDecision, 'place' | 'reason'> {
  const { entry, projectRoot } = question;
  const choice = folderChoiceOf(entry.cwd);
  if (choice) return { place: choice, reason: `The configuration says "cwd": "${choice}".` };
  const own = { place: 'session', reason: 'A start by its host would be there.' } as const;
  // With a folder of its own, or a path that counts from where it starts, it would mean something else at the root.
  if (
    question.sharing !== 'project' ||
    entry.cwd !== undefined ||
    projectRoot === '' ||
    findKnownServer(entry, question.knownServers)?.folder !== 'project'
  ) {
    return own;
  }
  const words = [...question.args, ...Object.values(question.env)]
    .flatMap((text) => text.split(/\s+/))
    .map((word) => word.replace(/^--?[\w-]+=/, '').replace(/^['"]|['"]$/g, ''));
  if (words.some(isRelativePath)) return own;
  const isNamed = words.some((word) => word === projectRoot || word === `${projectRoot}/`);
  const walksUp = words.includes('--project-from-cwd') && question.isRepository(projectRoot);
  if (!isNamed && !walksUp) return own;
  return { place: 'project', reason: 'It works on the whole project wherever it starts in it.' };
}
