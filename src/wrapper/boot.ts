// bin/run-mcp-proxy: starts dist/wrapper.cjs as fast as it can be, in every session.
import { join } from 'node:path';
import { runCached } from '../base/code-cache.ts';

/** After the first answers and before housekeeping. */
const writeDelayMs = 200;

const file = join(__dirname, '..', 'dist', 'wrapper.cjs');
runCached({ file, name: 'wrapper', writeDelayMs, exports, require, module });
