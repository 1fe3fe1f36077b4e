import { isAbsolute, relative, sep } from 'node:path';

/** Whether `path` is `folder` or lies below it, by their names alone. */
export function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === '' || (!way.startsWith(`..${sep}`) && way !== '..' && !isAbsolute(way));
}
