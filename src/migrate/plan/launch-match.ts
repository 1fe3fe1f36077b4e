// Whether the command line of a running process is that of a server's entry, and which of two entries says it better.
import { basename } from 'node:path';
import { closedPart, folderNames } from '../../config/template.ts';
import type { LaunchEntry } from '../programs/declared.ts';

/** Made once for an entry and asked for every process: a repository's arguments may be a megabyte. */
export type LaunchPattern = {
  /** How much of a command line the entry fixes. */
  weight: number;
  matches: (argv: readonly string[]) => boolean;
};

export function launchPattern({ command = '', args = [] }: LaunchEntry): LaunchPattern {
  const [program, ...wanted] = [command, ...args].map(templateOf);
  const weight = [command, ...args].reduce((sum, word) => sum + literalOf(word).length, 0);
  if (!program || !isSpecific(command, args)) return { weight, matches: () => false };
  const name = basename(command);
  const npmTitle = name === 'npx' ? npmTitleOf(args) : undefined;
  return {
    weight,
    matches: (argv) =>
      (npmTitle !== undefined && matchesTemplate(npmTitle, argv[0] ?? '')) ||
      (runs(argv.slice(0, Math.max(0, argv.length - wanted.length)), command, name) &&
        wanted.every((template, i) => matchesTemplate(template, argv[argv.length - wanted.length + i] ?? ''))),
  };
}

/** The command's own name right before its arguments; an interpreter may stand before it. */
function runs(program: readonly string[], command: string, name: string): boolean {
  const last = program.at(-1);
  if (last === undefined) return false;
  // `npx` may run as node with npx-cli.js.
  return basename(last) === name || basename(last).startsWith(`${name}-cli.`) || program.join(' ') === command;
}

const npmOptionsWithValue = /^(?:-p|-w|--(?:package|prefix|registry|cache|userconfig|workspace))$/;

/** npm writes over its arguments: one word that holds what is left after its own options. */
function npmTitleOf(args: readonly string[]): Template | undefined {
  const from = args.findIndex((arg, i) => !arg.startsWith('-') && !npmOptionsWithValue.test(args[i - 1] ?? ''));
  return from < 0 ? undefined : templateOf(['npm', 'exec', ...args.slice(from)].join(' '));
}

/** Programs that run others: their name alone says nothing about what runs. */
const launchers =
  /^(?:node(?:js)?|bun|deno|tsx|ts-node|python[\d.]*|pypy[\d.]*|ruby|php|java|dotnet|go|cargo|npx|npm|pnpm|yarn|bunx|uvx?|pipx|docker|podman|env|sh|bash|dash|zsh|cmd)(?:\.exe)?$/;
/** Words of these that say how something runs, not what. */
const manner = /^(?:-.*|run|exec|dlx|tool|x|start)$/;

/** Of nothing but a launcher and references everything would be a copy. */
function isSpecific(command: string, args: readonly string[]): boolean {
  if (!launchers.test(basename(command)) && literalOf(command) === command) return true;
  return args.some((arg) => !manner.test(arg) && /\w{2}/.test(literalOf(arg)));
}

const reference = /\$\{([^}]*)\}|\$?\{env:[^}]*\}/g;

function literalOf(template: string): string {
  return withReferences(template, '');
}

function withReferences(template: string, replacement: string): string {
  const closed = closedPart(template);
  return closed.replace(reference, replacement) + template.slice(closed.length);
}

/** What stands around the references, one more than there are names. */
type Template = { parts: string[]; names: string[] };

function templateOf(text: string): Template {
  const names = [...closedPart(text).matchAll(reference)].map((match) => match[1] ?? '');
  return { parts: withReferences(text, '\0').split('\0'), names };
}

/** A reference stands for a value that can be an argument or a part of one. Linear: a repository may have written it. */
function matchesTemplate({ parts, names }: Template, text: string): boolean {
  const [head = '', ...others] = parts;
  const tail = others.pop();
  if (tail === undefined) return head === text;
  if (!text.startsWith(head) || !text.endsWith(tail)) return false;
  const between = text.slice(head.length, Math.max(head.length, text.length - tail.length));
  if (others.length === 0) return isPlausible(names[0] ?? '', between, head === '' && tail === '');
  let at = 0;
  for (const part of others) {
    // At least one character for the reference before it.
    const next = between.indexOf(part, at + 1);
    if (next < 0) return false;
    at = next + part.length;
  }
  return at < between.length;
}

function isPlausible(name: string, value: string, isWhole: boolean): boolean {
  if (value === '' || value.includes('\n')) return false;
  if (name === 'PORT') return /^\d{1,5}$/.test(value);
  if (folderNames.some((folder) => folder === name)) return /^(?:\/|[A-Za-z]:)/.test(value);
  // Options are written out; one that stands where a value belongs is another program's.
  return !isWhole || !value.startsWith('-');
}
