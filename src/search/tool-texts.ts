// What of a tool and of a server is searched, and how much each part weighs.

import type { WeightedTerms } from './documents.ts';
import { type Field, FieldWeigher } from './field-weights.ts';
import { stopWords } from './stop-words.ts';
import type { Tokenizer } from './tokenize.ts';
import type { Argument, ToolDefinition } from './tool-definition.ts';
import type { SearchTuning } from './tuning.ts';

export type ServerText = {
  readonly server: string;
  readonly list: readonly ToolDefinition[];
  /** Its own description or instructions. */
  readonly about: string;
};

/** In characters. Longer texts are manuals: their end says little about what a tool is for, and costs time to index. */
const maxDescriptionText = 600;
const maxArgumentText = 300;
const maxAboutText = 2_000;

export class TextWeigher {
  readonly #of: ReturnType<typeof fieldsOf>;
  readonly #sums: FieldWeigher;

  constructor(tokenizer: Tokenizer, tuning: SearchTuning) {
    this.#of = fieldsOf(tuning);
    this.#sums = new FieldWeigher(tokenizer, stopWords);
  }

  /** Hands the document of a tool to `write`. */
  ofTool(tool: ToolDefinition, args: readonly Argument[], write: (terms: WeightedTerms) => void): void {
    const { name, title, description } = tool;
    this.#sums.add(this.#of.name, title ? `${name} ${title}` : name);
    if (description) this.#sums.add(this.#of.description, description, maxDescriptionText);
    if (args.length > 0) {
      // One text is read faster than many short ones.
      this.#sums.add(this.#of.argumentNames, args.map((arg) => arg.name).join(' '));
      this.#sums.add(this.#of.argumentTexts, args.map((arg) => arg.text).join(' '), maxArgumentText);
    }
    this.#sums.finish(write);
  }

  /** Hands the document of a server to `write`. */
  ofServer({ server, list, about }: ServerText, write: (terms: WeightedTerms) => void): void {
    this.#sums.add(this.#of.serverName, server);
    this.#sums.add(this.#of.serverText, about, maxAboutText);
    this.#sums.add(this.#of.serverTools, list.map(({ name }) => name).join(' '));
    this.#sums.finish(write);
  }
}

function fieldsOf(tuning: SearchTuning) {
  return {
    name: { weight: tuning.nameWeight, typicalLength: 3 },
    description: { weight: tuning.descriptionWeight, typicalLength: 13 },
    argumentNames: { weight: tuning.argumentWeight, typicalLength: 5 },
    argumentTexts: { weight: tuning.argumentTextWeight, typicalLength: 16 },
    serverName: { weight: tuning.serverNameWeight, typicalLength: 2 },
    serverText: { weight: tuning.serverTextWeight, typicalLength: 20 },
    serverTools: { weight: tuning.serverToolsWeight, typicalLength: 13 },
  } satisfies Record<string, Field>;
}
