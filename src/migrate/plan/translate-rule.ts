// From a rule that names a tool of a server in Claude Code to the same rule for that tool behind our plugin.
import { runInNewContext } from 'node:vm';
import { hostPrefix, keptChars, markedHead, qualifyName } from '../../mcp/tool-name.ts';

/** How Claude Code writes the tools of our plugin's server. */
export const pluginPrefix = hostPrefix;

export type MovedServer = {
  /** `mcp__github`, as written in rules until now. */
  prefixes: readonly string[];
  /** Its part in our tool names. */
  part: string;
};

export type Translation =
  | { kind: 'other' }
  /** `gap`: some tools that the old rule meant may not be meant by the new one. */
  | {
      kind: 'translated';
      rule: string;
      /** Those that the old rule meant too, because the host knew them without characters that their own names have. */
      marked?: string;
      gap?: string;
    }
  /** It means this server, but there is no sure form of it for the new name. */
  | { kind: 'unknown'; why: string };

export function translateRule(rule: string, server: MovedServer): Translation {
  const all = pluginPrefix + server.part;
  for (const prefix of server.prefixes) {
    if (rule === prefix || rule === `${prefix}__*`) return translated(`${all}__*`);
    if (rule.startsWith(`${prefix}__`)) return translateTool(rule.slice(prefix.length + 2), server);
    if (rule.startsWith(`${prefix}(`)) return { kind: 'unknown', why: 'it has conditions in brackets' };
    if (isWildcardFor(rule, prefix)) {
      const covers = isWildcardFor(rule, all);
      return covers ? { kind: 'other' } : { kind: 'unknown', why: 'its * stands inside the server name' };
    }
  }
  return { kind: 'other' };
}

/** A name gets the form that the daemon gives it; a longer one is cut there and here to the same. */
function translateTool(tool: string, { part }: MovedServer): Translation {
  if (/[()]/.test(tool)) return { kind: 'unknown', why: 'it has conditions in brackets' };
  if (!tool.includes('*')) {
    const head = markedHead(part, tool);
    const rule = pluginPrefix + qualifyName(part, tool);
    return head === undefined ? translated(rule) : { kind: 'translated', rule, marked: `${pluginPrefix}${head}*` };
  }
  const rule = `${pluginPrefix}${part}__${tool}`;
  const head = tool.slice(0, tool.indexOf('*'));
  const isWhole = head.length + 1 === tool.length && head.length <= keptChars(part);
  if (isWhole) return translated(rule);
  const gap = `names longer than the host takes are cut behind ${keptChars(part)} characters, and its * could miss one`;
  return { kind: 'translated', rule, gap };
}

function isWildcardFor(rule: string, prefix: string): boolean {
  const star = rule.indexOf('*');
  return (
    star >= 0 && rule.startsWith('mcp__') && star < prefix.length + 2 && `${prefix}__`.startsWith(rule.slice(0, star))
  );
}

function translated(rule: string): Translation {
  return { kind: 'translated', rule };
}

/** What is left for all patterns of one look at the settings. */
export type PatternTime = { leftMs: number };

/** A pattern that people wrote is done in a millisecond; a repository's may try everything twice for each letter. */
export function patternTime(): PatternTime {
  return { leftMs: 500 };
}

/**
 * A hook matcher for the new name alone, to stand in an entry beside the old one. Claude Code takes a matcher of plain
 * names as a list, anything else as a pattern that may match anywhere.
 */
export function translateMatcher(matcher: string, server: MovedServer, time = patternTime()): Translation {
  if (/^[A-Za-z0-9_|-]+$/.test(matcher)) return translateList(matcher, server);
  let pattern = matcher;
  for (const prefix of server.prefixes) {
    // Behind the whole name only: the server `git` is not meant by `mcp__github__.*`.
    const named = new RegExp(`${prefix}(?=__|[^A-Za-z0-9_-]|$)`, 'g');
    pattern = pattern.replace(named, () => pluginPrefix + server.part);
  }
  if (pattern === matcher) return translatePattern(matcher, server, time);
  if (!isPattern(pattern)) return { kind: 'unknown', why: 'it is not a valid pattern' };
  const missed = [
    ...(findsCutNames(pattern, server) ? [] : [cutNames(server)]),
    ...(missesMarked(pattern, server) ? [markedNames(server)] : []),
  ];
  return translated([pattern, ...missed].join('|'));
}

/** Whether all that it asks of a tool's name stands in the part that no cut takes away. */
function findsCutNames(pattern: string, { part }: MovedServer): boolean {
  const word = `[A-Za-z0-9_-]{1,${keptChars(part)}}`;
  const simple = new RegExp(`^(?:__)?(?:${word}|\\(${word}(?:\\|${word})*\\))?(?:\\.[*+])?$`);
  const [, ...rests] = pattern.split(pluginPrefix + part);
  return rests.every((rest) => simple.test(withoutSigns(rest)) || simple.test(rest.replace(/\$$/, '')));
}

/** Without the ends of groups and alternatives behind it: `$`, `|`, `^`, `)`, `(`, `(?`, `(:`, `(?:`. */
function withoutSigns(pattern: string): string {
  let end = pattern.length;
  for (;;) {
    const length = /(?:[$|^)(]|\(\?|\(:|\(\?:)$/.exec(pattern.slice(Math.max(0, end - 3), end))?.[0].length;
    if (length === undefined) return pattern.slice(0, end);
    end -= length;
  }
}

/** Every name of the server that was cut: a hook that sees one too many can let it pass, one too few cannot stop it. */
function cutNames({ part }: MovedServer): string {
  return `^${pluginPrefix}${part}__[A-Za-z0-9_-]{${keptChars(part)}}_[0-9a-z]{5}$`;
}

/** Where a pattern ends a name that may have lost characters: in each of those stands an underscore. */
function missesMarked(pattern: string, { part }: MovedServer): boolean {
  const [, ...rests] = pattern.split(pluginPrefix + part);
  return rests.some((rest) => rest.includes('$') && /[_.[\\]/.test(rest.replace(/^__/, '')));
}

/** The same of those that lost characters: their names end in more than the pattern knows. */
function markedNames({ part }: MovedServer): string {
  return `^${pluginPrefix}${part}__[A-Za-z0-9_-]*-_${markedEnd}$`;
}

const markedEnd = '[0-9a-z]{5}';

function translateList(matcher: string, server: MovedServer): Translation {
  const rules: string[] = [];
  for (const name of matcher.split('|')) {
    const result = translateRule(name, server);
    if (result.kind === 'unknown') return result;
    if (result.kind !== 'translated') continue;
    rules.push(result.rule.replaceAll('*', '.*'));
    if (result.marked !== undefined) rules.push(result.marked.replace('*', markedEnd));
  }
  if (rules.length === 0) return { kind: 'other' };
  return translated(rules.length === 1 ? `^${rules[0] ?? ''}$` : `^(?:${rules.join('|')})$`);
}

/** A pattern without the server's name may still match its tools: `mcp__.*`, `.*__delete.*`. */
function translatePattern(matcher: string, server: MovedServer, time: PatternTime): Translation {
  if (matcher === '' || matcher === '*' || /^[A-Za-z0-9_|-]+$/.test(matcher) || !isPattern(matcher))
    return { kind: 'other' };
  const probes = ['x', 'get_x', 'delete_x', 'write_x'];
  const named = (prefix: string) => probes.map((probe) => `${prefix}__${probe}`);
  const hitsOld = matchesAny(matcher, server.prefixes.flatMap(named), time);
  const hitsNew = hitsOld && matchesAny(matcher, named(pluginPrefix + server.part), time);
  if (hitsOld === undefined || hitsNew === undefined)
    return { kind: 'unknown', why: 'its pattern takes too long to try' };
  if (!hitsOld || hitsNew) return { kind: 'other' };
  return { kind: 'unknown', why: 'its pattern matches the old names but not the new ones' };
}

/** undefined: it was not done in time. In a context of its own, where a pattern can be stopped. */
function matchesAny(pattern: string, names: readonly string[], time: PatternTime): boolean | undefined {
  if (time.leftMs < 1) return undefined;
  const start = performance.now();
  try {
    const test = 'names.some((name) => new RegExp(pattern).test(name))';
    return runInNewContext(test, { pattern, names }, { timeout: Math.ceil(time.leftMs) }) === true;
  } catch {
    return undefined;
  } finally {
    time.leftMs -= performance.now() - start;
  }
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}
