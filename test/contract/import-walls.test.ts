// Who may import whom: scripts/rooms.ts is compared with the imports. Breaks when a folder reaches for one it must not know,
// when the thin side gets a package, when a permission is left that nobody uses, or when files go in a circle.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';
import { rooms } from '../../scripts/rooms.ts';

type Import = { file: string; specifier: string };

const thinSide = ['base', 'mcp', 'mcp/eras', 'link', 'daemon-client', 'wrapper', 'hooks'];

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? sources(path) : entry.name.endsWith('.ts') ? [path] : [];
  });
}

function imports(): Import[] {
  return sources(join(root, 'src')).flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    const found = text.matchAll(/(?:^(?:import|export)\b[^'"`;]*?\bfrom|^import|\b(?:import|require)\()\s*'([^']+)'/gm);
    return [...found].map((match) => ({ file: relative(join(root, 'src'), file), specifier: match[1] ?? '' }));
  });
}

const found = imports().filter(({ specifier }) => !specifier.startsWith('node:'));
const arrows = found
  .filter(({ specifier }) => specifier.startsWith('.'))
  .map(({ file, specifier }) => ({ file, target: relative('/', resolve('/', dirname(file), specifier)) }));
const words = (text: string | undefined) => (text ? text.split(' ') : []);
const roomNames = Object.keys(rooms);

/** Every circle of `next`, by one of its members. */
function circles(all: Iterable<string>, next: (of: string) => readonly string[]): string[] {
  const reach = (from: string, seen: Set<string>): Set<string> => {
    for (const to of next(from)) if (!seen.has(to)) reach(to, seen.add(to));
    return seen;
  };
  return [...all].filter((one) => reach(one, new Set()).has(one));
}

describe('import walls', () => {
  it('reads the sources, each of which lies in a room', () => {
    expect(found.length).toBeGreaterThan(1_000);
    expect([...new Set(found.map(({ file }) => dirname(file)))].sort()).toEqual([...roomNames].sort());
  });

  it.each(roomNames)('%s knows the rooms that are named, and no permission is unused', (room) => {
    const known = arrows.filter(({ file }) => dirname(file) === room).map(({ target }) => dirname(target));
    expect([...new Set(known)].filter((other) => other !== room).sort()).toEqual(words(rooms[room]?.knows));
  });

  it.each(roomNames)('%s loads the packages that are named, and no permission is unused', (room) => {
    const packages = found
      .filter(({ file, specifier }) => dirname(file) === room && !specifier.startsWith('.'))
      .map(({ specifier }) =>
        specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/'),
      );
    expect([...new Set(packages)].sort()).toEqual(words(rooms[room]?.packages));
  });

  it('gives the thin side no package, and nothing from the heavy side', () => {
    for (const name of thinSide) {
      expect(rooms[name]?.packages, name).toBeUndefined();
      expect(
        words(rooms[name]?.knows).filter((other) => !thinSide.includes(other)),
        name,
      ).toEqual([]);
    }
  });

  it('has no circle of files, types included', () => {
    const files = new Set(arrows.map(({ file }) => file));
    const next = new Map(
      [...files].map((of) => [of, arrows.filter(({ file }) => file === of).map(({ target }) => target)]),
    );
    expect(circles(files, (file) => next.get(file) ?? [])).toEqual([]);
  });

  it('has no circle of top folders; a folder and its own rooms may know each other', () => {
    const top = (room: string) => room.split('/')[0] ?? '';
    const knows = (folder: string) =>
      roomNames
        .filter((room) => top(room) === folder)
        .flatMap((room) => words(rooms[room]?.knows).map(top))
        .filter((other) => other !== folder);
    expect(circles(new Set(roomNames.map(top)), knows)).toEqual([]);
  });

  it('has no file over 300 lines', () => {
    const long = sources(join(root, 'src')).filter((file) => readFileSync(file, 'utf8').split('\n').length - 1 > 300);
    expect(long.map((file) => relative(root, file))).toEqual([]);
  });

  it('names no file after nothing in particular', () => {
    const vague = /^(?:utils?|helpers?|common|misc|types|index)\.ts$/;
    expect(sources(join(root, 'src')).filter((file) => vague.test(file.split('/').at(-1) ?? ''))).toEqual([]);
  });

  it('calls process.exit only in the entries', () => {
    const exits = sources(join(root, 'src')).filter((file) => /\bprocess\.exit\(/.test(readFileSync(file, 'utf8')));
    expect(exits.map((file) => relative(root, file)).filter((file) => !file.endsWith('/main.ts'))).toEqual([]);
  });
});
