// Links in what a server answers, said in the way of the joint lists: through us a URI is read by whoever the link is of.
import { arrayElements, type Edit, isArrayAt, isObjectAt, type Span, stringAt } from '../base/json-scan.ts';
import type { JointList, Target } from '../catalog/joint-list.ts';
import { declares } from '../catalog/server-face.ts';
import { memberAt, type ResponseEnvelope } from '../mcp/envelope.ts';
import { serverPart, uriMark } from '../mcp/tool-name.ts';
import type { SessionView } from './views.ts';

/**
 * What a program fetches from the web by itself must stay what it can fetch, what is complete in itself has nothing to be read,
 * and pages for people are known by the beginning of their address.
 */
const followedByPrograms = /^(?:https?|data|ui):/i;

const shownNames = new WeakMap<JointList, Map<string, string>>();

/** A resource as its server knows it, and as the session asked for it. */
export type AskedFor = { readonly name: string; readonly shown: string };

/**
 * What differs in an answer to `method` of that server: the place of each link with the form that leads back to it. What was
 * asked for is said as it was.
 */
export function linkEdits(
  view: SessionView,
  slug: string,
  method: string,
  answer: ResponseEnvelope,
  asked?: AskedFor,
): Edit[] {
  const { line, result } = answer;
  const isMarked = needsMarks(view, slug);
  if (!result || !(isMarked || (asked && asked.name !== asked.shown))) return [];
  // Most results have no link; texts of megabytes are not walked for one. Keys may be written with escapes.
  if (!line.includes('uri') && !line.includes('\\u00')) return [];
  const place = method === 'prompts/get' ? 'messages' : method === 'resources/read' ? 'contents' : 'content';
  const elements = elementsAt(line, memberAt(line, result, [place]));
  const blocks = place === 'messages' ? elements.flatMap((message) => contentOf(line, message)) : elements;
  return blocks.flatMap((block) => {
    const at = place === 'contents' ? memberAt(line, block, ['uri']) : linkAt(line, block);
    return at ? linkEdit({ view, slug, asked, isMarked }, line, at) : [];
  });
}

/** Whose a URI is that begins with a server's mark, whether a list names it or not. */
export function markedTarget(view: SessionView, asked: string): Target | undefined {
  let found: Target | undefined;
  for (const { entry, face } of view.servers) {
    const mark = `${uriMark(serverPart(entry.shownSlug))}+`;
    if (!face || !declares(face.introduction, 'resources') || !asked.startsWith(mark)) continue;
    const name = asked.slice(mark.length);
    // The longest mark: "mcp+1a" is one beside "mcp".
    if (!found || name.length < found.name.length) found = { slug: entry.shownSlug, name };
  }
  return found;
}

/** A server without resources has nothing to read behind its links: they are the program's own matter, as direct. */
function needsMarks({ servers }: SessionView, slug: string): boolean {
  if (servers.length < 2) return false;
  const face = servers.find(({ entry }) => entry.shownSlug === slug)?.face;
  return face !== undefined && declares(face.introduction, 'resources');
}

type From = { view: SessionView; slug: string; asked: AskedFor | undefined; isMarked: boolean };

function linkEdit({ view, slug, asked, isMarked }: From, line: Buffer, at: Span): Edit[] {
  const uri = stringAt(line, at);
  if (uri === undefined) return [];
  const shown = uri === asked?.name ? asked.shown : shownIn(view.list('resources')).get(`${slug}\0${uri}`);
  if (shown !== undefined) return shown === uri ? [] : [{ at, with: JSON.stringify(shown) }];
  if (!isMarked || followedByPrograms.test(uri)) return [];
  const behindQuote = { start: at.start + 1, end: at.start + 1 };
  return [{ at: behindQuote, with: `${uriMark(serverPart(slug))}+` }];
}

function shownIn(list: JointList): Map<string, string> {
  let known = shownNames.get(list);
  if (!known) {
    known = new Map(list.items.map(({ name, target }) => [`${target.slug}\0${target.name}`, name]));
    shownNames.set(list, known);
  }
  return known;
}

function contentOf(line: Buffer, message: Span): Span[] {
  const content = memberAt(line, message, ['content']);
  if (!content) return [];
  return isArrayAt(line, content) ? arrayElements(line, content) : [content];
}

function linkAt(line: Buffer, block: Span): Span | undefined {
  if (!isObjectAt(line, block)) return undefined;
  const type = stringAt(line, memberAt(line, block, ['type']));
  if (type === 'resource_link') return memberAt(line, block, ['uri']);
  return type === 'resource' ? memberAt(line, block, ['resource', 'uri']) : undefined;
}

function elementsAt(line: Buffer, span: Span | undefined): Span[] {
  return isArrayAt(line, span) ? arrayElements(line, span) : [];
}
