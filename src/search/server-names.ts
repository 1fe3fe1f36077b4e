// Servers that a request calls by their name. People and models who know the name say nothing else ("fs", "every"), so it
// must lead to the tools even where none of them says it.
import type { Tokenizer } from './tokenize.ts';

/** `alone`: the request says nothing but the name, or a part of it that tells something. */
export type Naming = 'alone' | 'among';
/** Terms of a request in words, and those of them that tell something. */
export type SaidTerms = { readonly all: ReadonlySet<string>; readonly telling: ReadonlySet<string> };

/** Parts of names that say what every server is. */
const genericParts: readonly string[] = ['mcp', 'server', 'service', 'tool', 'tools'];

export class ServerNames {
  readonly #tokenizer: Tokenizer;
  readonly #generic: ReadonlySet<string>;
  readonly #names = new Map<string, readonly ReadonlySet<string>[]>();

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    this.#generic = new Set(genericParts.flatMap((part) => tokenizer.terms(part)));
  }

  set(key: string, names: readonly string[]): void {
    this.#names.set(
      key,
      names.map((name) => this.#withoutGeneric(this.#tokenizer.terms(name))).filter(({ size }) => size > 0),
    );
  }

  remove(key: string): void {
    this.#names.delete(key);
  }

  find(said: SaidTerms): Map<string, Naming> {
    const found = new Map<string, Naming>();
    const all = this.#withoutGeneric(said.all);
    if (all.size === 0) return found;
    const telling = this.#withoutGeneric(said.telling);
    for (const [key, names] of this.#names) {
      const naming = names.map((name) => namingOf(name, { all, telling }));
      if (naming.includes('alone')) found.set(key, 'alone');
      else if (naming.includes('among')) found.set(key, 'among');
    }
    return found;
  }

  /** All of them if there is nothing else. */
  #withoutGeneric(terms: Iterable<string>): ReadonlySet<string> {
    const whole = new Set(terms);
    const telling = new Set([...whole].filter((term) => !this.#generic.has(term)));
    return telling.size > 0 ? telling : whole;
  }
}

function namingOf(name: ReadonlySet<string>, { all, telling }: SaidTerms): Naming | undefined {
  const isWhole = isWithin(name, all);
  if (isWhole && name.size === all.size) return 'alone';
  // "every" and "time" stand in many requests that mean no server: words that tell nothing must be all there is.
  if (telling.size > 0 && isWithin(telling, name)) return 'alone';
  return isWhole && isWithin(name, telling) ? 'among' : undefined;
}

function isWithin(some: ReadonlySet<string>, all: ReadonlySet<string>): boolean {
  for (const one of some) if (!all.has(one)) return false;
  return true;
}
