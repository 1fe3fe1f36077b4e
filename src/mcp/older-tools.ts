// Tools for programs of the revisions with sessions, whose schemas say more of a definition than 2026-07-28 does.
import { arrayElements, type Edit, isArrayAt, isObjectAt, type Span, splice, textAt } from '../base/json-scan.ts';
import { type Mended, needed, object, optional, text, texts } from './definitions.ts';
import { memberAt } from './envelope.ts';
import { removeMembers } from './modern.ts';
import { schemaIds, whyNotCompiled } from './output-schema.ts';
import { Found, findWrong, type Shape } from './shapes.ts';

/** There each property has an object for its schema; these say the same. */
const properties: Shape = {
  is: 'map',
  of: { is: 'kind', kinds: ['object'] },
  instead: (written) => (written === 'false' ? '{"not":{}}' : '{}'),
};

const older = object(
  ...optional(object(...optional(properties, 'properties')), 'inputSchema'),
  // It describes an object. Without a schema nothing is expected of a result, so that all of them stay right.
  ...optional(
    object(
      needed('type', { is: 'text', oneOf: ['object'] }),
      ...optional(properties, 'properties'),
      ...optional(texts, 'required'),
      ...optional(text, '$schema'),
    ),
    'outputSchema',
  ),
);

/** Of a definition that `mendDefinition` has seen. */
export function olderTool(raw: Buffer): Mended {
  const found = new Found();
  findWrong(raw, whole(raw), older, '', found);
  const plain = found.edits.length === 0 ? raw : splice(raw, found.edits);
  const output = outputOf(plain, whole(plain));
  const why = output && whyNotCompiled(output.value);
  if (why === undefined) return { raw: plain, faults: found.faults, isLeftOut: false };
  found.note(`outputSchema ${why}`);
  return { raw: splice(plain, withoutOutput(plain, whole(plain))), faults: found.faults, isLeftOut: false };
}

/**
 * A whole list of tools. An id that several schemas have is of the first: who compiles them all with one validator would
 * take one for the other, or refuse the list.
 */
export function olderTools(list: Buffer): Buffer {
  const tools = memberAt(list, whole(list), ['tools']);
  if (!isArrayAt(list, tools)) return list;
  const owners = new Map<string, string>();
  const edits = arrayElements(list, tools).flatMap((at): Edit[] => {
    const written = list.subarray(at.start, at.end);
    const { raw } = olderTool(written);
    const output = outputOf(raw, whole(raw));
    const ids = output ? schemaIds(output.value) : [];
    const isTaken = ids.some((id) => owners.has(id) && owners.get(id) !== output?.text);
    if (isTaken) return [{ at, with: splice(raw, withoutOutput(raw, whole(raw))) }];
    for (const id of ids) owners.set(id, output?.text ?? '');
    return raw === written ? [] : [{ at, with: raw }];
  });
  return edits.length === 0 ? list : splice(list, edits);
}

/** Whether its form in a list may depend on the others there. */
export function hasSchemaIds(raw: Buffer): boolean {
  if (!raw.includes('$id') && !raw.includes('\\u')) return false;
  const output = outputOf(raw, whole(raw));
  return output !== undefined && schemaIds(output.value).length > 0;
}

function outputOf(raw: Buffer, at: Span): { text: string; value: Record<string, unknown> } | undefined {
  const span = memberAt(raw, at, ['outputSchema']);
  if (!isObjectAt(raw, span)) return undefined;
  const written = textAt(raw, span);
  return { text: written, value: Object(JSON.parse(written)) };
}

function withoutOutput(raw: Buffer, at: Span): Edit[] {
  return removeMembers(raw, at, ({ key }) => key === 'outputSchema');
}

function whole(bytes: Buffer): Span {
  return { start: 0, end: bytes.length };
}
