// Whether the command line of a running process is that of a server's entry, and which of two entries says it better.
import { basename } from 'node:path';
import type { LaunchEntry } from './declared.ts';

/** The command's own name and all its arguments in order; an interpreter may stand before. */
export function isLaunchOf(argv: readonly string[], entry: LaunchEntry): boolean {
  if (!isSpecific(entry)) return false;
  const wanted = entry.args ?? [];
  const start = argv.length - wanted.length;
  const name = basename(entry.command ?? '');
  if (name === 'npx' && isNpmTitle(argv[0] ?? '', wanted)) return true;
  if (start < 1 || !wanted.every((arg, i) => matchesTemplate(arg, argv[start + i] ?? ''))) return false;
  const program = argv.slice(0, start);
  const last = basename(program.at(-1) ?? '');
  // `npx` may run as node with npx-cli.js.
  return last === name || last.startsWith(`${name}-cli.`) || program.join(' ') === entry.command;
}

/** How much of a command line the entry fixes. */
export function weightOf({ command = '', args = [] }: LaunchEntry): number {
  return [command, ...args].reduce((sum, word) => sum + literalOf(word).length, 0);
}

/** npm writes over its arguments: one word that holds what is left after its own options. */
function isNpmTitle(title: string, args: readonly string[]): boolean {
  const from = args.findIndex((arg) => !arg.startsWith('-'));
  return from >= 0 && matchesTemplate(['npm', 'exec', ...args.slice(from)].join(' '), title);
}

/** Programs that run others: their name alone says nothing about what runs. */
const launchers =
  /^(?:node(?:js)?|bun|deno|tsx|ts-node|python[\d.]*|pypy[\d.]*|ruby|php|java|dotnet|go|cargo|npx|npm|pnpm|yarn|bunx|uvx?|pipx|docker|podman|env|sh|bash|dash|zsh|cmd)(?:\.exe)?$/;
/** Words of these that say how something runs, not what. */
const manner = /^(?:-.*|run|exec|dlx|tool|x|start)$/;

/** Of nothing but a launcher and references everything would be a copy. */
function isSpecific({ command = '', args = [] }: LaunchEntry): boolean {
  if (!launchers.test(basename(command)) && literalOf(command) === command) return true;
  return args.some((arg) => !manner.test(arg) && /\w{2}/.test(literalOf(arg)));
}

const reference = /\$\{([^}]*)\}|\$?\{env:[^}]*\}/g;

function literalOf(template: string): string {
  return template.replace(reference, '');
}

/** A reference stands for a value that can be an argument or a part of one. Linear: a repository may have written it. */
function matchesTemplate(template: string, text: string): boolean {
  const names = [...template.matchAll(reference)].map((match) => match[1] ?? '');
  if (names.length === 0) return template === text;
  const [head = '', ...others] = template.replace(reference, '\0').split('\0');
  const tail = others.pop() ?? '';
  if (!text.startsWith(head) || !text.endsWith(tail)) return false;
  const between = text.slice(head.length, Math.max(head.length, text.length - tail.length));
  if (others.length === 0) return isPlausible(names[0] ?? '', between, template);
  let at = 0;
  for (const part of others) {
    // At least one character for the reference before it.
    const next = between.indexOf(part, at + 1);
    if (next < 0) return false;
    at = next + part.length;
  }
  return at < between.length;
}

function isPlausible(name: string, value: string, template: string): boolean {
  if (value === '' || value.includes('\n')) return false;
  if (name === 'PORT') return /^\d{1,5}$/.test(value);
  if (name === 'PROJECT_ROOT') return /^(?:\/|[A-Za-z]:)/.test(value);
  // Options are written out; one that stands where a value belongs is another program's.
  return literalOf(template) !== '' || !value.startsWith('-');
}
