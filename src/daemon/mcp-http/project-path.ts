// The project of a session over HTTP: a header of its program, or the first folder of its roots.
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isRecord } from '../../base/guards.ts';

/** Percent-encoded, because header values are no place for other alphabets. */
export const projectHeader = 'mcp-project-path';

/** undefined: no header; an error text if it cannot be a folder. */
export function projectOfHeader(value: string | undefined): { folder: string } | { error: string } | undefined {
  if (value === undefined || value === '') return undefined;
  let folder: string;
  try {
    folder = decodeURIComponent(value);
  } catch {
    return { error: 'Mcp-Project-Path must be percent-encoded.' };
  }
  if (!isAbsolute(folder) || folder.includes('\0')) return { error: 'Mcp-Project-Path must be an absolute path.' };
  return { folder };
}

/** The first root that is a folder of this machine. */
export function projectOfRoots(result: unknown): string | undefined {
  const roots = isRecord(result) && Array.isArray(result['roots']) ? result['roots'] : [];
  for (const root of roots) {
    const uri = isRecord(root) ? root['uri'] : undefined;
    if (typeof uri !== 'string' || !uri.startsWith('file:')) continue;
    try {
      return fileURLToPath(uri);
    } catch {
      // another machine's folder, or not a path: the next may be one
    }
  }
  return undefined;
}
