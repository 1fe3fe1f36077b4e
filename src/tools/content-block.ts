// What shield and its parts read of one content block.
import { isObject, jsonBytes } from './exact-json.ts';

/** With the comma behind it. */
export const blockBytes = (block: unknown): number => jsonBytes(block) + 1;

export function textOf(block: unknown): string | undefined {
  if (!isObject(block)) return undefined;
  if (block['type'] === 'text' && typeof block['text'] === 'string') return block['text'];
  const resource = block['resource'];
  return isObject(resource) && typeof resource['text'] === 'string' ? resource['text'] : undefined;
}

export function withText(block: unknown, text: string): unknown {
  if (!isObject(block)) return block;
  return isObject(block['resource']) ? { ...block, resource: { ...block['resource'], text } } : { ...block, text };
}

/** Base64 of an image, audio or binary resource. */
export function mediaOf(block: unknown): string | undefined {
  if (!isObject(block)) return undefined;
  if (typeof block['data'] === 'string' && typeof block['mimeType'] === 'string') return block['data'];
  const resource = block['resource'];
  return isObject(resource) && typeof resource['blob'] === 'string' ? resource['blob'] : undefined;
}

/** A picture as text (SVG): without its middle it is no picture any more. */
export function isDrawing(block: unknown): boolean {
  return isObject(block) && isObject(block['resource']) && mimeTypeOf(block).startsWith('image/');
}

/** One line about a block that is left out. */
export function describeBlock(block: unknown): string {
  const [data, text] = [mediaOf(block), textOf(block)];
  if (data !== undefined) {
    return `${typeOf(block)} ${mimeTypeOf(block) || 'application/octet-stream'}, ${Math.floor((data.length * 3) / 4)} bytes`;
  }
  if (text === undefined) return `${typeOf(block)}, ${blockBytes(block)} bytes`;
  const kind = isDrawing(block) ? `${typeOf(block)} ${mimeTypeOf(block)}` : typeOf(block);
  return `${kind}, ${text.length} characters`;
}

function mimeTypeOf(block: unknown): string {
  const holder = isObject(block) && isObject(block['resource']) ? block['resource'] : block;
  return isObject(holder) && typeof holder['mimeType'] === 'string' ? holder['mimeType'] : '';
}

function typeOf(block: unknown): string {
  return isObject(block) && typeof block['type'] === 'string' ? block['type'] : 'block';
}
