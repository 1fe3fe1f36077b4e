// dist/daemon.cjs: starts dist/daemon-program.cjs. Sessions wait for it after a crash.
import { join } from 'node:path';
import { runCached } from '../base/code-cache.ts';

/** The first session has been answered and its servers start; a daemon that is killed sooner leaves the next one slower. */
const writeDelayMs = 1_000;

runCached({ file: join(__dirname, 'daemon-program.cjs'), name: 'daemon', writeDelayMs, exports, require, module });
