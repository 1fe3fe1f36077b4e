// When the program of a stopped server was last put where it is: what is known of its lists may be of the one before.
import { statSync } from 'node:fs';
import { resolve } from 'node:path';

/** `cwd`: where a copy of it starts. */
type Program = { readonly command: string; readonly args: readonly string[]; readonly cwd: string };

/** What a starter is given to run. Other files among the arguments are data: a database that changes is no other program. */
const code = /\.(?:[cm]?[jt]sx?|py|rb|jar|sh|php|pl|lua|exe|cmd|bat|ps1)$/i;

/** A command line names one or two files; what follows are lists of values. */
const maxLooked = 16;

/**
 * The newest change of a file that the command line names. Packages are unpacked with the times of their making, so the
 * time of the entry counts (ctime), which nobody sets back. undefined: it names none.
 */
export function programChangedAt({ command, args, cwd }: Program): number | undefined {
  const named = [...(/[\\/]/.test(command) ? [command] : []), ...args.filter((arg) => code.test(arg))];
  const times = named.slice(0, maxLooked).flatMap((word) => {
    try {
      const found = statSync(resolve(cwd, word));
      return found.isFile() ? [found.ctimeMs] : [];
    } catch {
      return []; // no file, or none that we may see: an address, a value
    }
  });
  return times.length > 0 ? Math.max(...times) : undefined;
}
