// The YAML head of agents, commands and skills. Only lists of tool names are read and extended; everything else is text.

export type ToolListKey = 'tools' | 'disallowedTools' | 'allowed-tools';
export type ToolName = { key: ToolListKey; name: string; line: number };

/** Puts `added` beside `name` in the list `key`. */
export type FrontMatterOp = { op: 'front-matter'; key: ToolListKey; name: string; added: string };

const listKeys: readonly ToolListKey[] = ['tools', 'disallowedTools', 'allowed-tools'];

type Region = { key: ToolListKey; firstLine: number; lines: string[] };

/** MCP tool names in the tool lists of the head. */
export function readToolNames(text: string): ToolName[] {
  return regionsOf(text).flatMap(({ key, firstLine, lines }) =>
    lines.flatMap((line, i) => namesIn(line).map((name) => ({ key, name, line: firstLine + i }))),
  );
}

export function editFrontMatter(text: string, ops: readonly FrontMatterOp[]): string {
  let current = text;
  for (const op of ops) current = addTool(current, op);
  return current;
}

function addTool(text: string, { key, name, added }: FrontMatterOp): string {
  const all = text.split('\n');
  for (const region of regionsOf(text)) {
    if (region.key !== key || region.lines.some((line) => namesIn(line).includes(added))) continue;
    const at = region.lines.findIndex((line) => namesIn(line).includes(name));
    if (at < 0) continue;
    const index = region.firstLine - 1 + at;
    const line = all[index] ?? '';
    const token = findToken(line, name);
    if (token === undefined) continue;
    const written = line.slice(token.start, token.end).replace(name, () => added);
    if (/^\s*-\s/.test(line) && namesIn(line).length === 1) {
      all.splice(index + 1, 0, line.slice(0, token.start) + written + line.slice(token.end));
    } else {
      all[index] = `${line.slice(0, token.end)}, ${written}${line.slice(token.end)}`;
    }
    return all.join('\n');
  }
  return text;
}

/** The lines of each tool list: the key's own line and the indented or dashed ones below it. */
function regionsOf(text: string): Region[] {
  const lines = text.split('\n');
  if (lines[0]?.trimEnd() !== '---') return [];
  const end = lines.findIndex((line, i) => i > 0 && line.trimEnd() === '---');
  if (end < 0) return [];
  const regions: Region[] = [];
  for (let i = 1; i < end; i += 1) {
    const key = listKeys.find((name) => lines[i]?.startsWith(`${name}:`));
    if (key === undefined) continue;
    let last = i + 1;
    while (last < end && /^(?:[ \t]|-\s)/.test(lines[last] ?? '')) last += 1;
    regions.push({ key, firstLine: i + 1, lines: lines.slice(i, last) });
  }
  return regions;
}

const toolName = /mcp__[^\s,\]"'()[{}#]+/g;

function namesIn(line: string): string[] {
  return line.match(toolName) ?? [];
}

/** The name with its quotes, if it has any. */
function findToken(line: string, name: string): { start: number; end: number } | undefined {
  for (const match of line.matchAll(toolName)) {
    if (match[0] !== name) continue;
    const quote = line[match.index - 1];
    const isQuoted = (quote === '"' || quote === "'") && line[match.index + name.length] === quote;
    return isQuoted
      ? { start: match.index - 1, end: match.index + name.length + 1 }
      : { start: match.index, end: match.index + name.length };
  }
  return undefined;
}
