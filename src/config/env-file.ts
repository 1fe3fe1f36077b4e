// The optional `env` file: values of variables for programs that reach the daemon without a wrapper of their own.
import { readForeignText } from '../base/foreign-file.ts';
import type { Problem } from '../link/control.ts';

export type EnvFile = { values: Record<string, string>; warnings: Problem[] };

/** Values of variables are typed or pasted. */
const maxBytes = 1024 * 1024;

/** Absent: no values. A file that others may read is not used, so that nobody goes on keeping secrets in it. */
export function readEnvFile(path: string): EnvFile {
  const ignored = (message: string, hint: string): EnvFile => ({
    values: {},
    warnings: [{ code: 'CONFIG_UNREADABLE', message: `${path} is not used: ${message}.`, hint }],
  });
  // A planted link would otherwise choose whose secrets servers get.
  const reading = readForeignText(path, { maxBytes, isLinkRefused: true });
  if (reading.kind === 'absent') return { values: {}, warnings: [] };
  if (reading.kind === 'refused') {
    const hint = reading.code === 'EACCES' ? `Run: chmod 600 '${path}'` : 'Replace it by a plain file.';
    return ignored(`it ${reading.reason}`, hint);
  }
  const { text, stat } = reading;
  if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) {
    return ignored(`others may read it (mode ${(stat.mode & 0o777).toString(8)})`, `Run: chmod 600 '${path}'`);
  }
  const { values, badLines } = parseEnvFile(text);
  const warnings = badLines.map((line) => ({
    code: 'CONFIG_INVALID',
    message: `${path}:${line}: this line is not NAME=value and is skipped.`,
  }));
  return { values, warnings };
}

const assignment = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)$/;

/**
 * `NAME=value` a line, `export` allowed, `#` starts a comment after a space. Single quotes keep all as it is; double
 * quotes know \n \t \" \\; nothing is ever substituted. `badLines` are the numbers of lines that are none of it.
 */
export function parseEnvFile(text: string): { values: Record<string, string>; badLines: number[] } {
  const values = new Map<string, string>();
  const badLines: number[] = [];
  for (const [i, line] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const match = assignment.exec(line.trim());
    const value = match && readValue((match[2] ?? '').trim());
    if (match?.[1] === undefined || typeof value !== 'string') badLines.push(i + 1);
    else values.set(match[1], value);
  }
  return { values: Object.fromEntries(values), badLines };
}

function readValue(text: string): string | undefined {
  const quoted = /^(?:'([^']*)'|"((?:[^"\\]|\\.)*)")\s*(?:#.*)?$/.exec(text);
  if (quoted)
    return quoted[1] ?? (quoted[2] ?? '').replace(/\\(.)/g, (_, char: string) => escapes[char] ?? `\\${char}`);
  if (/^['"]/.test(text)) return undefined; // a quote that does not end
  const comment = text.search(/(?:^|\s)#/);
  return comment < 0 ? text : text.slice(0, comment).trimEnd();
}

const escapes: Record<string, string> = { n: '\n', t: '\t', '"': '"', '\\': '\\' };
