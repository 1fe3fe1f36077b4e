/** What a Markdown text links to or shows beside itself: no other address, no place in the same text, nothing in code. */
export function relativeLinks(markdown: string): string[] {
  const prose = markdown.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
  const written = [/\]\(<?([^)\s>]+)/g, /^\s*\[[^\]\n]+\]:\s*(\S+)/gm, /\b(?:href|src|srcset)="([^"\s]+)/g];
  const targets = written.flatMap((pattern) => [...prose.matchAll(pattern)].map(([, target = '']) => target));
  const beside = targets.filter((target) => !/^(?:[a-z][a-z\d+.-]*:|#|\/\/)/i.test(target));
  return [...new Set(beside.map((target) => decodeURI(target.replace(/[?#].*$/, ''))))];
}
