// What shield and its parts read of one content block.
import { isRecord } from '../base/guards.ts';
import { jsonBytes } from './exact-json.ts';

/** With the comma behind it. */
export const blockBytes = (block: unknown): number => jsonBytes(block) + 1;

export function textOf(block: unknown): string | undefined {
  if (!isRecord(block)) return undefined;
  if (block['type'] === 'text' && typeof block['text'] === 'string') return block['text'];
  const resource = block['resource'];
  return isRecord(resource) && typeof resource['text'] === 'string' ? resource['text'] : undefined;
}

export function withText(block: unknown, text: string): unknown {
  if (!isRecord(block)) return block;
  return isRecord(block['resource']) ? { ...block, resource: { ...block['resource'], text } } : { ...block, text };
}

/** Base64 of an image, audio or binary resource. */
export function mediaOf(block: unknown): string | undefined {
  if (!isRecord(block)) return undefined;
  if (typeof block['data'] === 'string' && typeof block['mimeType'] === 'string') return block['data'];
  const resource = block['resource'];
  return isRecord(resource) && typeof resource['blob'] === 'string' ? resource['blob'] : undefined;
}

/** A picture as text (SVG): without its middle it is no picture any more. */
export function isDrawing(block: unknown): boolean {
  return isRecord(block) && isRecord(block['resource']) && mimeTypeOf(block).startsWith('image/');
}

/** What a block is that is left out, and how much of it there is. */
export type BlockSize = { readonly kind: string; readonly size: number; readonly unit: 'bytes' | 'characters' };

export function sizeOf(block: unknown): BlockSize {
  const [data, text] = [mediaOf(block), textOf(block)];
  if (data !== undefined) {
    const kind = `${typeOf(block)} ${mimeTypeOf(block) || 'application/octet-stream'}`;
    return { kind, size: Math.floor((data.length * 3) / 4), unit: 'bytes' };
  }
  if (text === undefined) return { kind: typeOf(block), size: blockBytes(block), unit: 'bytes' };
  const kind = isDrawing(block) ? `${typeOf(block)} ${mimeTypeOf(block)}` : typeOf(block);
  return { kind, size: text.length, unit: 'characters' };
}

function mimeTypeOf(block: unknown): string {
  const holder = isRecord(block) && isRecord(block['resource']) ? block['resource'] : block;
  return isRecord(holder) && typeof holder['mimeType'] === 'string' ? holder['mimeType'] : '';
}

function typeOf(block: unknown): string {
  return isRecord(block) && typeof block['type'] === 'string' ? block['type'] : 'block';
}
