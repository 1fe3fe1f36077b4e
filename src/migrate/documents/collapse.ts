// Editing reads the whole text once for every change, and a client's state file holds megabytes of other things. What no
// change concerns is taken out before and put back after, byte for byte.
import { randomUUID } from 'node:crypto';
import type { JSONPath, Node } from 'jsonc-parser';

/** Smaller values cost nothing to leave in. */
const leastChars = 256;

export type Collapsed = { text: string; expand: (text: string) => string };

/** `paths`: places that will be edited. */
export function collapse(text: string, root: Node | undefined, paths: readonly JSONPath[]): Collapsed {
  const mark = randomUUID();
  const spans: Node[] = [];
  if (root) findUntouched(root, paths, spans);
  let short = '';
  let at = 0;
  for (const [i, node] of spans.entries()) {
    short += `${text.slice(at, node.offset)}"${mark}${i}"`;
    at = node.offset + node.length;
  }
  const kept = spans.map((node) => text.slice(node.offset, node.offset + node.length));
  const pattern = new RegExp(`"${mark}(\\d+)"`, 'g');
  return {
    text: short + text.slice(at),
    expand: (edited) => edited.replace(pattern, (_, i) => kept[Number(i)] ?? ''),
  };
}

function findUntouched(node: Node, paths: readonly JSONPath[], spans: Node[]): void {
  if (node.type !== 'object') return;
  for (const property of node.children ?? []) {
    const [key, value] = property.children ?? [];
    if (!key || !value) continue;
    const below = paths.filter(([first]) => first === key.value).map(([, ...rest]) => rest);
    if (below.length === 0) {
      if (value.length >= leastChars) spans.push(value);
    } else if (below.every((rest) => rest.length > 0)) findUntouched(value, below, spans);
  }
}
