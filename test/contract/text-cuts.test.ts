// Text is cut in one place. Breaks when something that writes to programs shortens a text by a length of its own: half of a
// surrogate pair, or of a character in bytes, makes a whole message unreadable for some of them.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';

/** Those whose words reach a program or a model, and what these are made of. `cli` and `migrate` write by columns. */
const rooms = [
  ...[
    'base',
    'mcp',
    'link',
    'wrapper',
    'hooks',
    'daemon-client',
    'sessions',
    'results',
    'upstream',
    'catalog',
    'calls',
  ],
  ...['gateway', 'router', 'daemon', 'config'],
];

const list = 'of a list';
const ascii = 'of a text that is ASCII by its making';

/** What stands before `.slice(`, and why that is no cut through a text. */
const allowed: Record<string, Record<string, string>> = {
  'base/cut-text.ts': { text: 'the one place' },
  'mcp/face.ts': { fence: 'a row of one ASCII character' },
  'mcp/tool-name.ts': { slug: ascii, name: ascii, "'0')": ascii },
  'base/process-identity.ts': { rest: list },
  'link/locations.ts': { '': ascii },
  'link/moved-marks.ts': { marks: list },
  'hooks/findings.ts': { 'withinMessage(here': list, marks: list },
  'results/result-path.ts': { 'Object.keys(value)': list },
  'results/result-store.ts': { own: list },
  'results/result-view.ts': { places: list, rows: list, entries: list, 'Object.keys(first)': list },
  'results/shield-note.ts': { '...all': list, names: list },
  'results/shrink.ts': { items: list, 'maxKeyLength)': list, objects: list },
  'results/shrink-text.ts': { rows: list },
  'results/structure-rule.ts': { '])': list },
  'results/text-forms.ts': { records: list },
  'upstream/hazards.ts': { 'first.at': ascii },
  'upstream/process/journal.ts': { '': list, listed: list },
  'upstream/process/process-tree.ts': { state: ascii },
  'upstream/process/server-process.ts': { "'_')": ascii },
  'upstream/login/callback.ts': { "'?')": ascii },
  'catalog/program-age.ts': { named: list },
  'catalog/usable.ts': { faults: list },
  'gateway/dynamic-pool.ts': { ids: list },
  'gateway/jobs.ts': { finished: list, '...running]': list },
  'gateway/tools/call-arguments.ts': { values: list },
  'gateway/tools/invoke-status.ts': { 'job.log': list },
  'gateway/tools/search.ts': { names: list, servers: list },
  'gateway/tools/tool-id.ts': { unknown: list },
  'router/list-answers.ts': { faults: list },
  'router/list-problem.ts': { text: 'at a space' },
  'daemon/findings.ts': { 'definitionHash(now)': ascii },
  'daemon/link-server.ts': { nonce: ascii },
  'daemon/control/explain.ts': { instanceKey: ascii, at: ascii, 'resolution.instanceKey': ascii },
  'daemon/control/status-report.ts': { '': list, 'identity.key': ascii },
  'config/jsonc.ts': { '': list, path: list },
  'config/launch-names.ts': { '': list },
  'config/problems.ts': { issues: list, errors: list, word: 'compared, never shown' },
};

/** A length, rather than a place that was found. */
const isLength = (text: string): boolean => /max|chars|bytes|limit|count|shown|kept|size|length|^\d+$|[+]/i.test(text);

function isCut(method: string, args: readonly string[]): boolean {
  if (method !== 'slice') return true;
  const [from = '', to] = args;
  if (to === undefined) return /^-/.test(from);
  return !/^-\d+$/.test(to) && isLength(to);
}

type Use = { file: string; receiver: string; text: string };

function cutsIn(file: string, source: string): Use[] {
  return [...source.matchAll(/\.(slice|substring|substr)\(/g)].flatMap(({ 0: call, 1: method = '', index }) => {
    const args = argumentsAt(source, index + call.length);
    const receiver = /[\w.#?!\])('"`>-]*$/.exec(source.slice(0, index))?.[0] ?? '';
    if (receiver.includes('digest(') || !isCut(method, args)) return [];
    return [{ file, receiver, text: `${receiver}.${method}(${args.join(', ')})` }];
  });
}

function argumentsAt(source: string, start: number): string[] {
  const found = [''];
  for (let at = start, depth = 0; at < source.length; at += 1) {
    const char = source[at] ?? '';
    if (/[([{]/.test(char)) depth += 1;
    if (/[)\]}]/.test(char)) depth -= 1;
    if (depth < 0) break;
    if (char === ',' && depth === 0) found.push('');
    else found[found.length - 1] += char;
  }
  return found.map((one) => one.trim()).filter((one) => one !== '');
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? sources(path) : entry.name.endsWith('.ts') ? [path] : [];
  });
}

const files = rooms.flatMap((room) => sources(join(root, 'src', room)));
const found = files.flatMap((path) => cutsIn(relative(join(root, 'src'), path), readFileSync(path, 'utf8')));

it('cuts no text by a length but in base/cut-text', () => {
  const strange = found.filter(({ file, receiver }) => allowed[file]?.[receiver] === undefined);
  expect(strange.map(({ file, text }) => `${file}: ${text}`)).toEqual([]);
});

it('allows nothing that is not there', () => {
  const used = new Set(found.map(({ file, receiver }) => `${file} ${receiver}`));
  const rows = Object.entries(allowed).flatMap(([file, row]) =>
    Object.keys(row).map((receiver) => `${file} ${receiver}`),
  );
  expect(rows.filter((row) => !used.has(row))).toEqual([]);
});

it('reads no text from bytes up to a length but in base/last-text', () => {
  const cut = /\.toString\(\s*'utf-?8',\s*0,/;
  const strange = files
    .filter((path) => cut.test(readFileSync(path, 'utf8')))
    .map((path) => relative(join(root, 'src'), path));
  // The ledger's are counted, never shown; the log's lines are whole.
  expect(strange.sort()).toEqual(['base/last-text.ts', 'sessions/result-ledger.ts', 'upstream/process/stderr-sink.ts']);
});

it.each([
  ['const a = text.slice(0, maxChars);', true],
  ['const a = text.slice(0, 40);', true],
  ['const a = text.slice(-tailBytes);', true],
  ['const a = name.substring(0, 3);', true],
  ['const a = text.slice(at, at + 10);', true],
  ['const a = text.slice(at, end);', false],
  ['const a = text.slice(1, -1);', false],
  ['const a = text.slice(prefix.length);', false],
  ["const a = createHash('sha256').digest('hex').slice(0, 8);", false],
])('finds a cut: %s', (source, isFound) => {
  expect(cutsIn('x.ts', source)).toHaveLength(isFound ? 1 : 0);
});
