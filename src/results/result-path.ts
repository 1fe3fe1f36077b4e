// Paths into a stored result: `$.a[3]["odd key"]`; `[*]` maps the rest of the path over an array.
import { cutChars } from '../base/cut-text.ts';
import { AppError } from '../base/errors.ts';
import { isJsonObject, type Json } from './exact-json.ts';

const pathStep = /\.([A-Za-z_$][\w$-]*)|\[(\d+|\*|"(?:[^"\\]|\\.)*")\]/y;
const pathForm = 'Paths are like $.items[3].body, $.items[*].name or $["odd key"].';

/** The whole result instead of what it holds: `$$._meta`. */
export const wholePath = '$$';

/** Throws BAD_ARGUMENT for a path that leads nowhere. */
export function follow(root: Json, path: string): Json {
  const steps = stepsOf(path).map((raw) => {
    if (raw.startsWith('.')) return raw.slice(1);
    const inBrackets = raw.slice(1, -1);
    return inBrackets.startsWith('"') ? String(JSON.parse(inBrackets)) : inBrackets;
  });
  let at = root;
  for (const [i, step] of steps.entries()) {
    if (Array.isArray(at) && step === '*') return each(at, steps, i + 1);
    const next = into(at, step);
    if (next === undefined) throw leadsNowhere(path, at, step);
    at = next;
  }
  return at;
}

/** Of one row of what `path` leads to: the rows of a mapped path are those of its first `[*]`. */
export function rowPath(path: string, place: number): string {
  const steps = stepsOf(path);
  const first = steps.indexOf('[*]');
  const step = `[${place}]`;
  return `${rootOfPath(path)}${(first < 0 ? [...steps, step] : steps.with(first, step)).join('')}`;
}

/** As written, `.a`, `[3]`, `[*]` or `["odd key"]`. */
function stepsOf(path: string): string[] {
  const tail = tailOf(path);
  const steps: string[] = [];
  const step = new RegExp(pathStep);
  while (step.lastIndex < tail.length) {
    const found = step.exec(tail);
    if (!found) throw badRequest(`Path "${path}" cannot be read at "${cutChars(tail, 40)}".`, pathForm);
    steps.push(found[0]);
  }
  return steps;
}

function rootOfPath(path: string): string {
  return path.startsWith(wholePath) ? wholePath : '$';
}

function tailOf(path: string): string {
  if (path.startsWith('$')) return path.slice(rootOfPath(path).length);
  return path.startsWith('[') ? path : `.${path}`;
}

/** One step; undefined: it leads nowhere. */
function into(value: Json, step: string): Json | undefined {
  if (Array.isArray(value)) return /^\d+$/.test(step) ? value[Number(step)] : undefined;
  return isJsonObject(value) && Object.hasOwn(value, step) ? (value[step] ?? null) : undefined;
}

/** The same for the steps from `first` on. Without an error for each row that lacks a field: there may be 100,000. */
function find(value: Json, steps: readonly string[], first: number): Json | undefined {
  let at = value;
  for (let i = first; i < steps.length; i += 1) {
    const step = steps[i] ?? '';
    if (Array.isArray(at) && step === '*') return each(at, steps, i + 1);
    const next = into(at, step);
    if (next === undefined) return undefined;
    at = next;
  }
  return at;
}

/** Rows that lack a field are null, as a projection shows them. */
function each(rows: readonly Json[], steps: readonly string[], first: number): Json[] {
  return rows.map((row) => find(row, steps, first) ?? null);
}

function leadsNowhere(path: string, value: Json, step: string): AppError {
  if (Array.isArray(value)) {
    return badRequest(`Path "${path}" leads nowhere: no item ${step} in an array of ${value.length}.`);
  }
  const has = isJsonObject(value)
    ? `keys are ${Object.keys(value).slice(0, 20).join(', ')}`
    : `it is a ${typeof value}`;
  return badRequest(`Path "${path}" leads nowhere at "${step}": ${has}.`);
}

/** `by.name`: a field of a row, through dots; undefined: the row has none of that name. */
export function fieldOf(row: { [key: string]: Json }, field: string): Json | undefined {
  return Object.hasOwn(row, field) ? (row[field] ?? null) : find(row, field.split('.'), 0);
}

export function badRequest(message: string, hint = 'Read it without a path first to see what it holds.'): AppError {
  return new AppError({ code: 'BAD_ARGUMENT', message, hint });
}
