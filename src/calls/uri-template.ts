// Whether a URI could come from an RFC 6570 template: an expression with reserved characters stands for any text, any other
// for text without a slash. Servers write the templates, so there is no going back: each literal takes its first place.

/** Literals with expressions between them that hold no slash. */
type Group = readonly string[];
/** The first place of something from a place on, or Infinity; places only grow. */
type Finder = (from: number) => number;
/** A literal behind an expression without a slash. */
type Stage = { readonly length: number; readonly next: Finder; readonly nextSlash: Finder };

/**
 * Characters of templates times characters of the URI, for the templates of one server: some tens of milliseconds. Enough
 * for hundreds of usual ones, or for one and a URI of a quarter of a megabyte; what is beyond is not looked at.
 */
const maxWork = 2 ** 24;

/** For one URI that is looked up. `server`: whose template it is; one with too many must not cost the others theirs. */
export function templateMatcher(uri: string): (template: string, server: string) => boolean {
  const work = new Map<string, number>();
  return (template, server) => {
    if (!uri.startsWith(headOf(template))) return false;
    const done = (work.get(server) ?? 0) + template.length * uri.length;
    work.set(server, done);
    return done <= maxWork && matches(groupsOf(template), uri);
  };
}

function headOf(template: string): string {
  const open = template.indexOf('{');
  return open < 0 ? template : template.slice(0, open);
}

function matches([first = [''], ...others]: readonly Group[], uri: string): boolean {
  const last = others.pop();
  if (last === undefined) return fills(first, uri);
  let at = endAtStart(first, uri);
  // Between two groups may stand whatever is left over, so the earliest end of one is the best for all that follow.
  for (const group of others) at = at === undefined ? undefined : earliestEnd(group, uri, at);
  const lastLength = endAtStart(reversed(last), backwards(uri));
  return at !== undefined && lastLength !== undefined && at + lastLength <= uri.length;
}

/** Cut where any text may stand. What is no whole expression is a literal. */
function groupsOf(template: string): Group[] {
  const groups: string[][] = [];
  let group: string[] = [];
  let at = 0;
  for (;;) {
    const open = template.indexOf('{', at);
    const close = open < 0 ? -1 : template.indexOf('}', open);
    if (close < 0) return [...groups, [...group, template.slice(at)]];
    group.push(template.slice(at, open));
    if ('+#/?&'.includes(template.charAt(open + 1))) {
      groups.push(group);
      group = [];
    }
    at = close + 1;
  }
}

/** Whether the group is the whole URI. */
function fills(group: Group, uri: string): boolean {
  const last = group.at(-1) ?? '';
  if (group.length < 2) return uri === last;
  const end = endAtStart(group.slice(0, -1), uri);
  const lastAt = uri.length - last.length;
  return end !== undefined && end <= lastAt && uri.endsWith(last) && finder(uri, '/')(end) >= lastAt;
}

function endAtStart([head = '', ...others]: Group, uri: string): number | undefined {
  return uri.startsWith(head) ? walk(stagesOf(others, uri), head.length) : undefined;
}

function earliestEnd([head = '', ...others]: Group, uri: string, from: number): number | undefined {
  const next = finder(uri, head);
  const stages = stagesOf(others, uri);
  for (let start = next(from); start < Number.POSITIVE_INFINITY; start = next(start + 1)) {
    const end = walk(stages, start + head.length);
    if (end !== undefined) return end;
  }
  return undefined;
}

/**
 * Where the last literal ends. The first place of each is the best: a later one before the next slash leaves less of the
 * same text without slashes, and one behind it is out of reach.
 */
function walk(stages: readonly Stage[], from: number): number | undefined {
  let at = from;
  for (const { length, next, nextSlash } of stages) {
    const found = next(at);
    if (found === Number.POSITIVE_INFINITY || found > nextSlash(at)) return undefined;
    at = found + length;
  }
  return at;
}

function stagesOf(literals: Group, uri: string): Stage[] {
  return literals.map((literal) => ({
    length: literal.length,
    next: finder(uri, literal),
    nextSlash: finder(uri, '/'),
  }));
}

function finder(text: string, wanted: string): Finder {
  let found = -1;
  return (from) => {
    if (found >= from) return found;
    const next = from > text.length ? -1 : text.indexOf(wanted, from);
    found = next < 0 ? Number.POSITIVE_INFINITY : next;
    return found;
  };
}

function reversed(group: Group): Group {
  return group.map(backwards).reverse();
}

function backwards(text: string): string {
  return text.split('').reverse().join('');
}
