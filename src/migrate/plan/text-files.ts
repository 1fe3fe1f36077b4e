// The texts of agents, commands and skills below one folder. A repository fills such a folder with whatever it likes, or
// makes it a link to the root of the disk; what is left out is said.
import { join } from 'node:path';
import { whyOutside } from '../../base/foreign-file.ts';
import { listFolder } from '../../base/list-folder.ts';
import type { SourceProblem } from '../programs/declared.ts';
import { type Boundary, isFolder, readClientFile, realpathIfPresent } from '../world.ts';

export type TextFile = { file: string; text: string };
export type TextFiles = { texts: TextFile[]; problems: SourceProblem[] };

/** More than any person has. All of it is read again for each server, and again until the plan is settled. */
const maxTextFiles = 2_000;
const maxEntries = 20_000;
const maxDepth = 12;
/** A text for a model to read; a longer one is none. */
const maxTextBytes = 1024 * 1024;
const maxTotalBytes = 16 * 1024 * 1024;
/** The rest would only push what matters off the screen. */
const maxProblems = 10;

export function readTexts(folder: string, boundary: Boundary): TextFiles {
  const { files, problems } = findTexts(folder, boundary);
  const texts: TextFile[] = [];
  const refused: SourceProblem[] = [];
  let total = 0;
  for (const file of files) {
    const reading = readClientFile(file, { ...boundary, maxBytes: maxTextBytes });
    if (reading.kind === 'refused') refused.push({ file, reason: reading.reason });
    if (reading.kind !== 'file') continue;
    total += reading.bytes.length;
    if (total > maxTotalBytes) {
      problems.push(notAll(folder, `${maxTotalBytes >> 20} MiB`));
      break;
    }
    texts.push({ file, text: reading.document.text });
  }
  problems.push(...refused.slice(0, maxProblems));
  const more = refused.length - maxProblems;
  if (more > 0) problems.push({ file: folder, reason: `holds ${more} more that cannot be read` });
  return { texts, problems };
}

function findTexts(folder: string, { inside }: Boundary): { files: string[]; problems: SourceProblem[] } {
  const real = realpathIfPresent(folder);
  const outside = real === undefined ? undefined : whyOutside(folder, real, inside);
  if (outside) return { files: [], problems: [{ file: folder, reason: outside }] };
  const files: string[] = [];
  const queue = [{ path: folder, depth: 0 }];
  let seen = 0;
  for (const { path, depth } of queue) {
    const { entries, isWhole } = listFolder(path, maxEntries - seen);
    seen += entries.length;
    for (const entry of entries) {
      const at = join(path, entry.name);
      if (entry.isDirectory() && depth < maxDepth) queue.push({ path: at, depth: depth + 1 });
      // A pipe or a link is passed on too: whoever reads it says what it is.
      else if (entry.name.endsWith('.md') && !isFolder(at)) files.push(at);
    }
    if (!isWhole) return { files: files.slice(0, maxTextFiles), problems: [notAll(folder, `${maxEntries} files`)] };
    if (files.length > maxTextFiles) {
      return { files: files.slice(0, maxTextFiles), problems: [notAll(folder, `${maxTextFiles} texts`)] };
    }
  }
  return { files, problems: [] };
}

function notAll(folder: string, bound: string): SourceProblem {
  return { file: folder, reason: `holds more than ${bound}, and not all of it was read` };
}
