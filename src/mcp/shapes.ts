// What a value must be like, checked on bytes. Of an object or list that is not like that, the parts that are wrong are
// taken out or replaced; whatever else stands in it stays as it was written, members that nobody knows included.
import { cutChars } from '../base/cut-text.ts';
import {
  arrayElements,
  cutEdits,
  type Edit,
  type Member,
  objectMembers,
  type Span,
  stringAt,
  textAt,
} from '../base/json-scan.ts';

export type Kind = 'text' | 'number' | 'boolean' | 'null' | 'array' | 'object';

export type Shape =
  | { readonly is: 'kind'; readonly kinds: readonly Kind[] }
  | { readonly is: 'text'; readonly oneOf?: readonly string[]; readonly like?: { form: RegExp; name: string } }
  | { readonly is: 'number'; readonly from: number; readonly to: number }
  /** Plain digits: SDKs in other languages read such numbers as nothing else. */
  | { readonly is: 'count' }
  /** Elements that are wrong are taken out; it is wrong itself when none is left. */
  | { readonly is: 'list'; readonly of: Shape }
  /** Members of any name; `instead` of what is wrong. */
  | { readonly is: 'map'; readonly of: Shape; readonly instead: (written: string) => string }
  | { readonly is: 'object'; readonly members: readonly MemberShape[] };

export type MemberShape = {
  readonly key: string;
  readonly shape: Shape;
  /**
   * `optional`: taken out where it is wrong. `vital`: only where it says nothing, since it would be missed. `needed`: must
   * be there. Where none of that helps, the whole object is wrong.
   */
  readonly rank: 'optional' | 'vital' | 'needed';
  /** JSON text in the place of what is wrong or (of a needed one) missing; undefined: nothing is certain to mean the same. */
  readonly instead?: (written: string | undefined, sibling: (key: string) => string | undefined) => string | undefined;
};

/** One entry may have any number of faults; who corrects it needs the first few. */
const maxFaults = 20;

export class Found {
  readonly edits: Edit[] = [];
  /** What is wrong and mended by the edits, one each, up to a limit. */
  readonly faults: string[] = [];

  note(...faults: readonly string[]): void {
    for (const fault of faults) if (this.faults.length < maxFaults) this.faults.push(fault);
  }
}

/** Why the value is wrong; undefined: it is right, or becomes so with the edits that were added to `found`. */
export function findWrong(bytes: Buffer, at: Span, shape: Shape, path: string, found: Found): string | undefined {
  const kind = kindAt(bytes, at);
  switch (shape.is) {
    case 'kind':
      return shape.kinds.includes(kind) ? undefined : wrongKind(path, kind, shape.kinds);
    case 'text':
      return kind === 'text' ? wrongText(bytes, at, shape, path) : wrongKind(path, kind, ['text']);
    case 'number':
      return kind === 'number' ? wrongNumber(textAt(bytes, at), shape, path) : wrongKind(path, kind, ['number']);
    case 'count':
      return kind === 'number' ? wrongCount(textAt(bytes, at), path) : wrongKind(path, kind, ['number']);
    case 'list':
      return kind === 'array' ? inList(bytes, at, shape.of, path, found) : wrongKind(path, kind, ['array']);
    case 'map':
      return kind === 'object' ? inMap(bytes, at, shape, path, found) : wrongKind(path, kind, ['object']);
    case 'object':
      return kind === 'object' ? inObject(bytes, at, shape.members, path, found) : wrongKind(path, kind, ['object']);
  }
}

export function kindAt(bytes: Uint8Array, { start }: Span): Kind {
  switch (bytes[start]) {
    case 0x7b:
      return 'object';
    case 0x5b:
      return 'array';
    case 0x22:
      return 'text';
    case 0x6e:
      return 'null';
    case 0x74:
    case 0x66:
      return 'boolean';
    default:
      return 'number';
  }
}

/** Values that say nothing; servers write them for what they have not, each language its own. */
export function saysNothing(written: string): boolean {
  return /^(?:null|""|\[[ \t\r\n]*\]|\{[ \t\r\n]*\})$/.test(written);
}

const names: Readonly<Record<Kind, string>> = {
  text: 'text',
  number: 'a number',
  boolean: 'true or false',
  null: 'null',
  array: 'an array',
  object: 'an object',
};

function wrongKind(path: string, kind: Kind, wanted: readonly Kind[]): string {
  return `${path === '' ? 'it' : path} is ${names[kind]}, not ${wanted.map((one) => names[one]).join(' or ')}`;
}

function wrongText(bytes: Buffer, at: Span, { oneOf, like }: Shape & { is: 'text' }, path: string): string | undefined {
  if (!oneOf && !like) return undefined;
  const text = stringAt(bytes, at) ?? '';
  const shown = JSON.stringify(cutChars(text, maxShown));
  if (oneOf && !oneOf.includes(text)) return `${path} is ${shown}, not ${oneOf.map((one) => `"${one}"`).join(' or ')}`;
  return like && !like.form.test(text) ? `${path} is ${shown}, not ${like.name}` : undefined;
}

/** Of a server's text, in a message for people. */
const maxShown = 40;

function wrongNumber(text: string, { from, to }: Shape & { is: 'number' }, path: string): string | undefined {
  const value = Number(text);
  return value >= from && value <= to ? undefined : `${path} is ${cutChars(text, maxShown)}, not from ${from} to ${to}`;
}

function wrongCount(text: string, path: string): string | undefined {
  const isCount = /^\d{1,18}$/.test(text);
  return isCount ? undefined : `${path} is ${cutChars(text, maxShown)}, not a number of bytes`;
}

function inList(bytes: Buffer, at: Span, of: Shape, path: string, found: Found): string | undefined {
  const elements = arrayElements(bytes, at);
  const undo = mark(found);
  const wrong = elements.map((element, i) => tried(found, () => findWrong(bytes, element, of, `${path}[${i}]`, found)));
  const why = wrong.filter((one) => one !== undefined);
  if (why.length === 0) return undefined;
  if (why.length === elements.length) {
    undo();
    return why[0];
  }
  const ends = elements.map(({ end }) => end);
  found.edits.push(...cutEdits(bytes, at, ends, (i) => wrong[i] !== undefined));
  found.note(...why);
  return undefined;
}

function inMap(bytes: Buffer, at: Span, shape: Shape & { is: 'map' }, path: string, found: Found): string | undefined {
  for (const { key, value } of objectMembers(bytes, at)) {
    const why = tried(found, () => findWrong(bytes, value, shape.of, `${path}.${cutChars(key, maxShown)}`, found));
    if (why === undefined) continue;
    found.edits.push({ at: value, with: shape.instead(textAt(bytes, value)) });
    found.note(why);
  }
  return undefined;
}

function inObject(
  bytes: Buffer,
  at: Span,
  shapes: readonly MemberShape[],
  path: string,
  found: Found,
): string | undefined {
  const members = objectMembers(bytes, at);
  const gone = new Set<Member>();
  const added: string[] = [];
  const sibling = (key: string) => {
    const member = members.findLast((one) => one.key === key);
    return member && textAt(bytes, member.value);
  };
  for (const { key, shape, rank, instead } of shapes) {
    const here = path === '' ? key : `${path}.${key}`;
    // Programs read the last one or refuse both; the first is never meant.
    const same = members.filter((one) => one.key === key);
    const member = same.pop();
    for (const one of same) gone.add(one);
    if (same.length > 0) found.note(`${here} stands there ${same.length + 1} times`);
    if (!member) {
      if (rank !== 'needed') continue;
      const text = instead?.(undefined, sibling);
      if (text === undefined) return `${here} is missing`;
      added.push(`${JSON.stringify(key)}:${text}`);
      found.note(`${here} is missing`);
      continue;
    }
    const why = tried(found, () => findWrong(bytes, member.value, shape, here, found));
    if (why === undefined) continue;
    const written = textAt(bytes, member.value);
    const text = instead?.(written, sibling);
    if (text !== undefined) found.edits.push({ at: member.value, with: text });
    else if (rank === 'optional' || (rank === 'vital' && saysNothing(written))) gone.add(member);
    else return why;
    found.note(why);
  }
  found.edits.push(...memberEdits(bytes, at, members, { gone, added }));
  return undefined;
}

function memberEdits(
  bytes: Buffer,
  at: Span,
  members: readonly Member[],
  { gone, added }: { gone: ReadonlySet<Member>; added: readonly string[] },
): Edit[] {
  if (gone.size === 0 && added.length === 0) return [];
  const ends = members.map(({ value }) => value.end);
  const isGone = (i: number) => {
    const member = members[i];
    return member !== undefined && gone.has(member);
  };
  if (gone.size === members.length) return [{ at: { start: at.start + 1, end: at.end - 1 }, with: added.join(',') }];
  const cuts = gone.size > 0 ? cutEdits(bytes, at, ends, isGone) : [];
  const end = { start: at.end - 1, end: at.end - 1 };
  return added.length > 0 ? [...cuts, { at: end, with: `,${added.join(',')}` }] : cuts;
}

/** What is wrong as a whole goes as a whole: what was found inside counts no more. */
function tried(found: Found, check: () => string | undefined): string | undefined {
  const undo = mark(found);
  const why = check();
  if (why !== undefined) undo();
  return why;
}

function mark({ edits, faults }: Found): () => void {
  const [editCount, faultCount] = [edits.length, faults.length];
  return () => {
    edits.length = editCount;
    faults.length = faultCount;
  };
}
