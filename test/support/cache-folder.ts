// Where downloads of the tests are kept: outside of node_modules, which `npm ci` removes.
import { homedir } from 'node:os';
import { join } from 'node:path';

export const cacheFolder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'mcp-proxy-tests');
