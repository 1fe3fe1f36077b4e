// Runs one migration or undo in its own process and is killed before the n-th change of the disk. Bundled by
// migrate-kill.test.ts; argv: home, verb, n.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const [, , home = '', verb = '', limit = '0'] = process.argv;

let count = 0;
const deadly = [
  'writeSync',
  'renameSync',
  'linkSync',
  'unlinkSync',
  'mkdirSync',
  'rmdirSync',
  'openSync',
  'fchmodSync',
] as const;
for (const name of deadly) {
  const real = fs[name];
  Object.defineProperty(fs, name, {
    value: (...args: unknown[]) => {
      // Reading opens files too; only what is below the home counts.
      const isReading =
        name === 'openSync' &&
        typeof args[1] === 'number' &&
        (args[1] & (fs.constants.O_WRONLY | fs.constants.O_RDWR)) === 0;
      if (!isReading) {
        count += 1;
        if (count === Number(limit)) process.kill(process.pid, 'SIGKILL');
      }
      return Reflect.apply(real, fs, args);
    },
  });
}
syncBuiltinESMExports();

const { locate } = await import('../../src/link/locations.ts');
const { undo } = await import('../../src/migrate/change/undo.ts');
const { createWorld } = await import('../../src/migrate/world.ts');
const { migrate } = await import('./migrate-whole.ts');

const env = { HOME: home };
const world = createWorld({
  env,
  home,
  platform: 'linux',
  cwd: home,
  locations: locate(env),
  managedDir: `${home}/managed`,
});
count = 0;
if (verb === 'apply') await migrate(world);
else undo(world, undefined);
console.log(`changes ${count}`);
