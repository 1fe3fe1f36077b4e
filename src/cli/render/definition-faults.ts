// Definitions that programs would refuse, in words for whoever runs or writes the server.
import { jsonText } from '../../base/plain-text.ts';
import type { FaultReport } from '../../link/control.ts';

const nouns: Readonly<Record<FaultReport['list'], string>> = {
  tools: 'tool',
  prompts: 'prompt',
  resources: 'resource',
  resourceTemplates: 'resource template',
};

/** `tool "x" is left out: inputSchema.type is "string", not "object"`. */
export function faultText({ list, name, what, isLeftOut }: FaultReport): string {
  return `${nouns[list]} ${jsonText(name)} is ${isLeftOut ? 'left out' : 'mended'}: ${what}`;
}

/** What is missing before what is only mended. */
export function worstFirst(faults: readonly FaultReport[]): FaultReport[] {
  return [...faults].sort((a, b) => Number(b.isLeftOut) - Number(a.isLeftOut));
}
