// A list that a server did not give, in words for people.
import { plainLine } from '../../base/plain-text.ts';
import type { ListFailure } from '../../link/control.ts';
import { formatDuration } from './format.ts';
import type { Reader } from './reader.ts';
import { wrapText } from './text-width.ts';

const listWords = {
  tools: 'tools',
  prompts: 'prompts',
  resources: 'resources',
  resourceTemplates: 'resource templates',
} as const satisfies Record<ListFailure['list'], string>;

/** In one sentence what is wrong, in the next what is shown meanwhile and when it is asked again. */
export function failedListText({ list, reason, since, nextAt, shown }: ListFailure, of: string, now: number): string {
  const what = listWords[list];
  const span = (ms: number) => formatDuration(Math.max(ms, 1_000));
  const meanwhile = shown ? `The ${shown} known before stay.` : 'None are known.';
  const next = nextAt === undefined ? 'with its next start or change' : `in ${span(Date.parse(nextAt) - now)}`;
  const why = plainLine(reason);
  const end = /[.…]$/.test(why) ? '' : '.';
  return `${of} ${what} could not be listed for ${span(now - Date.parse(since))}: ${why}${end} ${meanwhile} Asked again ${next}.`;
}

/** For each of them, and once what a person can do. */
export function failedListLines(server: string, failures: readonly ListFailure[], reader: Reader): string[] {
  if (failures.length === 0) return [];
  const indent = '    ';
  const wrap = (text: string) => wrapText(text, reader.width - indent.length);
  const help = reader.hint(`At once: \`mcp-proxy restart ${server}\`; its output: \`mcp-proxy logs ${server}\``);
  const lines = failures.flatMap((failure) => wrap(failedListText(failure, 'Its', reader.now)));
  return [
    ...lines.map((line) => indent + reader.paint('yellow', line)),
    ...wrap(plainLine(help)).map((line) => indent + line),
  ];
}
