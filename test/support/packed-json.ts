// Large fixtures lie compressed: who installs from git copies the whole repository.
import { readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';

/** The text of a `.json.br` file. */
export const readPackedText = (file: URL | string): string => brotliDecompressSync(readFileSync(file)).toString('utf8');

export const readPackedJson = (file: URL | string): unknown => JSON.parse(readPackedText(file));

export function writePackedJson(file: URL, value: unknown): void {
  writeFileSync(file, brotliCompressSync(`${JSON.stringify(value, undefined, 1)}\n`));
}
