import { isAbsolute } from 'node:path';

/** Where this process was started. `process.cwd()` throws where that was removed: then its last name, or ''. */
export function ownFolder(env: Readonly<Record<string, string | undefined>>, cwd = () => process.cwd()): string {
  try {
    return cwd();
  } catch {
    const named = env['PWD'] ?? '';
    return isAbsolute(named) ? named : '';
  }
}
