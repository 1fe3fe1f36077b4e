// A terminal's recording as SVG: text stays text, in the colours of whoever looks at it.
import { escapeXml, svg } from './svg.ts';

export type TerminalPicture = { title: string; description: string; command: string; recording: string };

const fontPx = 13;
const linePx = 19;
/** Of common monospaced fonts the widest: no line may reach beyond the frame. */
const charPx = 0.61 * fontPx;
const marginPx = 20;

/** What the CLI's `paint` writes; nothing else is expected in a recording. */
const classOf: Readonly<Record<string, string>> = { '1': 'b', '2': 'd', '31': 'r', '32': 'g', '36': 'c' };
const ends: ReadonlySet<string> = new Set(['0', '22', '39']);
const escapeChar = '\u001b';

export function terminalPicture({ title, description, command, recording }: TerminalPicture): string {
  const lines = [`$ ${command}`, ...recording.trimEnd().split('\n')];
  const longest = Math.max(...lines.map((line) => [...plainOf(line)].length));
  const rows = lines.flatMap((line, i) =>
    plainOf(line).trim() === ''
      ? []
      : [`<text x="${marginPx}" y="${marginPx + fontPx + i * linePx}">${spans(line)}</text>`],
  );
  return svg({
    title,
    description,
    width: Math.ceil(2 * marginPx + longest * charPx),
    height: 2 * marginPx + (lines.length - 1) * linePx + fontPx + 4,
    style: [
      `text{font:${fontPx}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}`,
      '.b{font-weight:bold}.d{fill:var(--soft)}.r{fill:var(--red)}.g{fill:var(--green)}.c{fill:var(--blue)}',
    ],
    body: rows,
  });
}

function plainOf(line: string): string {
  return cut(line)
    .map(({ text }) => text)
    .join('');
}

function spans(line: string): string {
  return cut(line.trimEnd())
    .map(({ text, kind }) => (kind ? `<tspan class="${kind}">${escapeXml(text)}</tspan>` : escapeXml(text)))
    .join('');
}

type Piece = { text: string; kind: string | undefined };

/** One colour at a time is what the CLI writes. Throws on any other sequence: it would be lost in silence. */
function cut(line: string): Piece[] {
  const [first = '', ...rest] = line.split(escapeChar);
  const painted = rest.map((part): Piece => {
    const [whole = '', code = ''] = /^\[(\d+)m/.exec(part) ?? [];
    if (!whole || !(code in classOf || ends.has(code))) {
      throw new Error(`terminal picture: the sequence ${JSON.stringify(part.slice(0, 8))} is not known`);
    }
    return { text: part.slice(whole.length), kind: classOf[code] };
  });
  return [{ text: first, kind: undefined }, ...painted].filter(({ text }) => text !== '');
}
