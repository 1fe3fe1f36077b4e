// `<their name>=<our name>` of what a migration put into `disabledMcpjsonServers`, so that it is told apart from what the
// person rejected, also on another machine that gets the file. Claude Code ignores the key; the session start hook reads it.
import { isRecord } from '../base/guards.ts';

export const movedMark = 'mcpProxyMoved';

/** A repository can bring the file: more, or longer ones, were not written by us and cost every session's start. */
const maxMarks = 256;
const maxMarkChars = 512;

/** The marks in a settings file; whatever has another shape is passed over. */
export function movedNames(settings: unknown): { theirs: string; ours: string }[] {
  const marks: unknown = isRecord(settings) ? settings[movedMark] : undefined;
  if (!Array.isArray(marks)) return [];
  return marks.slice(0, maxMarks).flatMap((mark: unknown) => {
    if (typeof mark !== 'string' || mark.length > maxMarkChars) return [];
    const at = mark.lastIndexOf('=');
    return at < 1 || at === mark.length - 1 ? [] : [{ theirs: mark.slice(0, at), ours: mark.slice(at + 1) }];
  });
}
