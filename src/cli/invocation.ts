// How the reader of a hint runs this program: `/mcp-proxy …` in a session, the absolute path in a terminal (others ship
// a program of the same name, and a plugin's folder comes last on the PATH of the Bash tool).
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { shellWord } from '../base/shell-word.ts';

export type Invocation = {
  isForSkill: boolean;
  /** What stands before the verb. */
  program: string;
};

export type InvocationFacts = { isForSkill: boolean; binDir: string; ownPath: string; home: string | undefined };

export function resolveInvocation(facts: InvocationFacts): Invocation {
  if (facts.isForSkill) return { isForSkill: true, program: '/mcp-proxy' };
  // The launcher outlives plugin updates; the bundle's own folder does not.
  const launcher = join(facts.binDir, 'mcp-proxy');
  return { isForSkill: false, program: typeable(isExecutable(launcher) ? launcher : facts.ownPath, facts.home) };
}

/** Puts the right name before the verb in texts that say `mcp-proxy <verb>`, with or without the launcher's folder. */
export function adaptHint(text: string, program: string, verbs: readonly string[]): string {
  const pattern = new RegExp(`(?:(?<![\\w/.-])|~/\\.aitkit/bin/)mcp-proxy (?=(?:${verbs.join('|')})\\b)`, 'g');
  return text.replace(pattern, () => `${program} `);
}

/** A path as one can paste it: `~/…` where the shell knows that, quoted where it holds anything special. */
function typeable(path: string, home: string | undefined): string {
  const word = shellWord(path);
  if (word !== path) return word;
  return process.platform !== 'win32' && home && home !== '/' && path.startsWith(`${home}/`)
    ? `~${path.slice(home.length)}`
    : path;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // no launcher installed yet
  }
}
