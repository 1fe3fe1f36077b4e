// The last of what a program writes, and text of bytes that were cut somewhere: a character that came in two parts, or of
// which a part is gone, never shows as something else.

export class LastText {
  readonly #maxBytes: number;
  #bytes = Buffer.alloc(0);
  #isCut = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(chunk: Buffer): void {
    const all = Buffer.concat([this.#bytes, chunk.subarray(-this.#maxBytes)]);
    this.#isCut ||= this.#bytes.length + chunk.length > this.#maxBytes;
    this.#bytes = Buffer.from(all.subarray(-this.#maxBytes));
  }

  clear(): void {
    this.#bytes = Buffer.alloc(0);
    this.#isCut = false;
  }

  toString(): string {
    return this.#isCut ? textOfEnd(this.#bytes) : this.#bytes.toString('utf8');
  }
}

/** At most `maxBytes` of them. */
export function firstText(bytes: Buffer, maxBytes: number): string {
  return bytes.length <= maxBytes ? bytes.toString('utf8') : textOfStart(bytes.subarray(0, maxBytes));
}

/** Of bytes behind which there was more. */
export function textOfStart(bytes: Buffer): string {
  return bytes.toString('utf8', 0, bytes.length - openBytes(bytes));
}

/** Of bytes before which there was more. */
export function textOfEnd(bytes: Buffer): string {
  let start = 0;
  while (start < 3 && isContinued(bytes[start])) start += 1;
  return bytes.toString('utf8', start);
}

/** How many bytes at the end begin a character that is not over. */
export function openBytes(bytes: Uint8Array): number {
  for (let count = 1; count <= 3 && count <= bytes.length; count += 1) {
    const byte = bytes[bytes.length - count] ?? 0;
    if (isContinued(byte)) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1;
    return byte < 0xf5 && length > count ? count : 0;
  }
  return 0;
}

function isContinued(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
