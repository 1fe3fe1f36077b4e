// The numbers of the ranking. Chosen by random search over all of them on the development queries: a value moves only where
// its average over everything else rises in both halves of the tasks (bench/search/holdout.ts chooses on one half and judges
// on the other). Most are flat: a change of a third moves recall by less than 0.02.

export type SearchTuning = {
  /** Share of a word's weight that a synonym gets. */
  synonymWeight: number;
  /** Words that a file name or address implies ("x.xlsx": excel), against 1 for words that were said. */
  impliedWeight: number;
  /** Words inside paths and addresses: names people chose, rarely the subject. */
  pathWeight: number;
  /** "write file" or "read file" for a path with a file in it. */
  fileActionWeight: number;
  /** The step "which day is it" behind a word like tomorrow. */
  dateWeight: number;
  /** A word nobody uses, read as a near one. */
  nearWordWeight: number;
  nameWeight: number;
  descriptionWeight: number;
  argumentWeight: number;
  argumentTextWeight: number;
  serverNameWeight: number;
  serverTextWeight: number;
  serverToolsWeight: number;
  /** BM25's k1: how slowly a repeated word stops counting. */
  saturation: number;
  /** How much a word's rarity is that among servers instead of among tools. */
  serverRarity: number;
  /** Part of its server's score that a tool gets. */
  serverShare: number;
  /** Power of the share of the request that a tool covers. */
  coverage: number;
  /** A clause's vote against the vote of the whole request. */
  clauseWeight: number;
  /** Power that weakens clauses whose best hit is poor. */
  clauseConfidence: number;
  /** Power of a vote's part of the best vote: how little the also-rans of a clause count. */
  voteSharpness: number;
  /** Loss of a vote per rank: a clause is for its first few tools. */
  rankDecay: number;
  /** Part of a server's best vote that its other tools get: tasks use several tools of one server. */
  neighbourShare: number;
  /** What is left of the vote for the second tool of the same name. */
  sameNameFactor: number;
};

export const searchTuning: SearchTuning = {
  synonymWeight: 0.6,
  impliedWeight: 0.9,
  pathWeight: 0.15,
  fileActionWeight: 0.9,
  dateWeight: 0.8,
  nearWordWeight: 0.7,
  nameWeight: 4,
  descriptionWeight: 1,
  argumentWeight: 0.4,
  argumentTextWeight: 0.25,
  serverNameWeight: 1.5,
  serverTextWeight: 0.65,
  serverToolsWeight: 0.6,
  saturation: 2.5,
  serverRarity: 0.4,
  serverShare: 0.5,
  coverage: 0.35,
  clauseWeight: 1.1,
  clauseConfidence: 0.8,
  voteSharpness: 1.5,
  rankDecay: 0.12,
  neighbourShare: 0.2,
  sameNameFactor: 0.5,
};
