// Every error code has its line in docs/errors.md and every line its code; breaks when one is added without the other.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';
import { errorCodes } from '../../src/base/errors.ts';

it('documents exactly the codes that exist', () => {
  const text = readFileSync(join(root, 'docs/errors.md'), 'utf8');
  const documented = [...text.matchAll(/^\|\s*`([A-Z_]+)`/gm)].map((match) => match[1] ?? '');
  expect(documented.toSorted()).toEqual([...errorCodes].toSorted());
});
