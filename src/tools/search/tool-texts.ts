// What of a tool and of a server is searched, and how much each part weighs.
import type { Argument, ToolDefinition } from '../tool-definition.ts';
import type { WeightedTerms } from './documents.ts';
import { FieldWeigher } from './field-weights.ts';
import { stopWords } from './stop-words.ts';
import { TermList, type Tokenizer } from './tokenize.ts';
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
  readonly #tokenizer: Tokenizer;
  readonly #tuning: SearchTuning;
  readonly #fields: FieldWeigher;

  constructor(tokenizer: Tokenizer, tuning: SearchTuning) {
    this.#tokenizer = tokenizer;
    this.#tuning = tuning;
    this.#fields = new FieldWeigher(stopTerms(tokenizer));
  }

  /** Hands the document of a tool to `write`. */
  ofTool(tool: ToolDefinition, args: readonly Argument[], write: (terms: WeightedTerms) => void): void {
    const { read } = this.#tokenizer;
    const { nameWeight, descriptionWeight, argumentWeight, argumentTextWeight } = this.#tuning;
    this.#fields.add({ weight: nameWeight, typicalLength: 3 }, (into) => {
      read(tool.name, into);
      if (tool.title) read(tool.title, into);
    });
    this.#fields.add({ weight: descriptionWeight, typicalLength: 13 }, (into) => {
      if (tool.description) read(tool.description, into, maxDescriptionText);
    });
    this.#fields.add({ weight: argumentWeight, typicalLength: 5 }, (into) => {
      for (const { name } of args) read(name, into);
    });
    this.#fields.add({ weight: argumentTextWeight, typicalLength: 16 }, (into) => {
      let left = maxArgumentText;
      for (const { text } of args) {
        read(text, into, left);
        left -= text.length + 1;
        if (left <= 0) break;
      }
    });
    this.#fields.finish(write);
  }

  /** Hands the document of a server to `write`. */
  ofServer({ server, list, about }: ServerText, write: (terms: WeightedTerms) => void): void {
    const { read } = this.#tokenizer;
    const { serverNameWeight, serverTextWeight, serverToolsWeight } = this.#tuning;
    this.#fields.add({ weight: serverNameWeight, typicalLength: 2 }, (into) => read(server, into));
    this.#fields.add({ weight: serverTextWeight, typicalLength: 20 }, (into) => read(about, into, maxAboutText));
    this.#fields.add({ weight: serverToolsWeight, typicalLength: 13 }, (into) => {
      for (const { name } of list) read(name, into);
    });
    this.#fields.finish(write);
  }
}

function stopTerms(tokenizer: Tokenizer): number[] {
  const list = new TermList();
  for (const word of stopWords) tokenizer.read(word, list);
  return [...list.ids.subarray(0, list.length)];
}
