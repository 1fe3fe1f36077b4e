import { badArgument, type ParsedArgs } from './args.ts';

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
