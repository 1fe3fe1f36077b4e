// docs/errors.md: the rows of src/base/errors.ts with their texts.
import { callFate, type ErrorCode, errorRow, isErrorCode } from '../src/base/errors.ts';
import { errorTexts } from './error-texts.ts';

export function errorDocument(): string {
  return [
    '# Errors',
    '',
    'Generated from `src/base/errors.ts` and `scripts/error-texts.ts` by `npm run docs`. Do not edit.',
    '',
    'Every message says what happened and to what; the hint says what to do. The code is the same in the answer to a call, in `mcp-proxy status`, in the log and in the control API.',
    '',
    'A call that failed also says whether its server may have run it (`mayHaveRun`) and whether to repeat it (`retry`): `safe`; `check-first`, because it may have taken effect; `after-fix`, because nothing changes before somebody mended the cause. A server that died adds `exitCode`, `signal` and its last words (`stderr`). In the result of a tool all of it stands in `_meta["aitkit/error"]`.',
    '',
    'Where the code alone tells whether a call ran, the column Call says so; otherwise the answer does. HTTP is the status in the control API.',
    '',
    '| Code | What it means | What helps | Call | HTTP |',
    '|---|---|---|---|---|',
    ...Object.keys(errorTexts).filter(isErrorCode).toSorted().map(row),
    '',
  ].join('\n');
}

function row(code: ErrorCode): string {
  const { means, helps } = errorTexts[code];
  return `| \`${code}\` | ${means} | ${helps} | ${fate(code)} | ${errorRow(code).status} |`;
}

function fate(code: ErrorCode): string {
  if (errorRow(code).mayHaveRun === undefined) return '';
  const { mayHaveRun, retry } = callFate(code);
  return `${mayHaveRun ? 'may have run' : 'did not run'}, \`${retry}\``;
}
