// What the README shows is small, stands alone, and says nothing of the machine it was made on.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';
import { pictures, recordingPath } from '../../scripts/pictures.ts';
import { terminalPicture } from '../../scripts/terminal-picture.ts';

const made = pictures();
const maxBytes = 10_000;

describe.each(made)('%s', (name, text) => {
  it('is what the scripts make', () => {
    expect(readFileSync(join(root, 'docs', name), 'utf8')).toBe(text);
  });

  it('loads nothing, and is small', () => {
    expect(text.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|href|@import|@font-face|<script/);
    expect(Buffer.byteLength(text)).toBeLessThan(maxBytes);
  });

  it('has colours for light and dark, and words for whoever does not see it', () => {
    expect(text).toContain('@media (prefers-color-scheme:dark)');
    expect(text).toMatch(/role="img" aria-labelledby="title desc"/);
    expect(text).toMatch(/<title id="title">[^<]{10,}<\/title>\n<desc id="desc">[^<]{50,}<\/desc>/);
  });

  it('closes what it opens', () => {
    const open: string[] = [];
    for (const [, end, tag = '', self] of text.matchAll(/<(\/?)(\w+)(?:[^<>"]|"[^"<>]*")*?(\/?)>/g)) {
      if (end) expect(open.pop()).toBe(tag);
      else if (!self) open.push(tag);
    }
    expect(open).toEqual([]);
  });
});

describe('the recording', () => {
  it('was played to its end and names no folder but its scratch one', () => {
    const text = readFileSync(recordingPath, 'utf8');
    expect(text).toContain('the folder is removed');
    expect(text).not.toContain('✗');
    const paths = [...text.matchAll(/(?<![\w~])\/[\w./-]+/g)].map(([path]) => path);
    expect(paths.filter((path) => !/^\/tmp\/mcp-proxy-demo-\w+$/.test(path))).toEqual([]);
  });
});

describe('a terminal as a picture', () => {
  const draw = (recording: string) => terminalPicture({ title: 't', description: 'd', command: 'demo', recording });

  it('keeps colours and blanks, and takes text for text', () => {
    const text = draw('\u001b[1mA <b> & C\u001b[22m\n\n   \u001b[32m✓\u001b[39m done');
    expect(text).toContain('>$ demo</text>');
    expect(text).toContain('<tspan class="b">A &lt;b&gt; &amp; C</tspan></text>');
    expect(text).toContain('>   <tspan class="g">✓</tspan> done</text>');
  });

  it('refuses a sequence that it would lose', () => {
    expect(() => draw('\u001b[2Jgone')).toThrow('is not known');
  });
});
