// The constants that the build puts into bundles, for scripts that run the sources. Import it before any of them.
import { buildDefines } from './build-defines.ts';

for (const [name, json] of Object.entries(buildDefines('test'))) Reflect.set(globalThis, name, JSON.parse(json));
