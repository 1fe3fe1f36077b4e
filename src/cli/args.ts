// Command line arguments after a table of options. Knows nothing of any command; a mistake becomes BAD_ARGUMENT (exit 2).
import { AppError } from '../base/errors.ts';
import { nearest as nearestSpelling } from '../config/problems.ts';

export type OptionSpec = {
  long: string;
  short?: string;
  /** Placeholder of the value; absent for a switch. */
  value?: string;
  /** May be given several times. */
  isRepeatable?: boolean;
  /** Further words that belong to this option without repeating it, as `claude mcp add -e A=1 B=2` allows. */
  more?: RegExp;
  /** Still ours after pass-through began (see `isPassThrough`). */
  isKnownInCommand?: boolean;
  help: string;
};

export type ArgsSpec = {
  options: readonly OptionSpec[];
  /** Whether the words from here on belong to another program: only options marked `isKnownInCommand` are still ours. */
  isPassThrough?: (positionals: readonly string[]) => boolean;
};

export type ParsedArgs = {
  positionals: string[];
  /** Words behind `--`, or undefined if there was none. */
  rest: string[] | undefined;
  has: (long: string) => boolean;
  /** The last value given. */
  value: (long: string) => string | undefined;
  values: (long: string) => string[];
};

export function parseArgs(words: readonly string[], spec: ArgsSpec): ParsedArgs {
  const found = new Map<string, string[]>();
  const positionals: string[] = [];
  let rest: string[] | undefined;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (word === '--') {
      rest = words.slice(at + 1);
      break;
    }
    const isInCommand = spec.isPassThrough?.(positionals) ?? false;
    const given = word.length > 1 && word.startsWith('-') ? readOption(word, spec.options) : undefined;
    if (!given || (isInCommand && !given.option?.isKnownInCommand)) {
      positionals.push(word);
      continue;
    }
    if (!given.option) throw unknownOption(word, spec.options);
    at += take(found, given.option, given.value, words.slice(at + 1));
  }
  return {
    positionals,
    rest,
    has: (long) => found.has(long),
    value: (long) => found.get(long)?.at(-1),
    values: (long) => found.get(long) ?? [],
  };
}

/** Stores the option's value or values and tells how many of the following words it used. */
function take(
  found: Map<string, string[]>,
  option: OptionSpec,
  inline: string | undefined,
  next: readonly string[],
): number {
  if (option.value === undefined) {
    if (inline !== undefined) throw badArgument(`--${option.long} takes no value, got ${JSON.stringify(inline)}.`);
    found.set(option.long, []);
    return 0;
  }
  const first = inline ?? next[0];
  if (first === undefined || (inline === undefined && first === '--')) {
    throw badArgument(`--${option.long} needs a value: --${option.long} ${option.value}.`);
  }
  const before = found.get(option.long);
  if (before && !option.isRepeatable) throw badArgument(`--${option.long} was given twice.`);
  const values = [...(before ?? []), first];
  let used = inline === undefined ? 1 : 0;
  while (option.more?.test(next[used] ?? '')) {
    values.push(next[used] ?? '');
    used += 1;
  }
  found.set(option.long, values);
  return used;
}

type Given = { option: OptionSpec | undefined; value: string | undefined };

function readOption(word: string, options: readonly OptionSpec[]): Given {
  if (word.startsWith('--')) {
    const equals = word.indexOf('=');
    const long = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const value = equals < 0 ? undefined : word.slice(equals + 1);
    return { option: options.find((option) => option.long === long), value };
  }
  const option = options.find((entry) => entry.short === word[1]);
  if (word.length === 2) return { option, value: undefined };
  // -n50; a switch with something glued to it (-fx) is no option of ours
  return { option: option?.value === undefined ? undefined : option, value: word.slice(2) };
}

function unknownOption(word: string, options: readonly OptionSpec[]): AppError {
  const plain = word.replace(/=.*$/s, '');
  const close = nearest(
    plain.replace(/^-+/, ''),
    options.map((option) => option.long),
  );
  return badArgument(`There is no option ${plain}.`, close ? `Did you mean --${close}?` : undefined);
}

export function badArgument(message: string, hint?: string): AppError {
  return new AppError({ code: 'BAD_ARGUMENT', message, ...(hint === undefined ? {} : { hint }) });
}

/** The candidate that `word` was probably meant to be: the only one that starts so, else the closest in spelling. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const longer = candidates.filter((candidate) => word.length > 1 && candidate.startsWith(word.toLowerCase()));
  return longer.length === 1 ? longer[0] : nearestSpelling(word, candidates);
}

/** Exactly the named words; `?` at the end of a name marks one that may be missing. */
export function takePositionals(args: ParsedArgs, names: readonly string[], usage: string): (string | undefined)[] {
  const needed = names.filter((name) => !name.endsWith('?'));
  const { positionals } = args;
  const missing = needed[positionals.length];
  if (missing) throw badArgument(`The ${missing} is missing.`, `Usage: mcp-proxy ${usage}`);
  const extra = positionals[names.length] ?? args.rest?.[0];
  if (extra !== undefined)
    throw badArgument(`${JSON.stringify(extra)} is one word too many.`, `Usage: mcp-proxy ${usage}`);
  return names.map((_, i) => positionals[i]);
}
