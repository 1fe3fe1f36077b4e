// The frame of every picture: its colours in light and dark, its words for whoever does not see it. No font, script or
// address of others. It has a ground of its own, because a page's scheme may differ from the system's.

export type Svg = {
  title: string;
  description: string;
  width: number;
  height: number;
  style: readonly string[];
  body: readonly string[];
};

const light = '--ground:#fff;--line:#c9d1d9;--ink:#1f2328;--soft:#59636e;--blue:#0969da;--green:#1a7f37;--red:#cf222e';
const dark =
  '--ground:#0d1117;--line:#3d444d;--ink:#e6edf3;--soft:#9198a1;--blue:#58a6ff;--green:#3fb950;--red:#f85149';

export function svg({ title, description, width, height, style, body }: Svg): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title desc">`,
    `<title id="title">${escapeXml(title)}</title>`,
    `<desc id="desc">${escapeXml(description)}</desc>`,
    '<style>',
    `svg{${light}}`,
    `@media (prefers-color-scheme:dark){svg{${dark}}}`,
    'text{fill:var(--ink)}.ground{fill:var(--ground);stroke:var(--line)}',
    ...style,
    '</style>',
    `<rect class="ground" x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    ...body,
    '</svg>',
    '',
  ].join('\n');
}

export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
