// Bytes of a client's file to text and back without loss. What cannot come back byte for byte is refused, not repaired.
import { createHash } from 'node:crypto';

export type DocumentText = { text: string; hasBom: boolean };
export type Unreadable = { reason: string; line?: number };

const bom = '﻿';

export function decodeText(bytes: Uint8Array): DocumentText | Unreadable {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return { reason: 'is UTF-16; save it as UTF-8 first' };
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { reason: 'holds bytes that are not UTF-8' };
  }
  const hasBom = text.startsWith(bom);
  return { text: hasBom ? text.slice(1) : text, hasBom };
}

export function encodeText({ text, hasBom }: DocumentText): Buffer {
  return Buffer.from(hasBom ? bom + text : text, 'utf8');
}

export function hashBytes(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** 1-based. */
export function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

export function endOfLine(text: string): '\r\n' | '\n' {
  return /\r\n/.test(text) ? '\r\n' : '\n';
}
