// What the documents name is there: links, commands with their options, scripts, files. Breaks when one is renamed and the
// other is not.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';
import { verbs } from '../../src/cli/command-table.ts';
import { globalOptions } from '../../src/cli/help.ts';

const folders = ['docs', 'examples', 'skills'];
const documents = [...markdownOf(root, false), ...folders.flatMap((folder) => markdownOf(join(root, folder), true))];
const nameOf = (file: string) => relative(root, file);

function markdownOf(folder: string, isDeep: boolean): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return isDeep ? markdownOf(path, true) : [];
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

const fence = /^```.*\n([\s\S]*?)^```/gm;
const read = (file: string) => readFileSync(file, 'utf8');
const proseOf = (text: string) => text.replace(fence, '');

/** What stands in it as code: whole blocks line by line, and single words and lines between backticks. */
function codeOf(text: string): string[] {
  const blocks = [...text.matchAll(fence)].flatMap(([, block = '']) => block.split('\n'));
  const spans = [...proseOf(text).matchAll(/`([^`\n]+(?:\n[^`\n]+)?)`/g)].map(([, span = '']) =>
    span.replace('\n', ' '),
  );
  return [...blocks, ...spans];
}

const top = ['src', 'test', 'scripts', 'docs', 'bench', 'bin', 'dist', 'hooks', 'skills', 'examples'];
const rooms = readdirSync(join(root, 'src'));
/** From the repository's root, or from src/ as people name a file: `base/errors`. Not one with a placeholder. */
const pathPattern = new RegExp(
  `(?<![\\w./~$}-])(?:${[...new Set([...top, ...rooms])].join('|')})/[\\w./-]*\\w(?![\\w.-]*[*<])`,
  'g',
);

function isThere(path: string): boolean {
  // Methods of MCP.
  if (/^tools\/(?:list|call)$/.test(path)) return true;
  return [path, join('src', path), join('src', `${path}.ts`)].some((place) => existsSync(join(root, place)));
}

/** As pages show headings: `## What it is` is `#what-it-is`. */
function anchorsOf(text: string): string[] {
  return [...proseOf(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function brokenLinks(file: string): string[] {
  const links = [...proseOf(read(file)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  return links.filter((link) => {
    if (/^https?:\/\//.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? file : join(dirname(file), decodeURIComponent(path));
    // A path from the root leads elsewhere on each page that shows it; one out of the repository leads nowhere.
    if (path.startsWith('/') || relative(root, target).startsWith('..') || !existsSync(target)) return true;
    return anchor !== undefined && !anchorsOf(read(target)).includes(anchor);
  });
}

describe('every document', () => {
  it('is found', () => {
    expect(documents.map(nameOf)).toEqual(expect.arrayContaining(['README.md', join('docs', 'faq.md')]));
  });

  it.each(documents.map(nameOf))('%s links to what exists', (name) => {
    expect(brokenLinks(join(root, name))).toEqual([]);
  });

  it.each(documents.map(nameOf))('%s names scripts of the package that exist', (name) => {
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(read(join(root, 'package.json')));
    const named = codeOf(read(join(root, name))).flatMap((code) => [...code.matchAll(/\bnpm run ([\w:-]+)/g)]);
    expect(named.map(([, script = '']) => script).filter((script) => !(script in scripts))).toEqual([]);
  });
});

describe('every document but the log of decisions and changes', () => {
  // Those say what was so at their time.
  const current = documents.map(nameOf).filter((name) => !/^(?:CHANGELOG\.md$|docs.decisions)/.test(name));

  it.each(current)('%s names files of the repository that exist', (name) => {
    const paths = codeOf(read(join(root, name))).flatMap((code) => [...code.matchAll(pathPattern)]);
    expect(paths.map(([path]) => path).filter((path) => !isThere(path))).toEqual([]);
  });

  it.each(current)('%s names commands and options that exist', async (name) => {
    const lines = codeOf(read(join(root, name))).flatMap((code) => [
      ...code.matchAll(/(?<![\w@-])mcp-proxy ([a-z][a-z-]*\b[^|&;#)\n]*)/g),
    ]);
    const broken = await Promise.all(lines.map(([, line = '']) => mistakeIn(line)));
    expect(broken.flatMap((mistake) => mistake ?? [])).toEqual([]);
  });
});

/** Subcommands are known by their usage: `migrate plan [options]`. What stands behind `--` is another program's. */
async function mistakeIn(line: string): Promise<string | undefined> {
  const [words = ''] = line.split(/ -- /);
  const [name = '', ...rest] = words.trim().split(/[,.:]?\s+/);
  const verb = verbs.find((candidate) => candidate.name === name);
  if (!verb) return `no command: ${line}`;
  const { usage, options } = await verb.load();
  const known = [...options, ...globalOptions].flatMap(({ long, short }) => [
    `--${long}`,
    ...(short ? [`-${short}`] : []),
  ]);
  const unknown = rest.filter((word) => /^--?[a-z]/.test(word) && !known.includes(word.replace(/=.*/, '')));
  if (unknown.length > 0) return `no option ${unknown.join(' ')}: ${line}`;
  const below = usage.flatMap((form) => /^[a-z-]+ ([a-z]+)\b/.exec(form)?.[1] ?? []);
  const [first = ''] = rest;
  return below.length > 1 && /^[a-z]+$/.test(first) && !below.includes(first) ? `no such form: ${line}` : undefined;
}
