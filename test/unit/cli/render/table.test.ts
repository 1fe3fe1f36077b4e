import { describe, expect, it } from 'vitest';
import { createStyles, plain } from '../../../../src/cli/render/style.ts';
import { renderTable } from '../../../../src/cli/render/table.ts';

const columns = [
  { header: 'NAME', shrinkTo: 4 },
  { header: 'N', align: 'right' },
  { header: 'PATH', shrinkTo: 6, cutFrom: 'start' },
] as const;

describe('renderTable', () => {
  it('aligns by columns on the screen and leaves no trailing spaces', () => {
    const rows = [
      ['memory', '1', '~/a'],
      ['日本', '12', ''],
    ];
    expect(renderTable(columns, rows, { width: 80, paint: plain })).toEqual([
      'NAME     N  PATH',
      'memory   1  ~/a',
      '日本    12',
    ]);
  });

  it('cuts the widest columns that may shrink until the row fits', () => {
    const rows = [['a-very-long-name', '1', '/home/somebody/project']];
    expect(renderTable(columns, rows, { width: 26, paint: plain, indent: '  ' })).toEqual([
      '  NAME       N  PATH',
      '  a-very-l…  1  …y/project',
    ]);
  });

  it('leaves out a column in which nothing stands', () => {
    expect(renderTable(columns, [['x', '', '/p']], { width: 80, paint: plain })).toEqual(['NAME  PATH', 'x     /p']);
  });

  it('colours after padding, and counts the columns of what is written out', () => {
    const rows = [[{ text: 'ok', style: 'green' } as const, '1', '\u001b[31mred']];
    const { paint, finish } = createStyles();
    const row = renderTable(columns, rows, { width: 80, paint })[1] ?? '';
    expect(finish(row, (text) => text)).toBe('\u001b[32mok  \u001b[39m  1  \\u001b[31mred');
    const names = [['\u202eab', '1', '/p']];
    expect(renderTable(columns, names, { width: 80, paint: plain })).toEqual(['NAME      N  PATH', '\\u202eab  1  /p']);
  });
});
