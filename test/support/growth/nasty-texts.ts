// Texts that make careless patterns try everything twice: one piece over and over, then an end that no pattern waits for.

const pieces: readonly string[] = [
  ...[' ', '\t', '\n', '\r', '\r\n', '\u00a0', '\0', '\u2028'],
  ...['a', 'A', 'aA', '0', '1.0', '1', '-', '_', '-a', 'a-', 'a.', '.', '..', '/', './', 'a/', '\\', '~'],
  ...['"', "'", '`', '"a', '\\"', '\\\\"', '"\\', '"a":"b",', '"key', '"token":', "'a'", '""', '`a '],
  ...['{', '}', '[', ']', '(', ')', '<', '{}', '[]', '[1,', '{"a":', '["a",', '[a]', '(a|', '(?:', '$|', ')('],
  ...[
    '${',
    '${A',
    '${A:-',
    '${A}',
    '{env:',
    '{env:A}',
    '${CLAUDE_PROJECT_DIR:-',
    '{+a}',
    '{a}',
    '{+a}a',
    '{a}a/',
    '{+',
  ],
  ...['*', 'a*', '**/', '*a*', '?', '#', ' #', '@', '@sha256:', '.git@', '=', 'a=', 'export ', '&key', '?token', '%'],
  ...['eyJ', 'eyJ-', 'eyJaaaaaaaa.', 'sk-', 'ghp_', 'github_pat_', 'xoxb-', 'Bearer ', 'bearer\t', '://a:', '://'],
  ...['token=', 'token =', 'token: ', 'api_key', 'api_key="', 'token\\"', 'Authorization: ', 'password:"', 'secret '],
  ...['mcp__', 'mcp__a__', 'mcp-', 'node_modules/', 'servers/src/', 'a==', 'a::', 'a__', '|', '| ', '|a', ';', ','],
  ...[', and ', ' and', ', then ', 'next 1 ', 'a.md ', '/a.b', 'https://', 'www.', 'gitdir: ', 'data:\n', 'id: 1\n'],
  ...['\u001b[', '\u001b]', '\u001b[0;', '\u0301', '\u0301\u0323', 'e\u0301', '\u{1f1e6}', '\u{1f468}\u200d', '中'],
  ...[
    'ก',
    'ア',
    '\ud800',
    '\udc00',
    'İ',
    'ﷺ',
    '\u202e',
    '\u202b\u2069',
    'x-mcp-header',
    'already ',
    'session ',
    'one-',
  ],
];

/** Behind a name, where an assignment or its value would follow. */
const behindNames: readonly string[] = [' ', '\t', '\\', '"', "'", ' "', '\\"', '=', '= ', ': ', '="', "='", 'a'];

export type NastyText = { name: string; make: (size: number) => string };

function nasty(before: string, piece: string): NastyText {
  return {
    name: JSON.stringify(`${before}${piece}`),
    make: (size) => `${before}${piece.repeat(Math.ceil(size / piece.length))}!\nb`,
  };
}

export const nastyTexts: readonly NastyText[] = [
  ...pieces.map((piece) => nasty('', piece)),
  ...behindNames.map((piece) => nasty('token', piece)),
  ...behindNames.map((piece) => nasty('"api_key":', piece)),
];
