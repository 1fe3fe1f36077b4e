// What a 2026-07-28 server answered, for a program of a revision with sessions.
import { type Edit, isObjectAt, type Member, objectMembers, type Span, stringAt, textAt } from '../base/json-scan.ts';
import { memberAt, type NotificationEnvelope, type ResponseEnvelope } from './envelope.ts';
import { metaKeys, removeMembers } from './modern.ts';

/** Hints of the stateless era; programs with sessions may take an unknown `resultType` for a message that they must refuse. */
const newer: ReadonlySet<string> = new Set(['resultType', 'ttlMs', 'cacheScope']);

export function legacyResultEdits({ line, result }: ResponseEnvelope): Edit[] {
  if (!isObjectAt(line, result)) return [];
  // A kind of result that has no counterpart keeps its mark: without it, it would pass for a plain one.
  const type = stringAt(line, memberAt(line, result, ['resultType']));
  if (type !== undefined && type !== 'complete') return [];
  return removeMarked(line, result, ({ key, value }) => {
    if (newer.has(key)) return true;
    // Libraries of the sessions era reject the whole result for it (measured with SDK 1.32.2); its text says the same.
    return key === 'structuredContent' && !isObjectAt(line, value);
  });
}

/** Programs with sessions reject a result whose structure is no object; of a tool whose schema they were not given. */
export function structureEdits({ line, result }: ResponseEnvelope): Edit[] {
  const structure = memberAt(line, result, ['structuredContent']);
  if (!isObjectAt(line, result) || !structure || isObjectAt(line, structure)) return [];
  return removeMembers(line, result, ({ key }) => key === 'structuredContent');
}

/** What a server without sessions tells of a change, without the mark of our own listening. */
export function legacyNotificationEdits({ line, params }: NotificationEnvelope): Edit[] {
  return isObjectAt(line, params) ? removeMarked(line, params, () => false) : [];
}

/** Takes members out, and of `_meta` what belongs to this hop; an empty one goes with it. */
function removeMarked(line: Buffer, object: Span, isGone: (member: Member) => boolean): Edit[] {
  const meta = memberAt(line, object, ['_meta']);
  const marks = isObjectAt(line, meta) ? objectMembers(line, meta) : [];
  const isOurs = ({ key }: Member) => key === metaKeys.serverInfo || key === metaKeys.subscriptionId;
  const isOnlyOurs = marks.length > 0 && marks.every(isOurs);
  const isRemoved = (member: Member) => isGone(member) || (isOnlyOurs && member.key === '_meta');
  const own = objectMembers(line, object).some(isRemoved) ? removeMembers(line, object, isRemoved) : [];
  const isAll = own.some(({ at }) => at.start === object.start);
  if (!isObjectAt(line, meta) || isOnlyOurs || isAll || !marks.some(isOurs)) return own;
  return [...own, ...removeMembers(line, meta, isOurs)];
}

/** A resource that is not there has a code of its own in the sessions era. */
export function legacyErrorEdits({ line, error }: ResponseEnvelope, method: string): Edit[] {
  const code = memberAt(line, error, ['code']);
  if (method !== 'resources/read' || !code || textAt(line, code) !== '-32602') return [];
  const isAbout = stringAt(line, memberAt(line, error, ['data', 'uri'])) !== undefined;
  return isAbout ? [{ at: code, with: '-32002' }] : [];
}
