// Text from outside for people: complete, and with every character that could hide something written out.

/** Control, format (zero-width, bidirectional), private, unassigned and surrogate characters; line separators; odd spaces. */
const hidden = /[\p{C}\p{Zl}\p{Zp}]|[\u00a0\u115f\u1160\u2000-\u200a\u202f\u205f\u3000\u3164\uffa0]/gu;

export function escapeText(text: string): string {
  return text.replace(hidden, (char) => {
    if (char === '\n') return '\\n';
    if (char === '\r') return '\\r';
    if (char === '\t') return '\\t';
    const code = char.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** A word of a command as a shell would need it, so that the borders of arguments are seen. */
export function shellWord(text: string): string {
  const escaped = escapeText(text);
  if (escaped !== text) return `$'${escaped.replaceAll("'", "\\'")}'`;
  return /^[\w@%+=:,./~-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** JSON for a terminal as well as for a program: hidden characters as escapes, which parse back to themselves. */
export function visibleJson(value: unknown): string {
  const text = JSON.stringify(value, undefined, 2);
  return text.replace(hidden, (char) =>
    char === '\n'
      ? char
      : [...Array(char.length).keys()].map((i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}
