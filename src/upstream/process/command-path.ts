// Where a server's command lies: looked up on the PATH the server itself gets, not on the daemon's.
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { AppError } from '../../base/errors.ts';

export type CommandSearch = { cwd: string; env: Readonly<Record<string, string>> };

/** The absolute path of `command`. Throws SERVER_NOT_INSTALLED. */
export function findCommand(command: string, { cwd, env }: CommandSearch): string {
  const isPath = command.includes('/') || (process.platform === 'win32' && command.includes('\\'));
  const path = searchPath(env);
  const folders = path.split(delimiter).filter((folder) => folder !== '');
  const bases = isPath ? [resolve(cwd, command)] : folders.map((folder) => join(resolve(cwd, folder), command));
  for (const base of bases) {
    for (const candidate of withExtensions(base, env)) {
      if (isExecutable(candidate)) return candidate;
    }
  }
  throw new AppError({
    code: 'SERVER_NOT_INSTALLED',
    message: isPath ? `${bases[0]} is not a program that can be run.` : `The program ${command} was not found on PATH.`,
    hint: isPath
      ? 'Correct `command` in the configuration, or make the file executable.'
      : `Install ${command}, or give its absolute path as \`command\`. PATH was: ${path || '(empty)'}`,
    data: { command, path },
  });
}

function searchPath(env: Readonly<Record<string, string>>): string {
  if (process.platform !== 'win32') return env['PATH'] ?? '';
  const name = Object.keys(env).find((key) => key.toUpperCase() === 'PATH');
  return name === undefined ? '' : (env[name] ?? '');
}

/** Windows runs `npx` as npx.cmd; a name that already has one of the extensions is tried as it is first. */
function withExtensions(base: string, env: Readonly<Record<string, string>>): string[] {
  if (process.platform !== 'win32') return [base];
  const extensions = (env['PATHEXT'] ?? '.COM;.EXE;.BAT;.CMD').split(';').filter((extension) => extension !== '');
  const hasOne = extensions.some((extension) => base.toUpperCase().endsWith(extension.toUpperCase()));
  const extended = extensions.map((extension) => base + extension.toLowerCase());
  return hasOne ? [base, ...extended] : extended;
}

function isExecutable(path: string): boolean {
  if (!isAbsolute(path)) return false;
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // not there, or not ours to run: the next folder may have it
  }
}
