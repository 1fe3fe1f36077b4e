// What a session is shown of its servers, as whoever answers `initialize` and lists asks for it.
import type { ListName } from '../mcp/lists.ts';
import type { Session } from '../sessions/session.ts';

export const ownInstructions =
  'These tools come from several MCP servers that all your sessions share. A tool name is <server>__<tool>. If a call says that a server is missing or failed, tell the person to run /mcp-proxy status.';

/** What a session is offered, where that is not simply what it may see. */
export type Offers = {
  /** How it is offered may depend on the program, which `initialize` names. */
  ready: (session: Session) => Promise<void>;
  /** Whether the list says nothing of servers, so that none need be waited for. */
  isOwn: (session: Session, list: ListName) => boolean;
  /** undefined: not known before `ready`. */
  list: (session: Session, list: ListName) => { readonly result: Buffer; readonly etag: string } | undefined;
  /** The first part of the instructions. */
  instructions: (session: Session) => string;
};
