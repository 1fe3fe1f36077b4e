// What a session was told that names mean. A server that takes another one's place, or a tool another one's name, takes
// nothing from who still holds the former list: such a call is refused, and the session is told to list again.
import { AppError } from '../base/errors.ts';
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

type Held = { readonly lists: Partial<Record<ListName, SessionView>>; readonly found: Map<string, Meaning> };

/** As many ids of found tools as a model reads in a long conversation. */
const maxFound = 2_000;

export class HeldNames {
  readonly #held = new WeakMap<Session, Held>();

  /** That list went out as it is in that view. */
  listed(session: Session, list: ListName, view: SessionView): void {
    this.#of(session).lists[list] = view;
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
      const view = held?.[list];
      const before = view && (session.identity.server === undefined ? listed(view, list, asked) : alone(view, asked));
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
  const resolution = view.resolution(entry);
  return { name, server: entry.name, launch: resolution.ok ? resolution.snapshotKey : undefined };
}

export function nameMoved(name: string, hint: string): AppError {
  return new AppError({
    code: 'TOOL_UNKNOWN',
    message: `"${name}" is another thing than when this session was told of it, so nothing was called.`,
    hint,
  });
}

function listed(view: SessionView, list: ListName, asked: string): Meaning | undefined {
  const target = view.find(list, asked);
  const entry = target && view.entry(target.slug);
  return target && entry && meaningOf(view, entry, target.name);
}

function alone(view: SessionView, asked: string): Meaning | undefined {
  const [only] = view.servers;
  return only && meaningOf(view, only.entry, asked);
}

function isSame(before: Meaning, now: Meaning): boolean {
  if (before.name !== now.name) return false;
  return before.server === now.server || (before.launch !== undefined && before.launch === now.launch);
}
