import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFileAtomic } from '../../../src/base/atomic-file.ts';
import { AppError } from '../../../src/base/errors.ts';
import { addServer, removeServer, setServerEnabled } from '../../../src/config/edit.ts';
import { parseJsonc } from '../../../src/config/jsonc.ts';

let home = '';
let configPath = '';
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'config-edit-')));
  configPath = join(home, 'c.json');
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const target = () => ({ configPath, env: { HOME: home } });
const write = (text: string, mode = 0o600) => {
  writeFileSync(configPath, text);
  chmodSync(configPath, mode);
};
const read = () => readFileSync(configPath, 'utf8');
function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
  return 'none';
}

const commented = `// top
{
    "$schema": "s",
    /* all */ "mcpServers": {
        // about a
        "a": { "command": "x" }, // after a
        // about b
        "b": {
            "command": "y", // why
            "unknown": [1, 2]
        } // after b
        // "old": {}
    },
    "http": { "port": 1 }
}
`;

describe('adding', () => {
  it('creates file and folders for this user only', () => {
    configPath = join(home, 'lib', 'deep', 'c.json');
    const result = addServer(target(), { name: 'a', definition: { command: 'x' } });
    expect(result).toEqual({ path: configPath, isCreated: true, isChanged: true });
    expect(read()).toBe('{\n  "mcpServers": {\n    "a": {\n      "command": "x"\n    }\n  }\n}\n');
    expect([statSync(configPath).mode & 0o777, statSync(join(home, 'lib')).mode & 0o777]).toEqual([0o600, 0o700]);
  });

  it('puts the entry last, with the indentation and comments of the file', () => {
    write(commented, 0o640);
    addServer(target(), { name: 'c', definition: { command: 'z', args: [] } });
    expect(read()).toBe(
      commented
        .replace('        } // after b\n', '        }, // after b\n')
        .replace(
          '        // "old": {}\n',
          '        // "old": {}\n        "c": {\n            "command": "z",\n            "args": []\n        }\n',
        ),
    );
    expect(statSync(configPath).mode & 0o777).toBe(0o640);
  });

  it.each([
    ['{}', '{\n  "mcpServers": {\n    "a": {}\n  }\n}'],
    ['{"mcpServers":{}}', '{"mcpServers":{\n  "a": {}\n}}'],
    ['{"x":1}', '{"x":1,\n  "mcpServers": {\n    "a": {}\n  }\n}'],
    [
      '{\r\n\t"mcpServers": {\r\n\t\t"b": 1,\r\n\t},\r\n}',
      '{\r\n\t"mcpServers": {\r\n\t\t"b": 1,\r\n\t\t"a": {}\r\n\t},\r\n}',
    ],
    ['\ufeff{ "mcpServers": { } }', '\ufeff{ "mcpServers": {\n  "a": {}\n} }'],
  ])('keeps the layout of %j', (before, after) => {
    write(before);
    addServer(target(), { name: 'a', definition: { command: 'x' } });
    expect(read().replace(/\{\s*"command": "x"\s*\}/, '{}')).toBe(after);
  });

  it('refuses a taken name, a look-alike, a bad name and a bad definition, and writes nothing', () => {
    write(commented);
    const add = (name: string, definition: unknown) => codeOf(() => addServer(target(), { name, definition }));
    expect(add('a', { command: 'x' })).toBe('SERVER_EXISTS');
    expect(add('A', { command: 'x' })).toBe('SERVER_EXISTS');
    expect(add('..', { command: 'x' })).toBe('CONFIG_INVALID');
    expect(add('n', { type: 'http' })).toBe('CONFIG_INVALID');
    expect(read()).toBe(commented);
  });

  it('replaces when told to', () => {
    write(commented);
    addServer(target(), { name: 'a', definition: { url: 'http://h' }, replace: true });
    expect(read()).toBe(commented.replace('{ "command": "x" }', '{\n            "url": "http://h"\n        }'));
  });
});

describe('removing', () => {
  it('takes the entry and its comma, no comment', () => {
    write(commented);
    removeServer(target(), 'a');
    expect(read()).toBe(commented.replace('"a": { "command": "x" }, // after a', ' // after a'));
  });

  it('takes the comma before the last entry', () => {
    write('{\n  "mcpServers": {\n    "a": {}, // a\n    "b": {}\n  }\n}\n');
    removeServer(target(), 'b');
    expect(read()).toBe('{\n  "mcpServers": {\n    "a": {} // a\n  }\n}\n');
  });

  it('takes whole lines where nothing else stands on them', () => {
    write('{\n  "mcpServers": {\n    "a": {\n      "command": "x"\n    },\n    "b": {}\n  }\n}\n');
    removeServer(target(), 'a');
    expect(read()).toBe('{\n  "mcpServers": {\n    "b": {}\n  }\n}\n');
  });

  it('says which name was meant', () => {
    write('{"mcpServers":{"github":{}}}');
    expect(() => removeServer(target(), 'githib')).toThrow(
      expect.objectContaining({ code: 'SERVER_UNKNOWN', hint: 'Did you mean "github"?' }),
    );
  });
});

describe('enabling', () => {
  it.each<[string, boolean, string]>([
    ['{"enabled": true}', false, '{"enabled": false}'],
    ['{"disabled": true}', true, '{"disabled": false}'],
    ['{"disabled": false}', false, '{"disabled": true}'],
    ['{"enabled": false, "disabled": true}', true, '{"enabled": true, "disabled": false}'],
    ['{"command": "x"}', false, '{"command": "x",\n  "enabled": false\n}'],
  ])('%s to %s gives %s', (before, enabled, after) => {
    write(`{"mcpServers":{"a":${before}}}`);
    expect(setServerEnabled(target(), 'a', enabled).isChanged).toBe(true);
    expect(read()).toBe(`{"mcpServers":{"a":${after}}}`);
  });

  it('leaves a file alone that says so already', () => {
    write('{"mcpServers":{"a":{}}}');
    const before = statSync(configPath).ino;
    expect(setServerEnabled(target(), 'a', true).isChanged).toBe(false);
    expect(statSync(configPath).ino).toBe(before);
  });
});

describe('a file that must not be written', () => {
  it.each(['', '{ "mcpServers": ', '[]', '{"mcpServers": []}'])('%j stays as it is', (text) => {
    write(text);
    expect(codeOf(() => addServer(target(), { name: 'a', definition: { command: 'x' } }))).toBe('CONFIG_INVALID');
    expect(read()).toBe(text);
    expect(readdirSync(home)).toEqual(['c.json']);
  });

  it('behind a link inside the home is followed, and the link stays', () => {
    mkdirSync(join(home, 'dotfiles'));
    writeFileSync(join(home, 'dotfiles', 'real.json'), '{}');
    symlinkSync('dotfiles/real.json', configPath);
    const result = addServer(target(), { name: 'a', definition: { command: 'x' } });
    expect(result.path).toBe(join(home, 'dotfiles', 'real.json'));
    expect(lstatSync(configPath).isSymbolicLink()).toBe(true);
    expect(readFileSync(result.path, 'utf8')).toContain('"a"');
  });

  it('behind a link that leaves the home, or leads nowhere, is refused', () => {
    const outside = mkdtempSync(join(tmpdir(), 'config-outside-'));
    try {
      writeFileSync(join(outside, 'o.json'), '{}');
      symlinkSync(join(outside, 'o.json'), configPath);
      const add = () => addServer(target(), { name: 'a', definition: { command: 'x' } });
      expect(codeOf(add)).toBe('CONFIG_UNSAFE');
      expect(readFileSync(join(outside, 'o.json'), 'utf8')).toBe('{}');
      rmSync(join(outside, 'o.json'));
      expect(codeOf(add)).toBe('CONFIG_UNSAFE');
      expect(existsSync(join(outside, 'o.json'))).toBe(false);
    } finally {
      rmSync(outside, { recursive: true, force: true });
    }
  });

  it('because another editor wrote it meanwhile keeps what that one wrote', () => {
    write('{"mcpServers":{}}');
    // The definition is read while the new text is made: here somebody else saves at that very moment.
    const definition = {
      command: 'x',
      toJSON: () => {
        writeFileSync(configPath, '{"mcpServers":{"theirs":{"command":"t"}}}');
        return { command: 'x' };
      },
    };
    expect(codeOf(() => addServer(target(), { name: 'a', definition }))).toBe('CONFIG_CONFLICT');
    expect(read()).toBe('{"mcpServers":{"theirs":{"command":"t"}}}');
    expect(readdirSync(home)).toEqual(['c.json']);
  });
});

it('a refused rename leaves neither the new content nor a temporary file', () => {
  write('old');
  const refuse = () => {
    throw new Error('no');
  };
  expect(() => writeFileAtomic(configPath, 'new', { beforeRename: refuse })).toThrow('no');
  expect([read(), readdirSync(home)]).toEqual(['old', ['c.json']]);
});

describe('whatever the file looks like', () => {
  const gap = fc
    .array(fc.constantFrom(' ', '\n', '  ', '/* c, } */', '// l, {\n', '\t'), { maxLength: 3 })
    .map((p) => p.join(''));
  const value = fc.constantFrom(
    '{}',
    '{ "command": "x" }',
    '{"command":"y",/*k*/"args":[1,]}',
    '{\n"enabled": true // e\n}',
  );
  const entry = fc.tuple(gap, gap, value, gap, gap);
  const file = fc
    .tuple(fc.array(entry, { maxLength: 4 }), gap, fc.boolean(), gap)
    .map(([entries, tail, trailing, outer]) => {
      const body = entries.map(([a, b, text, c, d], i) => {
        const comma = i < entries.length - 1 || trailing ? `,${d}` : '';
        return `${a}"s${i}"${b}:${text}${c}${comma}`;
      });
      return {
        count: entries.length,
        text: `{${outer}"before": 1, "mcpServers": {${body.join('')}${tail}}, "after": [1, ]${outer}}`,
      };
    });
  const configIn = (text: string) => {
    const parsed = parseJsonc(text);
    if (!parsed.root) throw new Error(`${JSON.stringify(text)}: ${parsed.problems[0]?.what}`);
    // Plain objects instead of those without a prototype, for toEqual.
    const plain: { mcpServers: Record<string, unknown> } = JSON.parse(JSON.stringify(parsed.value));
    return plain;
  };
  /** `after` with one piece put in for one piece of `before`: every other byte is the same. */
  const isSubsequence = (shorter: string, longer: string) => {
    let at = 0;
    for (const char of longer) if (char === shorter[at]) at += 1;
    return at === shorter.length;
  };

  it('adding only inserts text, and reads back as the old plus the new', () => {
    fc.assert(
      fc.property(file, ({ text }) => {
        write(text);
        const before = configIn(text);
        addServer(target(), { name: 'new', definition: { command: 'n' } });
        expect(configIn(read())).toEqual({ ...before, mcpServers: { ...before.mcpServers, new: { command: 'n' } } });
        expect(Object.keys(configIn(read()).mcpServers).at(-1)).toBe('new');
        const inserted = /\s*"new": \{\s*"command": "n"\s*\}/.exec(read())?.[0] ?? 'none';
        expect(read().replace(inserted, '').replace(/[\s,]/g, '')).toBe(text.replace(/[\s,]/g, ''));
      }),
      { numRuns: 200 },
    );
  });

  it('removing only takes text away, keeps every comment outside the entry, and reads back as the old less one', () => {
    fc.assert(
      fc.property(file, fc.nat(), ({ text, count }, pick) => {
        fc.pre(count > 0);
        const name = `s${pick % count}`;
        write(text);
        const before = configIn(text);
        removeServer(target(), name);
        const { [name]: _, ...rest } = before.mcpServers;
        expect(configIn(read())).toEqual({ ...before, mcpServers: rest });
        expect(isSubsequence(read(), text)).toBe(true);
        const comments = (source: string) => source.split('/* c, } */').length + source.split('// l, {').length;
        const own = new RegExp(`"${name}"((?:\\s|/\\*.*?\\*/|//.*?\\n)*):`).exec(text)?.[1] ?? '';
        expect(comments(read()) - 2).toBe(comments(text) - 2 - (comments(own) - 2));
      }),
      { numRuns: 200 },
    );
  });

  it('switching off and on again reads back as it was, but for the switch', () => {
    fc.assert(
      fc.property(file, fc.nat(), ({ text, count }, pick) => {
        fc.pre(count > 0);
        const name = `s${pick % count}`;
        write(text);
        const before = configIn(text);
        setServerEnabled(target(), name, false);
        setServerEnabled(target(), name, true);
        const was = before.mcpServers[name];
        expect(configIn(read())).toEqual({
          ...before,
          mcpServers: { ...before.mcpServers, [name]: { ...(typeof was === 'object' ? was : {}), enabled: true } },
        });
      }),
      { numRuns: 100 },
    );
  });
});
