// Turns what zod and the parser found into sentences with file, line, column and path of the value.

import type * as z from 'zod/mini';
import { cutChars } from '../base/cut-text.ts';
import { editDistance } from '../base/edit-distance.ts';
import type { ErrorCode } from '../base/errors.ts';
import { visibleJson } from '../base/plain-text.ts';
import type { Problem } from '../link/control.ts';

/** Of one text or value; a file that is something else has one at each place, and nobody reads more of them. */
export const maxProblems = 20;

export type JsonPath = readonly (string | number)[];

/** `message` is complete in itself: place, path, what is wrong. `hint` says what to write instead. */
export type ConfigProblem = Problem & { code: ErrorCode; path?: string; line?: number; column?: number };

/** What is wrong with one value, before its place is known. */
export type Flaw = { path: JsonPath; what: string; hint?: string };

/** `mcpServers.github.args[2]`; names that are no identifiers stand in brackets. */
export function formatPath(path: JsonPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[\w$-]+$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${quote(part)}]`;
  }
  return text;
}

/** A name or value from outside for a message: quoted, cut, with what hides written out. */
export function quote(value: unknown): string {
  return visibleJson(cutChars(JSON.stringify(value) ?? String(value), 80));
}

/** Secrets stand in these; their values are never repeated in a message. */
const secretParents = new Set(['env', 'headers', 'oauth']);

export function flawsOf(issues: readonly z.core.$ZodIssue[], input: unknown, base: JsonPath = []): Flaw[] {
  return issues.slice(0, maxProblems).flatMap((issue) => {
    const inner = issue.path.filter((part) => typeof part !== 'symbol');
    if (issue.code === 'invalid_union') return [unionFlaw(issue, input, base, inner)];
    const found = valueAt(input, inner);
    const isSecret = inner.some((part) => typeof part === 'string' && secretParents.has(part));
    return [{ path: [...base, ...inner], ...explain(issue, found, isSecret) }];
  });
}

function unionFlaw(issue: z.core.$ZodIssueInvalidUnion, input: unknown, base: JsonPath, inner: JsonPath): Flaw {
  const found = valueAt(input, inner);
  const choices = issue.errors.flatMap((errors) => errors.slice(0, 1).map(expectation));
  return { path: [...base, ...inner], what: `is ${quote(found)}`, hint: `Write ${orList(choices)}.` };
}

function explain(issue: z.core.$ZodIssue, found: unknown, isSecret: boolean): { what: string; hint: string } {
  if (found === undefined) return { what: 'is missing', hint: `Write ${expectation(issue)}.` };
  const wrongKind = issue.code === 'invalid_type';
  const what = isSecret || (wrongKind && typeof found === 'object') ? `is ${kindOf(found)}` : `is ${quote(found)}`;
  if (issue.code === 'invalid_value' && typeof found === 'string') {
    const near = nearest(found, issue.values.map(String));
    return { what, hint: `${near ? `Did you mean ${quote(near)}? ` : ''}Write ${expectation(issue)}.` };
  }
  const isNumberForText = wrongKind && issue.expected === 'string' && ['number', 'boolean'].includes(typeof found);
  if (isNumberForText && !isSecret) return { what, hint: `Write it as text: ${quote(String(found))}.` };
  return { what, hint: `Write ${expectation(issue)}.` };
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return kindNames[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return orList(issue.values.map((value) => quote(value)));
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array'
        ? `at least ${issue.minimum === 1 ? 'one' : issue.minimum} ${issue.origin === 'string' ? 'character' : 'entry'}`
        : `${issue.minimum} or more`;
    case 'too_big':
      return `${issue.maximum} or less`;
    case 'invalid_format':
      return 'a variable name such as GITHUB_TOKEN, or a start such as AWS_*';
    default:
      return 'a valid value';
  }
}

const kindNames: Record<string, string> = {
  string: 'a text in quotes',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list in [ ]',
  object: 'an object in { }',
  record: 'an object in { }',
};

export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'object':
      return 'an object';
    case 'string':
      return value === '' ? 'an empty text' : 'a text';
    case 'number':
      return 'a number';
    case 'boolean':
      return `${value}`;
    default:
      return 'missing';
  }
}

function orList(choices: readonly string[]): string {
  const last = choices.at(-1) ?? 'a valid value';
  return choices.length < 2 ? last : `${choices.slice(0, -1).join(', ')} or ${last}`;
}

function valueAt(input: unknown, path: JsonPath): unknown {
  let at: unknown = input;
  for (const part of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = Object.getOwnPropertyDescriptor(at, part)?.value;
  }
  return at;
}

/** The known word closest to `word`, if it is close enough to be a slip of the pen. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: { word: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(normal(word), normal(candidate));
    if (best === undefined || distance < best.distance) best = { word: candidate, distance };
  }
  return best && best.distance <= Math.max(1, Math.floor(best.word.length / 3)) ? best.word : undefined;
}

/** Case and separators are what people get wrong first: `time_out_ms` is `timeoutMs`. */
function normal(word: string): string {
  return word.slice(0, 64).toLowerCase().replace(/[-_ ]/g, '');
}
