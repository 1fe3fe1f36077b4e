// One version everywhere; breaks when a manifest is forgotten at a release.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';
import { lineOf, testedNodes } from '../../scripts/tested-nodes.ts';
import { versionPlaces } from '../../scripts/version-places.ts';

it('names the same version in every manifest, in the lock file and as the newest of the changelog', () => {
  const read = (file: string) => readFileSync(join(root, file), 'utf8');
  const found = versionPlaces.map(({ file, pattern }) => pattern.exec(read(file))?.[2]);
  const lock: { version: string } = JSON.parse(read('package-lock.json'));
  const changelog = /^## (?!Unreleased)(\S+)/m.exec(read('CHANGELOG.md'))?.[1];
  expect(new Set([...found, lock.version, changelog])).toEqual(new Set([lock.version]));
});

it('names in the README and the contributing guide the lines of Node that the gate runs', () => {
  const lines = testedNodes
    .map(lineOf)
    .join(', ')
    .replace(/, (\d+)$/, ' and $1');
  expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(`tested with ${lines}`);
  expect(readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')).toContain(`on Node ${lines}`);
});
