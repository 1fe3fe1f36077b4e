// Finds tools by what a person or model says it wants to do. Built per server from lists that are already known; no network,
// no state outside the index.
import { createQueryReader } from './search/query.ts';
import { rankTools } from './search/rank.ts';
import { stopWords } from './search/stop-words.ts';
import { createFieldWeigher, createTermIndex, type Field } from './search/term-index.ts';
import { createTokenizer, type Tokenizer } from './search/tokenize.ts';
import { type SearchTuning, searchTuning } from './search/tuning.ts';
import { argumentsOf, isReadOnly, oneLine, type ToolDefinition } from './tool-definition.ts';

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
  readonly score: number;
};

export type ToolIndex = {
  /**
   * Replaces what is known under `key`. `about` is the server's own description or instructions, `server` the name that it
   * is found and shown by: two identities may see different tools of one server, and each has its key.
   */
  set(key: string, tools: readonly ToolDefinition[], about?: string, server?: string): void;
  remove(key: string): void;
  /** Best first. An empty query lists everything by server and name. */
  search(query: string, options: SearchOptions): SearchHit[];
  readonly size: number;
};

type Indexed = {
  /** Key; groups tools for ranking. */
  readonly server: string;
  readonly shown: string;
  readonly name: string;
  readonly tool: ToolDefinition;
  readonly isReadOnly: boolean;
};
type Held = { readonly toolSlots: readonly number[]; readonly serverSlot: number; readonly tools: readonly Indexed[] };

/** In characters. Longer texts are manuals: their end says little about what a tool is for, and costs time to index. */
const maxDescriptionText = 600;
const maxArgumentText = 300;
const maxAboutText = 2_000;
const maxDescription = 120;

export function createToolIndex(tuning: SearchTuning = searchTuning): ToolIndex {
  const tokenizer = createTokenizer();
  const readQuery = createQueryReader(tokenizer, tuning);
  const tools = createTermIndex<Indexed>(tokenizer);
  const servers = createTermIndex<string>(tokenizer);
  const weighFields = createFieldWeigher(stopTest(tokenizer));
  const held = new Map<string, Held>();

  const remove = (key: string): void => {
    const known = held.get(key);
    if (!known) return;
    tools.remove(known.toolSlots);
    servers.remove([known.serverSlot]);
    held.delete(key);
  };
  return {
    get size() {
      return tools.size;
    },
    set(key, list, about = '', server = key) {
      remove(key);
      const entries = list.map((tool) => ({
        ...{ server: key, shown: server, name: tool.name, tool },
        isReadOnly: isReadOnly(tool),
      }));
      const toolSlots = entries.map((entry) =>
        tools.add(entry, weighFields(toolFields(entry.tool, tokenizer, tuning))),
      );
      const serverSlot = servers.add(key, weighFields(serverFields({ server, list, about }, tokenizer, tuning)));
      held.set(key, { toolSlots, serverSlot, tools: entries });
    },
    remove,
    search(query, { limit, servers: only, readOnly, accepts }) {
      const wanted = only && only.length > 0 ? new Set(only) : undefined;
      const isAccepted = (entry: Indexed): boolean =>
        (!wanted || wanted.has(entry.shown)) &&
        (!readOnly || entry.isReadOnly) &&
        (!accepts || accepts(entry.server, entry.name));
      if (query.trim() === '') return listAll(held, isAccepted, limit);
      return rankTools(readQuery(query), { tools, servers, tuning, accepts: isAccepted })
        .slice(0, limit)
        .map(({ doc, score }) => describeHit(doc, score));
    },
  };
}

function stopTest(tokenizer: Tokenizer): (id: number) => boolean {
  const flags: boolean[] = [];
  // "get" says nothing in a request, but as a name it is what "retrieve" and "fetch" look for by synonym.
  for (const word of stopWords) if (word !== 'get') for (const id of tokenizer.ids(word)) flags[id] = true;
  return (id) => flags[id] === true;
}

function toolFields(tool: ToolDefinition, tokenizer: Tokenizer, tuning: SearchTuning): Field[] {
  const args = argumentsOf(tool);
  const { ids } = tokenizer;
  return [
    { ids: ids(`${tool.name} ${tool.title ?? ''}`), weight: tuning.nameWeight, typicalLength: 3 },
    {
      ids: ids((tool.description ?? '').slice(0, maxDescriptionText)),
      weight: tuning.descriptionWeight,
      typicalLength: 13,
    },
    { ids: ids(args.map(({ name }) => name).join(' ')), weight: tuning.argumentWeight, typicalLength: 5 },
    {
      ids: ids(
        args
          .map(({ text }) => text)
          .join(' ')
          .slice(0, maxArgumentText),
      ),
      weight: tuning.argumentTextWeight,
      typicalLength: 16,
    },
  ];
}

type ServerText = { readonly server: string; readonly list: readonly ToolDefinition[]; readonly about: string };

function serverFields({ server, list, about }: ServerText, tokenizer: Tokenizer, tuning: SearchTuning): Field[] {
  const names = list.flatMap(({ name }) => tokenizer.ids(name));
  return [
    { ids: tokenizer.ids(server), weight: tuning.serverNameWeight, typicalLength: 2 },
    { ids: tokenizer.ids(about.slice(0, maxAboutText)), weight: tuning.serverTextWeight, typicalLength: 20 },
    { ids: names, weight: tuning.serverToolsWeight, typicalLength: 13 },
  ];
}

function listAll(held: ReadonlyMap<string, Held>, accepts: (entry: Indexed) => boolean, limit: number): SearchHit[] {
  return [...held.keys()]
    .sort()
    .flatMap((server) => held.get(server)?.tools ?? [])
    .filter(accepts)
    .slice(0, limit)
    .map((entry) => describeHit(entry, 0));
}

function describeHit({ shown, name, tool }: Indexed, score: number): SearchHit {
  const args = argumentsOf(tool).sort((a, b) => Number(b.isRequired) - Number(a.isRequired));
  return {
    server: shown,
    name,
    description: oneLine(tool.description ?? tool.title ?? '', maxDescription),
    args: args.map((arg) => (arg.isRequired ? `${arg.name}*` : arg.name)),
    score: Math.round(score * 1_000) / 1_000,
  };
}
