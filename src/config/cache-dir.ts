import { createHash } from 'node:crypto';
import { join } from 'node:path';
import envPaths from 'env-paths';
import type { Locations } from '../link/locations.ts';

/** Where files go that may be deleted at any time. Two roots, or two names in one, never share a folder. */
export function cacheDir(locations: Pick<Locations, 'root' | 'name'>): string {
  const hash = createHash('sha256').update(`${locations.root}\0${locations.name}`).digest('hex').slice(0, 16);
  return join(envPaths('aitkit-mcp-proxy', { suffix: '' }).cache, hash);
}
