// Whether the official SDK can compile a tool's output schema. It does so for every tool as soon as it has the list, and
// one that its validator refuses costs it all of them (measured with SDK 1.32.2). Nothing is compiled here: a schema of a
// hostile server would hold everybody. What is unusual and might be refused counts as refused.
import { cutChars } from '../base/cut-text.ts';
import { isRecord } from '../base/guards.ts';

type Json = Record<string, unknown>;

const formatLimits = ['formatMinimum', 'formatMaximum', 'formatExclusiveMinimum', 'formatExclusiveMaximum'] as const;
const ordered: ReadonlySet<unknown> = new Set(['date', 'time', 'date-time', 'iso-time', 'iso-date-time']);

/** What the validator (Ajv, draft-07) wants behind a keyword; any other value ends the compilation. */
const wanted: Readonly<Record<string, (value: unknown) => boolean>> = {
  ...each(isNumber, 'maximum', 'minimum', 'exclusiveMaximum', 'exclusiveMinimum', 'multipleOf', 'maxLength'),
  ...each(isNumber, 'minLength', 'maxItems', 'minItems', 'maxProperties', 'minProperties'),
  ...each(isText, '$ref', 'pattern', 'format', '$id'),
  ...each(isText, ...formatLimits),
  ...each(Array.isArray, 'required', 'allOf', 'anyOf', 'oneOf'),
  ...each(isRecord, 'properties', 'patternProperties', 'dependencies'),
  ...each(
    isSchema,
    'additionalProperties',
    'additionalItems',
    'contains',
    'propertyNames',
    'not',
    'if',
    'then',
    'else',
  ),
  ...each((value) => typeof value === 'boolean', 'uniqueItems', 'nullable'),
  items: (value) => isSchema(value) || Array.isArray(value),
  enum: (value) => Array.isArray(value) && value.length > 0,
  type: (value) => (Array.isArray(value) ? value.length > 0 && value.every(isType) : isType(value)),
  id: () => false,
  // Anything that counts as true makes a schema one that answers later, which the others cannot refer to.
  $async: (value) => !value,
};
const types: ReadonlySet<unknown> = new Set(['string', 'number', 'integer', 'boolean', 'null', 'array', 'object']);

/** Deeper, through `$ref` as well, its compiler may run out of stack: at 400 references it does (measured). */
const maxSteps = 150;

/** Why it might not; undefined: it can. */
export function whyNotCompiled(root: Json): string | undefined {
  return new OutputSchema(root).check();
}

/** Names under which the parts of a schema are known to whoever compiles several with one validator. */
export function schemaIds(root: Json): string[] {
  return namedParts(root, '$id').map(([id]) => id);
}

const plainName = /^[a-z][\w.-]*$/i;
const plainUrn = /^urn:[a-z0-9][a-z0-9-]{1,31}:[\w.:-]+$/i;
const plainAddress = /^https?:\/\/[a-z0-9][a-z0-9.-]*(?::\d{1,5})?\/[\w./~-]*$/;

/** An id that every URI parser reads alike, and that is no name of the validator's own. */
function isPlainId(id: string): boolean {
  if (plainName.test(id)) return !(id in Object.prototype);
  if (plainUrn.test(id)) return true;
  return plainAddress.test(id) && URL.canParse(id) && new URL(id).href === id && !id.includes('//json-schema.org/');
}

class OutputSchema {
  readonly #root: Json;
  readonly #rootId: string | undefined;
  readonly #seen = new Set<Json>();
  /** By anchor or id. */
  readonly #parts = new Map<string, Json>();
  /** By reference. */
  readonly #targets = new Map<string, Json | true | undefined>();
  /** What no validator takes, wherever it stands. */
  #wrongName: string | undefined;
  /** Against an id that is no address, only references within the schema are sure. */
  readonly #isRelative: boolean;
  /** Parts with an id of their own: inside of one, a reference means another place, and none is followed. */
  readonly #hasParts: boolean;

  constructor(root: Json) {
    this.#root = root;
    this.#rootId = isText(root['$id']) ? root['$id'].replace(/#$/, '') : undefined;
    const anchors = [...namedParts(root, '$anchor'), ...namedParts(root, '$dynamicAnchor')];
    const ids = namedParts(root, '$id');
    for (const [name] of anchors)
      if (!/^[a-z_][-a-z0-9._]*$/i.test(name)) this.#wrongName ??= `the anchor ${shown(name)}`;
    for (const [name, part] of [...anchors.map(([name, part]) => [`#${name}`, part] as const), ...ids]) {
      if (this.#parts.has(name)) this.#wrongName ??= `${shown(name)} twice`;
      this.#parts.set(name, part);
    }
    this.#hasParts = ids.some(([, part]) => part !== root);
    // One may be relative to another or to one of another tool, and then be the same; or be none that can be parsed.
    if (this.#hasParts) this.#wrongName ??= 'a part with an $id of its own';
    if (isText(root['$id']) && !isPlainId(root['$id'])) this.#wrongName ??= `the $id ${shown(root['$id'])}`;
    this.#isRelative = isText(root['$id']) && plainName.test(root['$id']);
  }

  check(): string | undefined {
    return this.#wrongName === undefined ? this.#visit(this.#root, 0) : `has ${this.#wrongName}`;
  }

  #visit(schema: unknown, steps: number): string | undefined {
    if (schema === null) return 'has null for a schema';
    if (!isRecord(schema) || this.#seen.has(schema)) return undefined;
    if (steps > maxSteps) return 'is nested too deep';
    this.#seen.add(schema);
    for (const [keyword, value] of Object.entries(schema)) {
      const isRight = Object.hasOwn(wanted, keyword) ? wanted[keyword] : undefined;
      if (isRight && !isRight(value)) return `has ${shown(value)} for ${keyword}`;
      const isLimit = formatLimits.some((limit) => limit === keyword);
      if (isLimit && !ordered.has(schema['format'])) return `has ${keyword} for a format without order`;
      const why = this.#within(keyword, value, steps);
      if (why !== undefined) return why;
    }
    const isUntyped = !Object.hasOwn(schema, 'type') && Object.hasOwn(schema, 'nullable');
    if (isUntyped) return 'has nullable without a type';
    const takesNull = Array.isArray(schema['type']) ? schema['type'].includes('null') : schema['type'] === 'null';
    return takesNull && schema['nullable'] === false ? 'has nullable: false for null' : undefined;
  }

  #within(keyword: string, value: unknown, steps: number): string | undefined {
    switch (keyword) {
      case '$ref':
        if (this.#isRelative && !String(value).startsWith('#')) return `has the reference ${shown(value)}`;
        return this.#refer(String(value), steps);
      case 'pattern':
        return whyNoPattern(String(value));
      case 'patternProperties':
        return first(Object.keys(Object(value)), whyNoPattern) ?? this.#all(value, steps);
      case 'properties':
      case 'dependencies':
      case 'allOf':
      case 'anyOf':
      case 'oneOf':
        return this.#all(value, steps);
      case 'items':
        return Array.isArray(value) ? this.#all(value, steps) : this.#visit(value, steps + 1);
      case 'additionalProperties':
      case 'additionalItems':
      case 'contains':
      case 'propertyNames':
      case 'not':
      case 'if':
      case 'then':
      case 'else':
        return this.#visit(value, steps + 1);
      default:
        return undefined;
    }
  }

  #all(value: unknown, steps: number): string | undefined {
    return first(Object.values(Object(value)), (one) => this.#visit(one, steps + 1));
  }

  #refer(ref: string, steps: number): string | undefined {
    const target = this.#resolve(ref);
    if (target === undefined) return `has a $ref to ${shown(ref)}, which is not there`;
    // One that leads to nothing but the next is followed at once: in a circle for ever.
    let length = 0;
    for (let at: unknown = target; isRecord(at) && isText(at['$ref']) && !hasRules(at); length += 1) {
      if (length > maxSteps) return `has a $ref to ${shown(ref)}, which leads too far`;
      at = this.#resolve(at['$ref']);
    }
    return target === true ? undefined : this.#visit(target, steps + 1);
  }

  /** The schema that it means; `true`: one that is known to be there. */
  #resolve(ref: string): Json | true | undefined {
    if (!this.#targets.has(ref)) this.#targets.set(ref, this.#find(ref));
    return this.#targets.get(ref);
  }

  #find(ref: string): Json | true | undefined {
    if (this.#hasParts) return undefined;
    const plain = ref.replace(/#\/?$/, '');
    if (plain === '' || plain === this.#rootId) return this.#root;
    if (/^https?:\/\/json-schema\.org\/draft-07\/schema$/.test(plain)) return true;
    const isOwn = this.#rootId !== undefined && plain.startsWith(`${this.#rootId}#`);
    const pointer = isOwn ? plain.slice(this.#rootId?.length) : plain;
    return (
      this.#parts.get(pointer) ??
      (pointer.startsWith('#/') ? atPointer(this.#root, pointer.slice(2).split('/')) : undefined)
    );
  }
}

function atPointer(root: Json, parts: readonly string[]): Json | true | undefined {
  let at: unknown = root;
  try {
    for (const part of parts) {
      const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
      if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
      at = Object.getOwnPropertyDescriptor(at, key)?.value;
    }
  } catch {
    return undefined; // malformed percent-encoding, which the validator refuses as well
  }
  if (typeof at === 'boolean') return true;
  return isRecord(at) ? at : undefined;
}

function namedParts(root: Json, keyword: string): [name: string, part: Json][] {
  const parts: [name: string, part: Json][] = [];
  const left: unknown[] = [root];
  for (let at = left.pop(); at !== undefined; at = left.pop()) {
    const name = isRecord(at) ? at[keyword] : undefined;
    if (isRecord(at) && typeof name === 'string') parts.push([name, at]);
    for (const value of Object.values(Object(at))) if (typeof value === 'object') left.push(value);
  }
  return parts;
}

function whyNoPattern(pattern: string): string | undefined {
  try {
    new RegExp(pattern, 'u');
    return undefined;
  } catch {
    return `has a pattern that is none: ${shown(pattern)}`;
  }
}

function hasRules(schema: Json): boolean {
  return Object.keys(schema).some((key) => key !== '$ref' && Object.hasOwn(wanted, key));
}

function each(check: (value: unknown) => boolean, ...keywords: readonly string[]) {
  return Object.fromEntries(keywords.map((keyword) => [keyword, check]));
}

function first<T>(values: readonly T[], why: (value: T) => string | undefined): string | undefined {
  for (const value of values) {
    const found = why(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Of a server's schema, in a message for people. */
function shown(value: unknown): string {
  const text =
    typeof value === 'object' && value !== null
      ? Array.isArray(value)
        ? 'an array'
        : 'an object'
      : JSON.stringify(value);
  return cutChars(text, 60);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isType(value: unknown): boolean {
  return types.has(value);
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number';
}

function isSchema(value: unknown): boolean {
  return isRecord(value) || typeof value === 'boolean';
}
