// Draws .claude-plugin/icon.png: three lines that join in one node. Run by hand: what zlib makes of it differs from one
// version to the next, so the build only copies it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { root } from './build-defines.ts';

/** What a plugin directory asks for at least. */
const size = 512;
const background = [0x16, 0x21, 0x3e];
const foreground = [0xf4, 0xf1, 0xe8];
const node = { x: 344, y: 256 };
const sessions = [112, 256, 400].map((y) => ({ x: 112, y }));

type Point = { x: number; y: number };

/** How far a point is outside of the drawing, in pixels; negative inside. */
function distance(at: Point): number {
  const lines = sessions.map((session) => toLine(at, session, node) - 13);
  const dots = sessions.map((session) => Math.hypot(at.x - session.x, at.y - session.y) - 38);
  return Math.min(...lines, ...dots, Math.hypot(at.x - node.x, at.y - node.y) - 84);
}

function toLine(at: Point, from: Point, to: Point): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const along = ((at.x - from.x) * dx + (at.y - from.y) * dy) / (dx * dx + dy * dy);
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(at.x - from.x - t * dx, at.y - from.y - t * dy);
}

function pixel(at: Point): number[] {
  // One pixel of soft edge.
  const cover = Math.min(1, Math.max(0, 0.5 - distance(at)));
  return background.map((dark, channel) => Math.round(dark + cover * ((foreground[channel] ?? dark) - dark)));
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

const header = Buffer.alloc(13);
header.writeUInt32BE(size, 0);
header.writeUInt32BE(size, 4);
header.set([8, 2], 8); // 8 bits for each of red, green and blue
const places = Array.from({ length: size }, (_, index) => index + 0.5);
const rows = places.flatMap((y) => [0, ...places.flatMap((x) => pixel({ x, y }))]);
const png = Buffer.concat([
  Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
  chunk('IHDR', header),
  chunk('IDAT', deflateSync(Buffer.from(rows), { level: 9 })),
  chunk('IEND', Buffer.alloc(0)),
]);
writeFileSync(join(root, '.claude-plugin', 'icon.png'), png);
