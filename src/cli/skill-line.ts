// The words of the slash command. The skill hands the typed line over on stdin, so that no shell ever reads it; it is
// split here as a shell would, with quotes and backslashes, and nothing in it is expanded or run.
import { readFileSync } from 'node:fs';

/** Stands in argv for the line on stdin. */
export const lineOnStdin = '-';

export function readSkillWords(): string[] {
  return splitLine(readFileSync(0, 'utf8'));
}

/**
 * Words between white space. A quote that is never closed is a character like any other (`it's`). A JSON object or list
 * may stand there as it is: nobody should have to quote the quotes of `call memory search {"query": "x"}`.
 */
export function splitLine(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < line.length; at += 1) {
    const char = line[at] ?? '';
    const json = word === undefined && /[{[]/.test(char) ? leadingJson(line.slice(at)) : undefined;
    if (json !== undefined) {
      word = json;
      at += json.length - 1;
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === '\\' && at + 1 < line.length) {
      at += 1;
      word = (word ?? '') + line[at];
    } else {
      const quoted = char === "'" || char === '"' ? readQuoted(line, at) : undefined;
      word = (word ?? '') + (quoted?.text ?? char);
      at = quoted?.end ?? at;
    }
  }
  return word === undefined ? words : [...words, word];
}

type Quoted = { text: string; end: number };

/** Single quotes keep everything; in double quotes a backslash protects a quote or a backslash, so JSON needs no more. */
function readQuoted(line: string, start: number): Quoted | undefined {
  const quote = line[start];
  let text = '';
  for (let at = start + 1; at < line.length; at += 1) {
    const next = line[at + 1];
    if (line[at] === quote) return { text, end: at };
    if (quote === '"' && line[at] === '\\' && (next === '"' || next === '\\')) at += 1;
    text += line[at] ?? '';
  }
  return undefined;
}

/** The shortest start of `text` that is valid JSON and ends at white space or the end. */
function leadingJson(text: string): string | undefined {
  for (const { index } of text.matchAll(/[}\]](?=\s|$)/g)) {
    const candidate = text.slice(0, index + 1);
    try {
      JSON.parse(candidate);
      return candidate;
    } catch {
      // that brace stands inside the value
    }
  }
  return undefined;
}
