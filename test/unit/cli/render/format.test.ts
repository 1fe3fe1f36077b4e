import { describe, expect, it } from 'vitest';
import {
  formatAgo,
  formatBytes,
  formatDuration,
  formatMemory,
  plural,
  shortPath,
} from '../../../../src/cli/render/format.ts';

describe('figures for people', () => {
  it('gives bytes in the unit that fits', () => {
    expect([0, 1_023, 1_024, 61 * 1_048_576, 1.25 * 1_073_741_824].map(formatBytes)).toEqual([
      '0 B',
      '1023 B',
      '1 KiB',
      '61 MiB',
      '1.3 GiB',
    ]);
  });

  it('gives durations with at most two units', () => {
    expect([400, 59_400, 60_000, 7_800_000, 7_200_000, 97_200_000, -5].map(formatDuration)).toEqual([
      '0 s',
      '59 s',
      '1 min',
      '2 h 10 min',
      '2 h',
      '1 d 3 h',
      '0 s',
    ]);
  });

  it('marks memory that is not PSS', () => {
    expect(formatMemory({ pssBytes: 1_048_576, rssBytes: 5_000_000 })).toBe('1 MiB');
    expect(formatMemory({ pssBytes: 0, rssBytes: 2_097_152 })).toBe('2 MiB rss');
    expect(formatMemory(undefined)).toBe('');
  });

  it('says nothing for a time that is missing', () => {
    expect(formatAgo('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:03:20Z'))).toBe('3 min ago');
    expect(formatAgo(undefined, 0)).toBe('');
  });

  it('shortens only paths that are below the home', () => {
    expect(shortPath('/home/me/x', '/home/me')).toBe('~/x');
    expect(shortPath('/home/me2/x', '/home/me')).toBe('/home/me2/x');
    expect(shortPath('/x', '/')).toBe('/x');
  });

  it('counts one and many', () => {
    expect([plural(1, 'session'), plural(2, 'process', 'processes')]).toEqual(['1 session', '2 processes']);
  });
});
