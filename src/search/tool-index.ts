// Finds tools by what a person or model says it wants to do. Built per server from lists that are already known; no network,
// no state outside the index.
import { createQueryReader } from './query.ts';
import { rankTools } from './rank.ts';
import { ServerNames } from './server-names.ts';
import { createTermIndex } from './term-index.ts';
import { Tokenizer } from './tokenize.ts';
import {
  type Argument,
  argumentsOf,
  isDestructive,
  isReadOnly,
  shortLine,
  type ToolDefinition,
} from './tool-definition.ts';
import { TextWeigher } from './tool-texts.ts';
import { type SearchTuning, searchTuning } from './tuning.ts';

export type SearchOptions = {
  readonly limit: number;
  readonly servers?: readonly string[] | undefined;
  /** Only tools whose upstream calls them read-only. */
  readonly readOnly?: boolean | undefined;
  /** Tools this session may not see (deny lists, projects). */
  readonly accepts?: ((key: string, tool: string) => boolean) | undefined;
};

export type SearchHit = {
  readonly server: string;
  readonly name: string;
  readonly description: string;
  /** Required ones first and marked: `path*`. */
  readonly args: readonly string[];
  /** Only where the upstream says so itself. */
  readonly readOnly?: true;
  readonly destructive?: true;
  readonly score: number;
};

/** Our name for it, then what it calls itself. */
export type ServerNaming = readonly [string, ...string[]];

export type ToolIndex = {
  /**
   * Replaces what is known under `key`. `about` is the server's own description or instructions, `names` what it is found
   * by, the one that is shown first: two identities may see different tools of one server, and each has its key.
   */
  set(key: string, tools: readonly ToolDefinition[], about?: string, names?: ServerNaming): void;
  remove(key: string): void;
  /** Best first. An empty query lists everything by server and name. */
  search(query: string, options: SearchOptions): SearchHit[];
  readonly size: number;
};

/** What a hit shows, without the definition: schemas of ten thousand tools would lie in memory twice. */
type Indexed = {
  /** Key; groups tools for ranking. */
  readonly server: string;
  readonly shown: string;
  readonly name: string;
  readonly description: string;
  /** Names; the first `required` of them must be given. */
  readonly args: readonly string[];
  readonly required: number;
  readonly isReadOnly: boolean;
  readonly isDestructive: boolean;
};

const maxDescription = 120;
/** In characters. A page of them is a task already; each step and each unknown word of more would be looked up as well. */
const maxRequest = 4_000;

export function createToolIndex(tuning: SearchTuning = searchTuning): ToolIndex {
  const tokenizer = new Tokenizer();
  const readQuery = createQueryReader(tokenizer, tuning);
  const tools = createTermIndex<Indexed>(tokenizer);
  const servers = createTermIndex<string>(tokenizer);
  const texts = new TextWeigher(tokenizer, tuning);
  const names = new ServerNames(tokenizer);
  const held = new Map<string, readonly Indexed[]>();

  return {
    get size() {
      return tools.size;
    },
    set(key, list, about = '', called = [key]) {
      const [server] = called;
      const entries: Indexed[] = [];
      for (const tool of list) {
        const args = argumentsOf(tool);
        const entry = indexed(tool, args, { key, server });
        entries.push(entry);
        texts.ofTool(tool, args, (terms) => tools.write(entry, terms));
      }
      tools.put(key);
      texts.ofServer({ server, list, about }, (terms) => servers.write(key, terms));
      servers.put(key);
      names.set(key, called);
      held.set(key, entries);
    },
    remove(key) {
      if (!held.delete(key)) return;
      tools.remove(key);
      servers.remove(key);
      names.remove(key);
    },
    search(asked, { limit, servers: only, readOnly, accepts }) {
      const query = asked.slice(0, maxRequest);
      const wanted = only && only.length > 0 ? new Set(only) : undefined;
      const isAccepted = (entry: Indexed): boolean =>
        (!wanted || wanted.has(entry.shown)) &&
        (!readOnly || entry.isReadOnly) &&
        (!accepts || accepts(entry.server, entry.name));
      if (query.trim() === '') return listAll(held, isAccepted, limit);
      const read = readQuery(query);
      const named = names.find(read.said);
      const toolsOf = (server: string) => held.get(server) ?? [];
      return rankTools(read, { tools, servers, named, toolsOf, tuning, accepts: isAccepted })
        .slice(0, limit)
        .map(({ doc, score }) => describeHit(doc, score));
    },
  };
}

function indexed(tool: ToolDefinition, args: readonly Argument[], of: { key: string; server: string }): Indexed {
  const names: string[] = [];
  for (const arg of args) if (arg.isRequired) names.push(arg.name);
  const required = names.length;
  if (required < args.length) for (const arg of args) if (!arg.isRequired) names.push(arg.name);
  return {
    server: of.key,
    shown: of.server,
    name: tool.name,
    description: tool.description ?? tool.title ?? '',
    args: names,
    required,
    isReadOnly: isReadOnly(tool),
    isDestructive: isDestructive(tool),
  };
}

function listAll(
  held: ReadonlyMap<string, readonly Indexed[]>,
  accepts: (entry: Indexed) => boolean,
  limit: number,
): SearchHit[] {
  return [...held.keys()]
    .sort()
    .flatMap((server) => held.get(server) ?? [])
    .filter(accepts)
    .slice(0, limit)
    .map((entry) => describeHit(entry, 0));
}

function describeHit(entry: Indexed, score: number): SearchHit {
  const { shown, name, description, args, required } = entry;
  return {
    server: shown,
    name,
    description: shortLine(description, maxDescription),
    args: args.map((arg, place) => (place < required ? `${arg}*` : arg)),
    ...(entry.isReadOnly ? { readOnly: true } : {}),
    ...(entry.isDestructive ? { destructive: true } : {}),
    score: Math.round(score * 1_000) / 1_000,
  };
}
