// The pictures of the README, made by `npm run docs` so that they can be read, compared and corrected as text.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './build-defines.ts';
import { escapeXml, svg } from './svg.ts';
import { terminalPicture } from './terminal-picture.ts';

/** Written by scripts/record-demo.ts. */
export const recordingPath = join(root, 'docs', 'pictures', 'demo.ansi');

/** Files below docs/, by name. */
export function pictures(): [name: string, text: string][] {
  const recording = readFileSync(recordingPath, 'utf8');
  return [
    ['pictures/overview.svg', overview()],
    [
      'pictures/demo.svg',
      terminalPicture({
        title: 'A terminal: bin/mcp-proxy demo',
        description:
          'A recording. Three sessions in two projects share their servers; a server is added while they run; a server and the daemon are killed, and the next calls are answered; memory is measured; nothing is left behind.',
        command: 'bin/mcp-proxy demo',
        recording,
      }),
    ],
  ];
}

const sessions = [
  { name: 'session 1', project: 'in project shop' },
  { name: 'session 2', project: 'in project shop' },
  { name: 'session 3', project: 'in project blog' },
];
const servers = [
  { name: 'memory', copies: 1, who: 'one copy for everyone' },
  { name: 'serena', copies: 2, who: 'one for each project' },
  { name: 'playwright', copies: 3, who: 'one for each session' },
];

const width = 760;
const height = 282;
const boxHeight = 58;
const rowTops = [52, 124, 196];

function overview(): string {
  const left = { x: 20, width: 210 };
  const middle = { x: 316, width: 136 };
  const right = { x: 530, width: 210 };
  const centre = height / 2 + 12;
  const heading = (x: number, text: string) => `<text class="h" x="${x}" y="32">${escapeXml(text)}</text>`;
  const box = (x: number, y: number, w: number, h: number) =>
    `<rect class="box" x="${x}" y="${y}" width="${w}" height="${h}" rx="6"/>`;
  const curve = (x1: number, y1: number, x2: number, y2: number) => {
    const mid = (x1 + x2) / 2;
    return `<path class="way" d="M${x1} ${y1}C${mid} ${y1} ${mid} ${y2} ${x2} ${y2}"/>`;
  };
  const body = rowTops.flatMap((top, row) => {
    const session = sessions[row];
    const server = servers[row];
    if (!session || !server) return [];
    const y = top + boxHeight / 2;
    // Ends beside each other: three lines that meet in one point look like one.
    const door = centre + (row - 1) * 26;
    const squares = Array.from({ length: server.copies }, (_, i) => right.x + right.width - 22 - i * 18);
    return [
      curve(left.x + left.width, y, middle.x, door),
      curve(middle.x + middle.width, door, right.x, y),
      box(left.x, top, left.width, boxHeight),
      `<text x="${left.x + 14}" y="${top + 25}">${session.name}</text>`,
      `<text class="s" x="${left.x + 14}" y="${top + 44}">${session.project}</text>`,
      `<rect class="wrapper" x="${left.x + 136}" y="${top + 17}" width="62" height="24" rx="4"/>`,
      `<text class="s" text-anchor="middle" x="${left.x + 167}" y="${top + 33}">wrapper</text>`,
      box(right.x, top, right.width, boxHeight),
      `<text x="${right.x + 14}" y="${top + 25}">${server.name}</text>`,
      `<text class="s" x="${right.x + 14}" y="${top + 44}">${server.who}</text>`,
      ...squares.map((x) => `<rect class="copy" x="${x}" y="${top + 14}" width="12" height="12" rx="2"/>`),
    ];
  });
  return svg({
    title: 'Many sessions, one daemon, one set of servers',
    description:
      'Three columns. Left: three sessions, each with a small wrapper. Middle: one daemon for all of them. Right: three servers; memory has one copy for everyone, serena one for each of two projects, playwright one for each of three sessions.',
    width,
    height,
    style: [
      'text{font:14px system-ui,-apple-system,"Segoe UI",sans-serif}.s{font-size:12px;fill:var(--soft)}.h{font-weight:600}',
      '.box,.wrapper{fill:none;stroke:var(--line)}.wrapper{stroke:var(--blue)}.daemon{fill:none;stroke:var(--blue);stroke-width:2}',
      '.way{fill:none;stroke:var(--soft);stroke-width:1.5}.copy{fill:var(--green)}',
    ],
    body: [
      heading(left.x, 'Your sessions'),
      heading(middle.x, 'One daemon'),
      heading(right.x, 'Your servers'),
      ...body,
      `<rect class="daemon" x="${middle.x}" y="${rowTops[0]}" width="${middle.width}" height="${2 * 72 + boxHeight}" rx="6"/>`,
      `<text text-anchor="middle" x="${middle.x + middle.width / 2}" y="${centre - 4}">mcp-proxy</text>`,
      `<text class="s" text-anchor="middle" x="${middle.x + middle.width / 2}" y="${centre + 16}">starts with the first,</text>`,
      `<text class="s" text-anchor="middle" x="${middle.x + middle.width / 2}" y="${centre + 32}">ends with the last</text>`,
      `<text class="s" text-anchor="middle" x="${(left.x + left.width + middle.x) / 2}" y="${rowTops[0] ?? 0}">socket</text>`,
      `<text class="s" text-anchor="middle" x="${(middle.x + middle.width + right.x) / 2}" y="${rowTops[0] ?? 0}">MCP</text>`,
    ],
  });
}
