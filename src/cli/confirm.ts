// A question to the person at the terminal. Without one there is nobody to ask, and the answer is no.
import { createInterface } from 'node:readline/promises';
import { visible } from '../base/plain-text.ts';
import type { CommandContext } from './command.ts';

export function canAsk({ terminal, invocation }: CommandContext): boolean {
  return terminal.isInteractive && !invocation.isForSkill && process.stdin.isTTY === true;
}

/** Only a typed yes is one. */
export async function confirm(context: CommandContext, question: string): Promise<boolean> {
  if (!canAsk(context)) return false;
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await lines.question(`${visible(question)} [y/N] `, { signal: context.signal });
    return /^y(?:es)?$/i.test(answer.trim());
  } catch {
    return false; // interrupted
  } finally {
    lines.close();
  }
}
