// The protocol's schemas of what servers list, as strict programs check them: the official SDKs refuse a whole list for one
// entry of it. An entry becomes valid where that cannot change what it means; else it is left out.
import { isUtf8 } from 'node:buffer';
import { wholeCharacters } from '../base/cut-text.ts';
import { type Edit, findMember, isObjectAt, objectMembers, type Span, splice, stringAt } from '../base/json-scan.ts';
import { memberAt } from './envelope.ts';
import { Found, findWrong, type MemberShape, type Shape, saysNothing } from './shapes.ts';
import { asUtf8, farNumbers, isTooDeep, maxDepth, withoutHalves } from './strict-text.ts';

export const text: Shape = { is: 'text' };
export const texts: Shape = { is: 'list', of: text };
const flag: Shape = { is: 'kind', kinds: ['boolean'] };
const anyObject: Shape = { is: 'kind', kinds: ['object'] };

export function object(...members: readonly MemberShape[]): Shape {
  return { is: 'object', members };
}

export function optional(shape: Shape, ...keys: readonly string[]): MemberShape[] {
  return keys.map((key) => ({ key, shape, rank: 'optional' }));
}

export function needed(key: string, shape: Shape, instead: NonNullable<MemberShape['instead']> = nothing): MemberShape {
  return { key, shape, rank: 'needed', instead };
}

function vital(key: string, shape: Shape): MemberShape {
  return { key, shape, rank: 'vital' };
}

function nothing(): undefined {}

const icon = object(
  needed('src', text),
  ...optional(text, 'mimeType'),
  ...optional(texts, 'sizes'),
  ...optional({ is: 'text', oneOf: ['light', 'dark'] }, 'theme'),
);

/** Of every entry. */
const common: readonly MemberShape[] = [
  ...optional(text, 'title', 'description'),
  ...optional({ is: 'list', of: icon }, 'icons'),
  ...optional(anyObject, '_meta'),
];

const day = String.raw`(?:(?:\d\d[2468][048]|\d\d[13579][26]|\d\d0[48]|[02468][048]00|[13579][26]00)-02-29|\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8])))`;
const time = String.raw`(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)`;

/** Of what can be read. */
const content: readonly MemberShape[] = [
  ...common,
  ...optional(text, 'mimeType'),
  ...optional(
    object(
      ...optional({ is: 'list', of: { is: 'text', oneOf: ['user', 'assistant'] } }, 'audience'),
      ...optional({ is: 'number', from: 0, to: 1 }, 'priority'),
      // As the SDK for TypeScript has it: of a day that there is, with its zone.
      ...optional(
        { is: 'text', like: { form: new RegExp(`^${day}T${time}$`), name: 'a date with time and zone' } },
        'lastModified',
      ),
    ),
    'annotations',
  ),
];

/** Arguments are always an object, so that a schema which allows others as well means the same with this type alone. */
function objectType(written: string | undefined): string | undefined {
  if (written === undefined || saysNothing(written)) return '"object"';
  const type: unknown = JSON.parse(written);
  const allowsObjects = Array.isArray(type) ? type.includes('object') : String(type).toLowerCase() === 'object';
  return allowsObjects ? '"object"' : undefined;
}

const inputSchema = needed(
  'inputSchema',
  object(
    needed('type', { is: 'text', oneOf: ['object'] }, objectType),
    // Without them nobody would know the arguments.
    vital('properties', { is: 'map', of: { is: 'kind', kinds: ['object', 'boolean'] }, instead: () => '{}' }),
    ...optional(texts, 'required'),
    ...optional(text, '$schema'),
  ),
  // No schema, or one that allows everything.
  (written) => (written === undefined || written === 'true' || saysNothing(written) ? '{"type":"object"}' : undefined),
);

/** The same number in plain digits. */
function plainCount(written: string | undefined): string | undefined {
  const value = Number(written);
  return /^[-\d]/.test(written ?? '') && Number.isSafeInteger(value) && value >= 0 ? String(value) : undefined;
}

/** What has no name of its own is called by its URI. */
function named(uri: string | undefined): string | undefined {
  return uri && JSON.stringify(wholeCharacters(String(JSON.parse(uri))));
}

const kinds = {
  tools: {
    nameKey: 'name',
    shape: object(
      needed('name', text),
      inputSchema,
      ...optional(object(...optional(text, '$schema')), 'outputSchema'),
      ...optional(
        object(
          ...optional(text, 'title'),
          ...optional(flag, 'readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'),
        ),
        'annotations',
      ),
      // 2026-07-28 has no word for it, but the SDK for Python reads it there as well.
      ...optional(
        object(...optional({ is: 'text', oneOf: ['required', 'optional', 'forbidden'] }, 'taskSupport')),
        'execution',
      ),
      ...common,
    ),
  },
  prompts: {
    nameKey: 'name',
    shape: object(
      needed('name', text),
      vital('arguments', {
        is: 'list',
        of: object(needed('name', text), ...optional(text, 'title', 'description'), ...optional(flag, 'required')),
      }),
      ...common,
    ),
  },
  resources: {
    nameKey: 'uri',
    shape: object(
      needed('uri', text),
      needed('name', text, (_written, sibling) => named(sibling('uri'))),
      { key: 'size', shape: { is: 'count' }, rank: 'optional', instead: plainCount },
      ...content,
    ),
  },
  resourceTemplates: {
    nameKey: 'uriTemplate',
    shape: object(
      needed('uriTemplate', text),
      needed('name', text, (_written, sibling) => named(sibling('uriTemplate'))),
      ...content,
    ),
  },
} as const;

export type Mended = {
  readonly raw: Buffer;
  /** What was wrong, one each; of one that is left out, why. */
  readonly faults: readonly string[];
  readonly isLeftOut: boolean;
};

/** The entry as programs of every era can read it; only what tools have beyond that is for `older-tools` to see to. */
export function mendDefinition(list: keyof typeof kinds, written: Buffer): Mended {
  const { nameKey, shape } = kinds[list];
  const leftOut = (why: string): Mended => ({ raw: written, faults: [why], isLeftOut: true });
  if (isTooDeep(written)) return leftOut(`it is nested more than ${maxDepth} levels deep`);
  const found = new Found();
  const utf8 = asUtf8(written);
  if (utf8 !== written) {
    // Its server would not know it under what is left of it.
    const name = nameAt(written, nameKey);
    if (name && !isUtf8(written.subarray(name.start, name.end))) return leftOut(`its ${nameKey} is not valid UTF-8`);
    found.note('it is not valid UTF-8');
  }
  // The name is what its server knows it by, and is replaced where lists are joined.
  const whole = withoutHalves(utf8, nameAt(utf8, nameKey));
  if (whole !== utf8) found.note('it has half of a character');
  const why = findWrong(whole, { start: 0, end: whole.length }, shape, '', found);
  if (why !== undefined) return leftOut(why);
  const uri = list === 'resources' ? stringAt(whole, nameAt(whole, nameKey)) : undefined;
  // Where lists are joined it gets a form that is one.
  if (uri !== undefined && !URL.canParse(uri)) found.note('uri is none: it has no scheme, or cannot be read');
  const shaped = found.edits.length === 0 ? whole : splice(whole, found.edits);
  const numbers = list === 'tools' ? ['inputSchema', 'outputSchema'].flatMap((key) => farNumbersIn(shaped, key)) : [];
  if (numbers.length > 0) found.note('its properties have a number that is too large');
  const raw = numbers.length === 0 ? shaped : splice(shaped, numbers);
  return { raw, faults: found.faults, isLeftOut: false };
}

/** The SDK's line for 2026-07-28 reads what stands in properties as JSON values, and Infinity is none. */
function farNumbersIn(tool: Buffer, key: string): Edit[] {
  const at = memberAt(tool, { start: 0, end: tool.length }, [key, 'properties']);
  return at ? farNumbers(tool, at) : [];
}

function nameAt(entry: Buffer, nameKey: string): Span | undefined {
  const isObject = isObjectAt(entry, { start: 0, end: entry.length });
  return isObject ? findMember(objectMembers(entry), nameKey) : undefined;
}
