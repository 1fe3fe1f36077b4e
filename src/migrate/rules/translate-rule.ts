// From a rule that names a tool of a server in Claude Code to the same rule for that tool behind our plugin.

/** How Claude Code writes the tools of our plugin's server. */
export const pluginPrefix = 'mcp__plugin_mcp-proxy_s__';

/** Longest tool name the API is reported to accept; longer ones get a short form that only the daemon knows. */
const maxToolNameChars = 64;

export type MovedServer = {
  /** `mcp__github`, as written in rules until now. */
  prefixes: readonly string[];
  /** Its name in our config; its own short form. */
  name: string;
};

export type Translation =
  | { kind: 'other' }
  | { kind: 'translated'; rule: string }
  /** It means this server, but there is no sure form of it for the new name. */
  | { kind: 'unknown'; why: string };

export function translateRule(rule: string, server: MovedServer): Translation {
  for (const prefix of server.prefixes) {
    if (rule === prefix || rule === `${prefix}__*`) return translated(`${pluginPrefix}${server.name}__*`);
    if (rule.startsWith(`${prefix}__`)) return translateTool(rule.slice(prefix.length + 2), server);
    if (rule.startsWith(`${prefix}(`)) return { kind: 'unknown', why: 'it has conditions in brackets' };
    if (isWildcardFor(rule, prefix)) {
      const covers = isWildcardFor(rule, `${pluginPrefix}${server.name}`);
      return covers ? { kind: 'other' } : { kind: 'unknown', why: 'its * stands inside the server name' };
    }
  }
  return { kind: 'other' };
}

function translateTool(tool: string, server: MovedServer): Translation {
  const plain = `${pluginPrefix}${server.name}__${tool}`;
  if (plain.length <= maxToolNameChars) return translated(plain);
  return {
    kind: 'unknown',
    why: `with our prefix it has more than ${maxToolNameChars} characters and gets a short form`,
  };
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

/**
 * A hook matcher for the new name alone, to stand in an entry beside the old one. Claude Code takes a matcher of plain
 * names as a list, anything else as a pattern that may match anywhere.
 */
export function translateMatcher(matcher: string, server: MovedServer): Translation {
  if (/^[A-Za-z0-9_|-]+$/.test(matcher)) return translateList(matcher, server);
  let pattern = matcher;
  for (const prefix of server.prefixes) {
    // Behind the whole name only: the server `git` is not meant by `mcp__github__.*`.
    const named = new RegExp(`${prefix}(?=__|[^A-Za-z0-9_-]|$)`, 'g');
    pattern = pattern.replace(named, () => pluginPrefix + server.name);
  }
  if (pattern === matcher) return translatePattern(matcher, server);
  return isPattern(pattern) ? translated(pattern) : { kind: 'unknown', why: 'it is not a valid pattern' };
}

function translateList(matcher: string, server: MovedServer): Translation {
  const rules: string[] = [];
  for (const name of matcher.split('|')) {
    const result = translateRule(name, server);
    if (result.kind === 'unknown') return result;
    if (result.kind === 'translated') rules.push(result.rule.replaceAll('*', '.*'));
  }
  if (rules.length === 0) return { kind: 'other' };
  return translated(rules.length === 1 ? `^${rules[0] ?? ''}$` : `^(?:${rules.join('|')})$`);
}

/** A pattern without the server's name may still match its tools: `mcp__.*`, `.*__delete.*`. */
function translatePattern(matcher: string, server: MovedServer): Translation {
  if (matcher === '' || matcher === '*' || /^[A-Za-z0-9_|-]+$/.test(matcher) || !isPattern(matcher))
    return { kind: 'other' };
  const pattern = new RegExp(matcher);
  const probes = ['x', 'get_x', 'delete_x', 'write_x'];
  const hits = (prefix: string) => probes.some((probe) => pattern.test(`${prefix}__${probe}`));
  const hitsOld = server.prefixes.some(hits);
  if (!hitsOld || hits(`${pluginPrefix}${server.name}`)) return { kind: 'other' };
  return { kind: 'unknown', why: 'its pattern matches the old names but not the new ones' };
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}
