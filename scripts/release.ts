// `npm run release -- 1.2.3`: writes the version wherever it stands, builds, and says what is left to do by hand.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { $ } from 'zx';
import { root } from './build-defines.ts';
import { versionPlaces } from './version-places.ts';

const version = process.argv[2] ?? '';
if (!/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version)) {
  console.error('Usage: npm run release -- 1.2.3');
  process.exitCode = 2;
} else {
  for (const { file, pattern } of versionPlaces) {
    const path = join(root, file);
    const text = readFileSync(path, 'utf8');
    writeFileSync(
      path,
      text.replace(pattern, (_all, before: string, _old, after: string) => `${before}${version}${after}`),
    );
  }
  await $({ stdio: 'inherit', cwd: root })`npm install --package-lock-only`;
  await $({ stdio: 'inherit', cwd: root })`npm run build`;
  console.log(`Version ${version} is written. Now: a line in CHANGELOG.md, npm run bench, commit, tag v${version}.`);
}
