// A program that `add` was given by a path from here: written in full, because sessions are opened elsewhere. Other relative
// words stay: what they mean is the folder of each session.
import { statSync } from 'node:fs';
import { basename, isAbsolute, resolve } from 'node:path';
import { scriptPlace } from '../config/launch-names.ts';

export type PinnedProgram = { target: string[]; note?: string };

const interpreters =
  /^(?:node|deno|bun|tsx|ts-node|python[\d.]*|py|pypy[\d.]*|ruby|perl|php|bash|sh|zsh|java)(?:\.exe)?$/i;

export function pinProgram(target: readonly string[], cwd: string): PinnedProgram {
  const at = placeOfProgram(target);
  const word = at === undefined ? undefined : target[at];
  if (at === undefined || word === undefined) return { target: [...target] };
  const path = resolve(cwd, word);
  if (!isFile(path)) {
    const note = `There is no file ${path}. ${JSON.stringify(word)} counts from the folder of each session.`;
    return { target: [...target], note };
  }
  return {
    target: [...target.slice(0, at), path, ...target.slice(at + 1)],
    note: `${JSON.stringify(word)} is written in full: ${path}`,
  };
}

function placeOfProgram([command = '', ...args]: readonly string[]): number | undefined {
  if (isRelative(command)) return 0;
  if (!interpreters.test(basename(command))) return undefined;
  const first = scriptPlace(args);
  const word = args[first];
  // Without a slash it may be a module or a verb of the interpreter.
  return word !== undefined && isRelative(word) ? first + 1 : undefined;
}

function isRelative(word: string): boolean {
  return /[/\\]/.test(word) && !isAbsolute(word) && !/^(?:[~$@{]|[A-Za-z]:)|:\/\//.test(word);
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
