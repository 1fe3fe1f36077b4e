// The table of error codes and what is made of it. Breaks when a code is written that has no row, when a row is left whose
// code nobody uses, or when a code is used for what its row denies.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';
import { errorDocument } from '../../scripts/error-document.ts';
import { callFate, errorRows, isErrorCode } from '../../src/base/errors.ts';

const table = join('base', 'errors.ts');
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && file !== table)
  .map((file) => ({ file, text: readFileSync(join(root, 'src', file), 'utf8') }));

it('documents exactly the codes that exist', () => {
  const text = errorDocument();
  const documented = [...text.matchAll(/^\|\s*`([A-Z_]+)`/gm)].map((match) => match[1] ?? '');
  expect(documented).toEqual(Object.keys(errorRows).toSorted());
  expect(readFileSync(join(root, 'docs/errors.md'), 'utf8')).toBe(text);
});

it('has a row for every code that is written, and none that nobody writes', () => {
  // Codes of the system (EACCES, ERR_…) are not ours.
  const written = sources.flatMap(({ file, text }) =>
    [...text.matchAll(/\bcode: '([A-Z]+_[A-Z_]+|INTERNAL)'/g)].map((match) => ({ file, code: match[1] ?? '' })),
  );
  expect(written.filter(({ code }) => !isErrorCode(code) && !code.startsWith('ERR_'))).toEqual([]);
  const all = sources.map(({ text }) => text).join('\n');
  expect(Object.keys(errorRows).filter((code) => !all.includes(`'${code}'`))).toEqual([]);
});

it('never says of a call that it ran where its code says that it did not', () => {
  const said = sources.flatMap(({ file, text }) =>
    [...text.matchAll(/code: '([A-Z_]+)',[^;]*?mayHaveRun: (true|false)/g)].map(([, code, value]) => ({
      ...{ file, code, mayHaveRun: value === 'true' },
    })),
  );
  expect(said.length).toBeGreaterThan(5);
  for (const { file, code, mayHaveRun } of said) {
    const row = isErrorCode(code) ? errorRows[code] : undefined;
    if (row && 'mayHaveRun' in row) expect(mayHaveRun, `${code} in ${file}`).toBe(row.mayHaveRun);
  }
});

it('says of a call whether to repeat it by whether it may have run', () => {
  expect(callFate('CALL_TIMEOUT')).toEqual({ mayHaveRun: true, retry: 'check-first' });
  expect(callFate('SERVER_OVERLOADED')).toEqual({ mayHaveRun: false, retry: 'safe' });
  expect(callFate('SERVER_DISABLED')).toEqual({ mayHaveRun: false, retry: 'after-fix' });
  expect(callFate('SERVER_STOPPED')).toEqual({ mayHaveRun: true, retry: 'check-first' });
  expect(callFate('SERVER_STOPPED', false)).toEqual({ mayHaveRun: false, retry: 'safe' });
});
