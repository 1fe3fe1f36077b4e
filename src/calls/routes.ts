// Which server a tool, prompt or resource belongs to, and what differs in the message to it.
import { type Edit, type Span, stringAt } from '../base/json-scan.ts';
import { isToolAllowed } from '../catalog/catalog.ts';
import { declares } from '../catalog/server-face.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import { memberAt, type RequestEnvelope, type ResponseEnvelope } from '../mcp/envelope.ts';
import { type ListName, listKinds, listOfMethod } from '../mcp/lists.ts';
import { serverPart } from '../mcp/tool-name.ts';
import type { Session } from '../sessions/session.ts';
import { linkEdits, markedTarget } from './links.ts';
import { templateMatcher } from './uri-template.ts';
import type { SessionView } from './views.ts';

export type Route = {
  entry: ServerEntry;
  /** The name or URI as the server knows it. */
  name: string;
  /** The same as the session asked for it: to find it again is to walk all of the params. */
  asked: string;
  edits: Edit[];
  onAnswer?: (answer: ResponseEnvelope) => readonly Edit[];
};

/** Where the name stands in the params, and in which lists it is looked up. */
type Place = { path: readonly string[]; lists: readonly ListName[] };

const places: Readonly<Record<string, Place>> = {
  'tools/call': { path: ['name'], lists: ['tools'] },
  'prompts/get': { path: ['name'], lists: ['prompts'] },
  'resources/read': { path: ['uri'], lists: ['resources', 'resourceTemplates'] },
  'resources/subscribe': { path: ['uri'], lists: ['resources', 'resourceTemplates'] },
  'resources/unsubscribe': { path: ['uri'], lists: ['resources', 'resourceTemplates'] },
};

export function isRouted(method: string): boolean {
  return places[method] !== undefined || method === 'completion/complete';
}

/** One server alone: what it did not declare is its own to refuse, in its own words, as it would be without us. */
export function undeclaredBy(session: Session, view: SessionView, method: string): ServerEntry | undefined {
  const [only] = view.servers;
  if (session.identity.server === undefined || !only?.face) return undefined;
  const list = listOfMethod(method);
  const capability = list ? listKinds[list].capability : method === 'logging/setLevel' ? 'logging' : undefined;
  if (capability === undefined) return undefined;
  return only.face.introduction.capabilities[capability] === undefined ? only.entry : undefined;
}

/** The name that a request asks for, for messages. */
export function askedName(request: RequestEnvelope): string | undefined {
  return stringAt(request.line, nameSpan(request)?.span);
}

/** The tool that a call asks for, as the server knows it: `edits` are those of the route. */
export function askedTool(request: RequestEnvelope, edits: readonly Edit[]): string | undefined {
  const at = memberAt(request.line, request.params, ['name']);
  const renamed = at && edits.find((edit) => edit.at.start === at.start)?.with;
  if (renamed === undefined) return stringAt(request.line, at);
  return String(JSON.parse(String(renamed)));
}

/** The lists in which a name is looked up; in several it may be anybody's URI. */
export function listsOfName(method: string): readonly ListName[] {
  return places[method]?.lists ?? ['prompts', 'resources', 'resourceTemplates'];
}

/** Whether a server whose lists nobody knows could have that name. URIs can be anybody's. */
export function mayOffer(entry: ServerEntry, { method }: RequestEnvelope, name: string): boolean {
  const isQualified = method === 'tools/call' || method === 'prompts/get';
  return !isQualified || name.startsWith(`${serverPart(entry.shownSlug)}__`);
}

export function findRoute(session: Session, view: SessionView, request: RequestEnvelope): Route | undefined {
  const found = nameSpan(request);
  const asked = found && stringAt(request.line, found.span);
  if (!found || asked === undefined) return undefined;
  if (session.identity.server !== undefined) return aloneRoute(view, request.method, asked);
  const target = findTarget(view, found.lists, asked);
  const entry = target && view.entry(target.slug);
  if (!target || !entry) return undefined;
  const edits = target.name === asked ? [] : [{ at: found.span, with: JSON.stringify(target.name) }];
  const { method } = request;
  const isRead = method === 'resources/read';
  if (!isRead && method !== 'tools/call' && method !== 'prompts/get') return { entry, name: target.name, asked, edits };
  const own = isRead ? { name: target.name, shown: asked } : undefined;
  const onAnswer = (answer: ResponseEnvelope) => linkEdits(view, target.slug, method, answer, own);
  return { entry, name: target.name, asked, edits, onAnswer };
}

function nameSpan({ line, method, params }: RequestEnvelope): { span: Span; lists: readonly ListName[] } | undefined {
  if (method === 'completion/complete') {
    const name = memberAt(line, params, ['ref', 'name']);
    if (name) return { span: name, lists: ['prompts'] };
    const uri = memberAt(line, params, ['ref', 'uri']);
    return uri && { span: uri, lists: ['resourceTemplates', 'resources'] };
  }
  const place = places[method];
  const span = place && memberAt(line, params, place.path);
  return place && span && { span, lists: place.lists };
}

/** One server alone: whatever it is asked for is its own matter, except what the config denies. */
function aloneRoute(view: SessionView, method: string, name: string): Route | undefined {
  const entry = view.servers[0]?.entry;
  if (!entry || (method === 'tools/call' && !isToolAllowed(entry, name))) return undefined;
  return { entry, name, asked: name, edits: [] };
}

function findTarget(
  view: SessionView,
  lists: readonly ListName[],
  asked: string,
): { slug: string; name: string } | undefined {
  for (const list of lists) {
    const target = view.find(list, asked);
    if (target) return target;
  }
  if (!lists.includes('resources')) return undefined;
  const marked = markedTarget(view, asked);
  if (marked) return marked;
  const isFrom = templateMatcher(asked);
  for (const { name, target } of view.list('resourceTemplates').items) {
    if (!isFrom(name, target.slug)) continue;
    // A template that got its server's mark gives it to the URIs made from it.
    const mark = name.length - target.name.length;
    return { slug: target.slug, name: name.endsWith(target.name) ? asked.slice(mark) : asked };
  }
  // A resource that no list names (links in results, ui:// pages): plain if only one server has resources at all.
  const owners = view.servers.filter(({ face }) => face && declares(face.introduction, 'resources'));
  const [only] = owners;
  return owners.length === 1 && only ? { slug: only.entry.shownSlug, name: asked } : undefined;
}
