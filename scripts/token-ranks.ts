// dist/o200k.br: the vocabulary of o200k_base for `mcp-proxy tokens`. One byte of length for each token in order of rank,
// then all tokens in a row, compressed to a third of what a module with them takes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { root } from './build-defines.ts';

export const ranksFile = 'dist/o200k.br';
export const ranksPackage = 'node_modules/gpt-tokenizer';

/** What is there already if it holds the same: compressing takes seconds and may differ from one zlib to the next. */
export function tokenRanks(): Buffer {
  const wanted = readRanks();
  const found = readCompressed();
  if (found && brotliDecompressSync(found).equals(wanted)) return found;
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_MAX_QUALITY, BROTLI_MAX_WINDOW_BITS } = constants;
  const params = { [BROTLI_PARAM_QUALITY]: BROTLI_MAX_QUALITY, [BROTLI_PARAM_LGWIN]: BROTLI_MAX_WINDOW_BITS };
  return brotliCompressSync(wanted, { params });
}

function readRanks(): Buffer {
  const text = readFileSync(join(root, ranksPackage, 'data/o200k_base.tiktoken'), 'utf8');
  const tokens = text
    .trim()
    .split('\n')
    .map((line, rank) => {
      const [token = '', written] = line.split(' ');
      if (Number(written) !== rank) throw new Error(`rank ${rank} is missing in the vocabulary`);
      return Buffer.from(token, 'base64');
    });
  return Buffer.concat([Buffer.from(tokens.map(({ length }) => length)), ...tokens]);
}

function readCompressed(): Buffer | undefined {
  try {
    return readFileSync(join(root, ranksFile));
  } catch {
    return undefined; // the first build
  }
}
