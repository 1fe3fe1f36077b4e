// Arguments that a tool's definition wants repeated in headers, where the era has that.

import { isObjectAt, textAt } from '../base/json-scan.ts';
import type { Catalog, FaceKeys } from '../catalog/catalog.ts';
import type { ListItem, Listing } from '../catalog/listing.ts';
import { createListing } from '../catalog/server-face.ts';
import { leftOut } from '../catalog/usable.ts';
import { memberAt } from '../mcp/envelope.ts';
import { type MarkedParam, markedParams, paramHeaders } from '../mcp/modern-headers.ts';
import type { Slot } from '../upstream/slot.ts';
import type { Forward } from './call.ts';
import { askedTool } from './routes.ts';

type Marks = ReadonlyMap<string, readonly MarkedParam[]>;

export class ParamHeaders {
  readonly #catalog: Catalog;
  readonly #marks = new WeakMap<Listing, Marks>();

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** `keys`: under which the session's copy is known. undefined: the call has none. */
  of({ request, edits }: Forward, slot: Slot, keys: () => FaceKeys): Record<string, string> | undefined {
    if (request.method !== 'tools/call' || !isMirrored(slot)) return undefined;
    const tools = this.#catalog.faceOf(keys())?.lists.tools;
    const name = askedTool(request, edits);
    const marked = tools && name !== undefined ? this.#marksOf(tools).get(name) : undefined;
    return marked && paramHeaders(request, marked);
  }

  #marksOf(tools: Listing): Marks {
    let marks = this.#marks.get(tools);
    if (!marks) {
      const known = new Map<string, readonly MarkedParam[]>();
      for (const item of tools.items) {
        const found = marksIn(item);
        if (typeof found !== 'string' && found.length > 0) known.set(item.name, found);
      }
      marks = known;
      this.#marks.set(tools, marks);
    }
    return marks;
  }
}

/** A tool whose marks are invalid must not be offered; the others are. */
export function usableTools(tools: Listing, slot: Slot): Listing {
  if (!isMirrored(slot)) return tools;
  const marked = tools.items.map((item, i) => {
    const found = marksIn(item);
    return typeof found === 'string' ? leftOut('tools', item.raw, i, [`x-mcp-header: ${found}`]) : item;
  });
  return marked.every((item, i) => item === tools.items[i]) ? tools : createListing(marked, tools.faults);
}

function isMirrored({ transport, channel }: Slot): boolean {
  return transport.takesHeaders === true && channel.era.http.mirrorsParams;
}

function marksIn({ raw }: ListItem): readonly MarkedParam[] | string {
  if (!raw.includes('x-mcp-header')) return [];
  const schema = memberAt(raw, { start: 0, end: raw.length }, ['inputSchema']);
  return isObjectAt(raw, schema) ? markedParams(JSON.parse(textAt(raw, schema))) : [];
}
