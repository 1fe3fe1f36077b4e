import { describe, expect, it } from 'vitest';
import { cutText, padText, textWidth, wrapText } from '../../../../src/cli/render/text-width.ts';

describe('textWidth', () => {
  it('counts columns, not code units', () => {
    expect(textWidth('plain')).toBe(5);
    expect(textWidth('日本')).toBe(4);
    expect(textWidth('e\u0301')).toBe(1);
    expect(textWidth('👩‍👩‍👧')).toBe(2);
    expect(textWidth('naïve…')).toBe(6);
  });
});

describe('cutText', () => {
  it('cuts at whole characters and marks the cut', () => {
    expect(cutText('abcdef', 6)).toBe('abcdef');
    expect(cutText('abcdef', 4)).toBe('abc…');
    expect(cutText('日本語', 4)).toBe('日…');
    expect(cutText('/home/me/project', 9, 'start')).toBe('…/project');
    expect(cutText('abc', 0)).toBe('');
  });
});

describe('padText', () => {
  it('pads by columns', () => {
    expect(padText('日', 4, 'right')).toBe('  日');
    expect(padText('ab', 4, 'left')).toBe('ab  ');
  });
});

describe('wrapText', () => {
  it('breaks at spaces and leaves a long word whole', () => {
    expect(wrapText('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrapText('see https://example.test/path now', 10)).toEqual(['see', 'https://example.test/path', 'now']);
    expect(wrapText('', 10)).toEqual(['']);
  });
});
