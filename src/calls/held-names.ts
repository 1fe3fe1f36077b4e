// What a session was told that names mean. A server that takes another one's place, or a tool another one's name, takes
// nothing from who still holds the former list: such a call is refused, and the session is told to list again.
import { AppError } from '../base/errors.ts';
import type { Target } from '../catalog/joint-list.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import type { ListName } from '../mcp/lists.ts';
import type { Session } from '../sessions/session.ts';
import type { SessionView } from './views.ts';

/** A server's thing under the name that the server has for it. */
type Meaning = {
  readonly name: string;
  readonly server: string;
  /** One that got another name in the config is the same as long as it starts the same. */
  readonly launch: string | undefined;
};

type Servers = ReadonlyMap<string, Omit<Meaning, 'name'>>;
/** What a list said, without the view that it was of: that holds all lists and definitions of its time. */
type Said = { readonly targets: ReadonlyMap<string, Target> | undefined; readonly servers: Servers };
type Held = { readonly lists: Partial<Record<ListName, Said>>; readonly found: Map<string, Meaning> };

/** As many ids of found tools as a model reads in a long conversation. */
const maxFound = 2_000;

export class HeldNames {
  readonly #held = new WeakMap<Session, Held>();
  /** The same for all sessions and lists of a view. */
  readonly #servers = new WeakMap<SessionView, Servers>();

  /** That list went out as it is in that view. */
  listed(session: Session, list: ListName, view: SessionView): void {
    let servers = this.#servers.get(view);
    if (!servers) {
      servers = new Map(view.servers.map(({ entry }) => [entry.shownSlug, serverOf(view, entry)]));
      this.#servers.set(view, servers);
    }
    const targets = session.identity.server === undefined ? view.list(list).targets : undefined;
    this.#of(session).lists[list] = { targets, servers };
  }

  /** A model was shown that id of a tool. */
  found(session: Session, id: string, now: Meaning): void {
    const { found } = this.#of(session);
    found.delete(id);
    found.set(id, now);
    const [oldest] = found.size > maxFound ? found.keys() : [];
    if (oldest !== undefined) found.delete(oldest);
  }

  /** The first of `lists` in which the session was told something else of it; undefined: none. */
  movedIn(session: Session, asked: string, now: Meaning, lists: readonly ListName[]): ListName | undefined {
    const held = this.#held.get(session)?.lists;
    return lists.find((list) => {
      const said = held?.[list];
      const before = said && meaningIn(said, asked);
      return before !== undefined && !isSame(before, now);
    });
  }

  isMoved(session: Session, id: string, now: Meaning): boolean {
    const before = this.#held.get(session)?.found.get(id);
    return before !== undefined && !isSame(before, now);
  }

  #of(session: Session): Held {
    const known = this.#held.get(session) ?? { lists: {}, found: new Map() };
    this.#held.set(session, known);
    return known;
  }
}

export function meaningOf(view: SessionView, entry: ServerEntry, name: string): Meaning {
  return { name, ...serverOf(view, entry) };
}

function serverOf(view: SessionView, entry: ServerEntry): Omit<Meaning, 'name'> {
  const resolution = view.resolution(entry);
  return { server: entry.name, launch: resolution.ok ? resolution.snapshotKey : undefined };
}

export function nameMoved(name: string, hint: string): AppError {
  return new AppError({
    code: 'TOOL_UNKNOWN',
    message: `"${name}" is another thing than when this session was told of it, so nothing was called.`,
    hint,
  });
}

/** In the list of one server alone each name is that server's. */
function meaningIn({ targets, servers }: Said, asked: string): Meaning | undefined {
  const target = targets ? targets.get(asked) : { slug: [...servers.keys()][0] ?? '', name: asked };
  const server = target && servers.get(target.slug);
  return server && { name: target.name, ...server };
}

function isSame(before: Meaning, now: Meaning): boolean {
  if (before.name !== now.name) return false;
  return before.server === now.server || (before.launch !== undefined && before.launch === now.launch);
}
