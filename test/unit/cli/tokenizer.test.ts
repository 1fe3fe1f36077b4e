// The counter of `mcp-proxy tokens` against another implementation over the whole vocabulary's own module.
import { join } from 'node:path';
import fc from 'fast-check';
import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { root } from '../../../scripts/build-defines.ts';
import { openTokenizer } from '../../../src/cli/tokenizer.ts';
import { readPackedText } from '../../support/packed-json.ts';

describe('the token counter', () => {
  const count = openTokenizer(root);

  it('agrees with another implementation on every definition of the catalog and every recorded result', () => {
    const fixture = (name: string): string => readPackedText(join(root, 'test/fixtures', name));
    const catalog: { tools: unknown[] }[] = JSON.parse(fixture('tool-search/catalog.json.br'));
    const recorded = fixture('tool-results/recorded.json.br').slice(0, 100_000);
    const texts = [...catalog.flatMap(({ tools }) => tools.map((tool) => JSON.stringify(tool))), recorded];
    expect(texts.map((text) => count?.(text))).toEqual(texts.map((text) => encode(text).length));
  });

  it('agrees on any text of any script', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc
        .array(
          fc.constantFrom("don't", 'ICH', '東京', 'مرحبا', '🙂', '123456', '\r\n', '  ', 'camelCase', "X'LL", '//'),
          {
            maxLength: 12,
          },
        )
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (value) => {
        expect(count?.(value)).toBe(encode(value).length);
      }),
      { numRuns: 500 },
    );
  });

  it('is undefined without its vocabulary, so that nobody takes an estimate for a count', () => {
    expect(openTokenizer(join(root, 'test'))).toBeUndefined();
  });
});
