import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { claimTelling, wasTold } from '../../../src/hooks/findings.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'told-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

it('is claimed by one, though both found it untold', () => {
  const folder = join(home, 'told');
  expect([wasTold(folder, 'a'), wasTold(folder, 'a')]).toEqual([false, false]);
  expect([claimTelling(folder, 'a'), claimTelling(folder, 'a')]).toEqual([true, false]);
  expect([wasTold(folder, 'a'), wasTold(folder, 'b')]).toEqual([true, false]);
});
