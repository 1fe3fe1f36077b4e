// What sharing saved, from the daemon's measurement.
import type { Savings } from '../../link/control.ts';
import { formatBytes, plural } from './format.ts';
import { wrapText } from './text-width.ts';
import type { View } from './view.ts';

export function savingsLines(savings: Savings, view: View): string[] {
  const { processes, processesWithout, memoryBytes, memoryBytesWithout } = savings;
  if (processesWithout === 0) return []; // nothing runs yet
  const hasMemory = memoryBytes !== undefined && memoryBytesWithout !== undefined;
  const saved = [
    ...(processesWithout > processes ? [plural(processesWithout - processes, 'process', 'processes')] : []),
    ...(hasMemory && memoryBytesWithout > memoryBytes ? [formatBytes(memoryBytesWithout - memoryBytes)] : []),
  ];
  const now = [String(processes), ...(hasMemory ? [formatBytes(memoryBytes)] : [])].join(', ');
  const without = [String(processesWithout), ...(hasMemory ? [formatBytes(memoryBytesWithout)] : [])].join(', ');
  return [
    `${view.paint('bold', 'Saved')}   ${saved.length > 0 ? view.paint('green', saved.join(' and ')) : 'nothing yet'}`,
    `        now ${now}; with one copy for each session ${without}`,
    ...wrapText(savings.method, view.width - 8).map((line) => `        ${view.paint('dim', line)}`),
  ];
}
