// Cuts a request into its steps without breaking file names and addresses, and says what a file name implies.

const url = String.raw`\bhttps?:\/\/[^\s"'<>]+|\bwww\.[^\s"'<>]+`;
const absolutePath = String.raw`(?:^|(?<=[\s"'\x60(]))(?:~|\.{1,2})?(?:\/[\w.@-]+)+\/?`;
const fileKinds: Readonly<Record<string, string>> = {
  bib: 'text file',
  csv: 'csv file',
  db: 'database',
  doc: 'word document',
  docx: 'word document',
  flac: 'audio',
  gif: 'image',
  html: 'html page',
  ipynb: 'notebook',
  jpeg: 'image',
  jpg: 'image',
  js: 'javascript code file',
  json: 'json file',
  log: 'text file',
  md: 'markdown file',
  mkv: 'video',
  mov: 'video',
  mp3: 'audio',
  mp4: 'video',
  pdf: 'pdf document',
  png: 'image',
  ppt: 'powerpoint presentation',
  pptx: 'powerpoint presentation',
  py: 'python code file',
  sql: 'database sql',
  sqlite: 'database sqlite',
  svg: 'svg image',
  ts: 'typescript code file',
  tsv: 'csv file',
  txt: 'text file',
  wav: 'audio',
  webp: 'image',
  xls: 'excel',
  xlsx: 'excel',
  xml: 'xml file',
  yaml: 'yaml file',
  yml: 'yaml file',
  zip: 'archive',
};
const fileName = String.raw`\b[\w-]+\.(?:${Object.keys(fileKinds).join('|')})\b`;

/** Source of the pattern for paths, addresses and bare file names. */
export const pathOrUrl = `${url}|${absolutePath}|${fileName}`;

/** Sentence ends, commas, and the words with which people chain steps; in Chinese and Japanese the marks alone. */
const boundary =
  /[.;!?]+(?:\s|$)|[。；！？，、\n]+|,\s+(?:and\s+)?(?:then\s+)?|\s+(?:and|then|after that|as well as|along with|together with|including)\s+/iu;

export function splitClauses(text: string): string[] {
  const held: string[] = [];
  const masked = text.replace(new RegExp(pathOrUrl, 'g'), (found) => {
    const tail = /[.,;!?)]*$/.exec(found)?.[0] ?? '';
    held.push(tail === '' ? found : found.slice(0, -tail.length));
    return `\u0001${held.length - 1}\u0002${tail}`;
  });
  const unmask = (part: string): string =>
    part.replace(/\u0001(\d+)\u0002/g, (_, at: string) => held[Number(at)] ?? '');
  return masked
    .split(boundary)
    .map(unmask)
    .filter((part) => part.trim() !== '');
}

/** What the file of a path, or an address, is; undefined for a folder. */
export function fileKindOf(found: string): string | undefined {
  if (/^(?:https?:|www\.)/.test(found)) return 'url web page';
  const extension = /\.(\w{1,6})\.?$/.exec(found)?.[1]?.toLowerCase();
  if (extension === undefined) return undefined;
  return Object.hasOwn(fileKinds, extension) ? fileKinds[extension] : 'file';
}
