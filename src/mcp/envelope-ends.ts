// Whose message a line was that cannot be read whole: it was too long to keep, or is no valid JSON. Its two ends tell,
// because id and method stand first or last in practice. Used where such a line must be answered instead of dropped.

export type LineEnds = { readonly head: Buffer; readonly tail: Buffer };
export type EnvelopeEnds = {
  /** As its own text; undefined if it stands in neither end. */
  readonly id: string | undefined;
  readonly hasMethod: boolean;
};

/** As much of each end as is kept of a line that is too long. */
const endBytes = 4_096;
/** As strict as JSON: it is repeated in an answer. */
const idPattern = String.raw`("(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?)`;
const wholeId = new RegExp(`^${idPattern}$`);
/** An id among the last members, which are short; what follows it can only be method or jsonrpc. */
const idAtEnd = new RegExp(
  `[,{]\\s*"id"\\s*:\\s*${idPattern}\\s*(?:,\\s*"(?:method|jsonrpc)"\\s*:\\s*"[^"\\\\]*"\\s*)*\\}\\s*$`,
);
const methodAtEnd =
  /[,{]\s*"method"\s*:\s*"[^"\\]*"\s*(?:,\s*"(?:id|jsonrpc)"\s*:\s*(?:"[^"\\]*"|[-\d.eE+]+)\s*)*\}\s*$/;

export function endsOf(line: Buffer): LineEnds {
  return { head: line.subarray(0, endBytes), tail: line.subarray(-endBytes) };
}

export function readEnds({ head, tail }: LineEnds): EnvelopeEnds {
  const atHead = topLevel(head.toString('utf8'));
  const end = tail.toString('utf8');
  return {
    id: atHead.id ?? idAtEnd.exec(end)?.[1],
    hasMethod: atHead.hasMethod || methodAtEnd.test(end),
  };
}

/** Walks the cut beginning of an object; an `id` deeper inside belongs to somebody's arguments. */
function topLevel(head: string): EnvelopeEnds {
  // A text that the cut leaves open goes to the end: to look into it would be to take its words for members.
  const token = /"(?:[^"\\]|\\.)*"?|[{}[\],:]|[^\s{}[\],:"]+/g;
  let [depth, isValue, hasMethod] = [0, false, false];
  let [key, id]: (string | undefined)[] = [];
  for (let found = token.exec(head); found; found = token.exec(head)) {
    const [text] = found;
    if (text === '{' || text === '[') depth += 1;
    else if (text === '}' || text === ']') depth -= 1;
    else if (depth !== 1) continue;
    else if (text === ':') isValue = true;
    else if (text === ',') isValue = false;
    else if (!isValue) key = text;
    else if (key === '"method"') hasMethod = text !== 'null';
    else if (key === '"id"' && wholeId.test(text) && token.lastIndex < head.length) id ??= text;
  }
  return { id, hasMethod };
}
