import type { CommandContext } from './command.ts';
import type { View } from './render/view.ts';

export function viewOf({ terminal, home, now, hint }: CommandContext): View {
  return { width: terminal.width, paint: terminal.paint, home, now: now(), hint };
}
