// From a request to an order of tools: the whole request votes, each of its clauses votes, and tools of one server support
// each other, because a task is rarely done with one tool.
import type { Clause, Query } from './query.ts';
import { scoreDocs } from './score.ts';
import type { Naming } from './server-names.ts';
import type { TermIndex } from './term-index.ts';
import type { SearchTuning } from './tuning.ts';

export type Ranked<Doc> = { readonly doc: Doc; readonly score: number };
export type ToolDoc = { readonly server: string; readonly name: string };
export type RankSource<Doc extends ToolDoc> = {
  readonly tools: TermIndex<Doc>;
  readonly servers: TermIndex<string>;
  /** Servers that the request calls by name, and their tools. */
  readonly named: ReadonlyMap<string, Naming>;
  readonly toolsOf: (server: string) => readonly Doc[];
  readonly tuning: SearchTuning;
  readonly accepts: (doc: Doc) => boolean;
};

export function rankTools<Doc extends ToolDoc>(query: Query, source: RankSource<Doc>): Ranked<Doc>[] {
  const { tuning } = source;
  const whole = rankClause(query.whole, source, source.named);
  const parts = query.clauses.map((clause) => rankClause(clause, source, new Map()));
  const bestPart = Math.max(0, ...parts.map((ranked) => ranked[0]?.score ?? 0));
  const votes = new Map<Doc, number>();
  castVotes(whole, 1, tuning, votes);
  for (const ranked of parts) {
    const confidence = ((ranked[0]?.score ?? 0) / (bestPart || 1)) ** tuning.clauseConfidence;
    castVotes(ranked, tuning.clauseWeight * confidence, tuning, votes);
  }
  supportNeighbours(votes, tuning);
  return spreadNames(sorted([...votes].map(([doc, score]) => ({ doc, score }))), tuning);
}

function rankClause<Doc extends ToolDoc>(
  clause: Clause,
  source: RankSource<Doc>,
  named: ReadonlyMap<string, Naming>,
): Ranked<Doc>[] {
  const { tools, servers, tuning, accepts } = source;
  const ofServers = scoreDocs(clause.words, { index: servers, rarity: servers.rarity, tuning });
  const serverScores = new Map<string, number>();
  for (const slot of ofServers.slots) {
    const server = servers.docAt(slot);
    if (server !== undefined) serverScores.set(server, ofServers.scores[slot] ?? 0);
  }
  // A word that one server says in each of its many tools is rare all the same: few servers are about that.
  const share = tuning.serverRarity;
  const rarity = (term: string): number => tools.rarity(term) * (1 - share) + servers.rarity(term) * share;
  const { slots, scores } = scoreDocs(clause.words, { index: tools, rarity, tuning });
  const best = new BestOf<Doc>(clause.maxTools);
  const ownScores = new Map<Doc, number>();
  let highest = 0;
  for (const slot of slots) {
    const doc = tools.docAt(slot);
    if (doc === undefined || !accepts(doc)) continue;
    const own = scores[slot] ?? 0;
    highest = Math.max(highest, own);
    if (named.has(doc.server)) ownScores.set(doc, own);
    else best.offer(doc, own + tuning.serverShare * (serverScores.get(doc.server) ?? 0));
  }
  for (const [server, naming] of named) {
    const ofServer = tuning.serverShare * (serverScores.get(server) ?? 0);
    // Who says nothing but a name wants that server, whatever others say about it.
    const lead = naming === 'alone' ? Math.max(highest, 1) : 0;
    for (const doc of source.toolsOf(server)) {
      const score = (ownScores.get(doc) ?? 0) + ofServer + lead;
      if (score > 0 && accepts(doc)) best.offer(doc, score);
    }
  }
  return best.ranked();
}

function castVotes<Doc>(
  ranked: readonly Ranked<Doc>[],
  weight: number,
  tuning: SearchTuning,
  votes: Map<Doc, number>,
): void {
  const top = ranked[0]?.score ?? 1;
  for (const [rank, { doc, score }] of ranked.entries()) {
    const vote = (weight * (score / top) ** tuning.voteSharpness) / (1 + tuning.rankDecay * rank);
    votes.set(doc, (votes.get(doc) ?? 0) + vote);
  }
}

function supportNeighbours<Doc extends ToolDoc>(votes: Map<Doc, number>, tuning: SearchTuning): void {
  const best = new Map<string, number>();
  for (const [doc, vote] of votes) best.set(doc.server, Math.max(best.get(doc.server) ?? 0, vote));
  for (const [doc, vote] of votes) votes.set(doc, vote + tuning.neighbourShare * (best.get(doc.server) ?? 0));
}

/** Ten servers with a `read_file` each must not fill the first ten places. */
function spreadNames<Doc extends ToolDoc>(ranked: readonly Ranked<Doc>[], tuning: SearchTuning): Ranked<Doc>[] {
  const seen = new Map<string, number>();
  return sorted(
    ranked.map(({ doc, score }) => {
      const times = seen.get(doc.name) ?? 0;
      seen.set(doc.name, times + 1);
      return { doc, score: score * tuning.sameNameFactor ** times };
    }),
  );
}

/** Ties go by server and name: the same request has the same answer whatever order servers were indexed in. */
function sorted<Doc extends ToolDoc>(ranked: Ranked<Doc>[]): Ranked<Doc>[] {
  return ranked.sort(compareRanked);
}

function compareRanked<Doc extends ToolDoc>(a: Ranked<Doc>, b: Ranked<Doc>): number {
  if (a.score !== b.score) return b.score - a.score;
  const [left, right] = [`${a.doc.server}\u0000${a.doc.name}`, `${b.doc.server}\u0000${b.doc.name}`];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Keeps the best few of many without sorting all: a common word matches most of ten thousand tools. */
class BestOf<Doc extends ToolDoc> {
  #kept: Ranked<Doc>[] = [];
  #floor = Number.NEGATIVE_INFINITY;

  constructor(private readonly count: number) {}

  offer(doc: Doc, score: number): void {
    if (score < this.#floor) return;
    this.#kept.push({ doc, score });
    if (this.#kept.length >= this.count * 4) this.#prune();
  }

  ranked(): Ranked<Doc>[] {
    this.#prune();
    return this.#kept;
  }

  #prune(): void {
    this.#kept = sorted(this.#kept).slice(0, this.count);
    if (this.#kept.length === this.count) this.#floor = this.#kept.at(-1)?.score ?? this.#floor;
  }
}
