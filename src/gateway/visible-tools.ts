// The tools of all servers in one search index, and what of it one session may see. Built from the lists that are known,
// and again only for a server whose list differs.
import { createHash } from 'node:crypto';
import { isRecord } from '../base/guards.ts';
import type { SessionView } from '../calls/views.ts';
import type { JointList } from '../catalog/joint-list.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import { serverPart } from '../mcp/tool-name.ts';
import { readDefinition, type ToolDefinition } from '../search/tool-definition.ts';
import { createToolIndex, type ToolIndex } from '../search/tool-index.ts';
import type { ServerName } from './tools/gateway-tool.ts';

export type VisibleTool = { readonly id: string; readonly slug: string; readonly name: string; readonly raw: Buffer };

/** What one set of sessions sees: equal lists are the same object. */
export type VisibleTools = {
  find(id: string): VisibleTool | undefined;
  idOf(slug: string, tool: string): string | undefined;
  /** Whether a hit under that key of the index is a tool of this view. */
  has(key: string, tool: string): boolean;
  readonly keys: ReadonlySet<string>;
};

export class ToolFinder {
  readonly index: ToolIndex = createToolIndex();
  readonly #held = new Set<string>();
  readonly #definitions = new WeakMap<Buffer, ToolDefinition>();
  #known = new WeakMap<JointList, VisibleTools>();
  readonly #liveViews: () => SessionView[];

  /** `liveViews`: of the sessions that search; what none of them sees is forgotten. */
  constructor(liveViews: () => SessionView[]) {
    this.#liveViews = liveViews;
  }

  of(view: SessionView): VisibleTools {
    const joint = view.list('tools');
    const known = this.#known.get(joint);
    if (known) return known;
    const groups = groupTools(view, joint);
    const isNew = groups.filter(({ key }) => !this.#held.has(key));
    for (const { key, slug, tools, about, ownNames } of isNew) {
      this.index.set(key, tools.map(read), about, [slug, ...ownNames]);
      this.#held.add(key);
    }
    const visible = describeView(groups);
    this.#known.set(joint, visible);
    if (isNew.length > 0) this.#forgetUnseen(joint);
    return visible;
  }

  /** One object as long as the server's list is the same: what was compiled for it is found by it. */
  definitionOf(tool: VisibleTool): ToolDefinition {
    const definition = this.#definitions.get(tool.raw) ?? read(tool);
    this.#definitions.set(tool.raw, definition);
    return definition;
  }

  #forgetUnseen(current: JointList): void {
    const views = this.#liveViews();
    const seen = new Set([current, ...views.map((view) => view.list('tools'))]);
    const keys = new Set([...seen].flatMap((joint) => [...(this.#known.get(joint)?.keys ?? [])]));
    // A view that was not looked at yet adds its servers when it is.
    for (const key of this.#held) {
      if (keys.has(key)) continue;
      this.index.remove(key);
      this.#held.delete(key);
    }
    // Lists that were known without being seen now must not trust what was removed.
    const kept = new WeakMap<JointList, VisibleTools>();
    for (const joint of seen) {
      const visible = this.#known.get(joint);
      if (visible) kept.set(joint, visible);
    }
    this.#known = kept;
  }
}

type Group = {
  readonly key: string;
  readonly slug: string;
  readonly about: string;
  /** What the server calls itself. */
  readonly ownNames: readonly string[];
  readonly tools: VisibleTool[];
};

function groupTools(view: SessionView, joint: JointList): Group[] {
  const bySlug = new Map<string, VisibleTool[]>();
  for (const { name: id, target, raw } of joint.items) {
    const tools = bySlug.get(target.slug) ?? [];
    tools.push({ id, slug: target.slug, name: target.name, raw });
    bySlug.set(target.slug, tools);
  }
  return [...bySlug].map(([slug, tools]) => {
    const face = view.servers.find(({ entry }) => entry.shownSlug === slug)?.face;
    const about = face?.introduction.instructions ?? '';
    const ownNames = ownNamesOf(face?.introduction.raw);
    const hash = createHash('sha256').update([about, ...ownNames].join('\0'));
    for (const { raw } of tools) hash.update('\0').update(raw);
    return { key: `${slug}\0${hash.digest('base64url').slice(0, 16)}`, slug, about, ownNames, tools };
  });
}

function ownNamesOf(introduction: string | undefined): string[] {
  const said: unknown = introduction === undefined ? undefined : JSON.parse(introduction);
  const info = isRecord(said) ? said['serverInfo'] : undefined;
  const names = isRecord(info) ? [info['name'], info['title']] : [];
  return names.filter((name) => typeof name === 'string');
}

function describeView(groups: readonly Group[]): VisibleTools {
  const byId = new Map<string, VisibleTool>();
  const ids = new Map<string, string>();
  const keys = new Set(groups.map(({ key }) => key));
  for (const { tools } of groups) {
    for (const tool of tools) {
      byId.set(tool.id, tool);
      ids.set(`${tool.slug}\0${tool.name}`, tool.id);
    }
  }
  // Names that were cut to fit are found by the whole one too, where it is nobody else's.
  for (const tool of [...byId.values()]) {
    const whole = `${tool.slug}__${tool.name}`;
    if (!byId.has(whole)) byId.set(whole, tool);
  }
  return {
    find: (id) => byId.get(id),
    idOf: (slug, tool) => ids.get(`${slug}\0${tool}`),
    has: (key, tool) => keys.has(key) && ids.has(`${key.slice(0, key.indexOf('\0'))}\0${tool}`),
    keys,
  };
}

/** Under the server's own name for it. Throws never: what is no definition is a tool without one. */
function read({ name, raw }: VisibleTool): ToolDefinition {
  return { ...readDefinition(JSON.parse(raw.toString('utf8'))), name };
}

/** What sessions see comes first: an entry's own name may be another one's shown name here. */
export function serverNames(entries: readonly ServerEntry[]): ServerName[] {
  const shown = new Set(entries.flatMap(({ shownName, shownSlug }) => [shownName, shownSlug]));
  return entries.map(({ name, slug, shownName, shownSlug }) => {
    const own = [name, slug].filter((one) => !shown.has(one));
    return { slug: shownSlug, names: [shownSlug, serverPart(shownSlug), shownName, ...own] };
  });
}
