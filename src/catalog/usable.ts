// Each entry of a server's list on its way into ours: as programs can read it, or left out; what was wrong is named, for
// people and for whoever corrects the server. The same where one server is served alone: direct, a program would refuse its
// whole list, and nobody is helped by losing that here.

import { cutChars } from '../base/cut-text.ts';
import { isRecord } from '../base/guards.ts';
import { findMember, isObjectAt, objectMembers, type Span, stringAt, textAt } from '../base/json-scan.ts';
import { mendDefinition } from '../mcp/definitions.ts';
import type { ListName } from '../mcp/lists.ts';
import { hasSchemaIds, olderTool } from '../mcp/older-tools.ts';
import type { DefinitionFault, ItemFaults, ListItem, Listing } from './listing.ts';

const nameKeys = { tools: 'name', prompts: 'name', resources: 'uri', resourceTemplates: 'uriTemplate' } as const;

/** Entries named in `status` and kept with the list; a server with more is wrong all over. */
const maxFaults = 100;
const maxNameChars = 100;
/** Of one entry: enough to find the place, the rest shows when these are corrected. */
const maxTold = 3;
const maxToldChars = 400;

/** One entry as the server wrote it; `index`: which one of its page. Never throws for valid JSON. */
export function readItem(list: ListName, entry: Buffer, index: number): ListItem {
  const mended = mendDefinition(list, entry);
  const { raw } = mended;
  const nameSpan = nameAt(list, raw);
  const name = stringAt(raw, nameSpan);
  if (mended.isLeftOut || name === undefined || !nameSpan) return leftOut(list, entry, index, mended.faults);
  const older = list === 'tools' ? olderTool(raw) : undefined;
  const olderFaults = older?.faults ?? [];
  const isNewer = older !== undefined && (older.raw !== raw || hasSchemaIds(raw));
  if (mended.faults.length === 0 && !isNewer) return { raw, name, nameSpan };
  const faults: ItemFaults = {
    ...{ name: cutChars(name, maxNameChars), what: told(mended.faults), isLeftOut: false, isNewer },
    ...(olderFaults.length > 0 ? { olderWhat: told(olderFaults) } : {}),
  };
  return { raw, name, nameSpan, faults };
}

/** In the place of an entry that cannot be used. Its own name would keep a usable one of that name away. */
export function leftOut(list: ListName, entry: Buffer, index: number, why: readonly string[]): ListItem {
  const own = stringAt(entry, nameAt(list, entry));
  const name = own === undefined ? `#${index + 1}` : cutChars(own, maxNameChars);
  const nameSpan = { start: 0, end: 0 };
  return { raw: entry, name: `\0${index}\0${name}`, nameSpan, faults: { name, what: told(why), isLeftOut: true } };
}

/** The names of entries with faults, each once. `known`: from before, of what is mended in the bytes since. */
export function namedFaults(entries: readonly ListItem[], known: readonly DefinitionFault[]): DefinitionFault[] {
  const byName = new Map(known.map((fault) => [fault.name, fault]));
  for (const { faults } of entries) {
    if (!faults) continue;
    const { name, what, olderWhat, isLeftOut } = faults;
    if (what === '' && olderWhat === undefined) continue;
    const before = byName.get(name);
    if (!before && byName.size >= maxFaults) continue;
    const isSame = before === undefined || what === '' || before.what.includes(what);
    byName.set(name, {
      ...{ name, what: isSame ? (before?.what ?? what) : told([before.what, what].filter(Boolean)) },
      ...(olderWhat === undefined ? {} : { olderWhat }),
      isLeftOut: isLeftOut || before?.isLeftOut === true,
    });
  }
  return [...byName.values()];
}

/** What was found of a list, for a snapshot: faults, and the names of items that programs with sessions may get otherwise. */
export type Looked = { faults: readonly DefinitionFault[]; newer: ReadonlySet<string> };

export function lookedAs({ items, faults = [] }: Listing): { faults: readonly DefinitionFault[]; newer: string[] } {
  return { faults, newer: items.filter((item) => item.faults?.isNewer === true).map(({ name }) => name) };
}

/** The reverse; what is none of it is not read. */
export function parseLooked(bytes: Buffer, at: Span | undefined): Looked {
  const value: unknown = at ? JSON.parse(textAt(bytes, at)) : {};
  const { faults, newer } = isRecord(value) ? value : {};
  const names = Array.isArray(newer) ? newer.filter((name) => typeof name === 'string') : [];
  return { faults: Array.isArray(faults) ? faults.flatMap(parseFault) : [], newer: new Set(names) };
}

function parseFault(value: unknown): DefinitionFault[] {
  if (!isRecord(value)) return [];
  const { name, what, olderWhat, isLeftOut } = value;
  if (typeof name !== 'string' || typeof what !== 'string') return [];
  return [{ name, what, ...(typeof olderWhat === 'string' ? { olderWhat } : {}), isLeftOut: isLeftOut === true }];
}

/** One that this build has looked at before. */
export function readLooked(list: ListName, entry: Buffer, newer: ReadonlySet<string>): ListItem | undefined {
  const nameSpan = nameAt(list, entry);
  const name = stringAt(entry, nameSpan);
  if (name === undefined || !nameSpan) return undefined;
  const faults: ItemFaults = { name: cutChars(name, maxNameChars), what: '', isLeftOut: false, isNewer: true };
  return { raw: entry, name, nameSpan, ...(newer.has(name) ? { faults } : {}) };
}

function nameAt(list: ListName, entry: Buffer): Span | undefined {
  const isObject = isObjectAt(entry, { start: 0, end: entry.length });
  return isObject ? findMember(objectMembers(entry), nameKeys[list]) : undefined;
}

function told(faults: readonly string[]): string {
  const shown = faults.slice(0, maxTold);
  return cutChars(`${shown.join('; ')}${faults.length > shown.length ? '; and more' : ''}`, maxToldChars);
}
