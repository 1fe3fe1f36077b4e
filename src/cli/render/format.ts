// Figures as people read them.
import type { Memory, Sharing } from '../../link/control.ts';

const kib = 1_024;

export function formatBytes(bytes: number): string {
  if (bytes < kib) return `${Math.round(bytes)} B`;
  if (bytes < kib ** 2) return `${Math.round(bytes / kib)} KiB`;
  if (bytes < kib ** 3) return `${Math.round(bytes / kib ** 2)} MiB`;
  return `${(bytes / kib ** 3).toFixed(1)} GiB`;
}

/** PSS where the kernel tells it, else RSS, which counts shared pages in every process and is marked for it. */
export function formatMemory(memory: Memory | undefined): string {
  if (!memory) return '';
  if (memory.pssBytes > 0) return formatBytes(memory.pssBytes);
  return memory.rssBytes > 0 ? `${formatBytes(memory.rssBytes)} rss` : '';
}

export function memoryBytes(memory: Memory | undefined): number {
  return memory ? memory.pssBytes || memory.rssBytes : 0;
}

export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return joinUnits(`${hours} h`, minutes % 60, 'min');
  return joinUnits(`${Math.floor(hours / 24)} d`, hours % 24, 'h');
}

export function formatAgo(isoTime: string | undefined, now: number): string {
  const at = Date.parse(isoTime ?? '');
  return Number.isNaN(at) ? '' : `${formatDuration(now - at)} ago`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

export function formatSharing(sharing: Sharing): string {
  switch (sharing) {
    case 'shared':
      return 'by everyone';
    case 'project':
      return 'by project';
    case 'session':
      return 'by nobody';
  }
}

/** `~/x` for paths below the home. */
export function shortPath(path: string, home: string | undefined): string {
  if (!home || home === '/') return path;
  if (path === home) return '~';
  return path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
}

function joinUnits(first: string, count: number, unit: string): string {
  return count === 0 ? first : `${first} ${count} ${unit}`;
}
