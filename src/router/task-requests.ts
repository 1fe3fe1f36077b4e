// Requests about tasks (revision 2025-11-25). They are their session's alone: of others' it learns nothing, not even that
// they exist. A session of several servers sees its tasks of all of them in one list.
import { AppError } from '../base/errors.ts';
import { stringAt, textAt } from '../base/json-scan.ts';
import type { Copies } from '../calls/copies.ts';
import type { Forwarder } from '../calls/forward.ts';
import { linkEdits } from '../calls/links.ts';
import type { Views } from '../calls/views.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import { memberAt, type RequestEnvelope, type ResponseEnvelope } from '../mcp/envelope.ts';
import { errorLine, resultLine, rpcCodes } from '../mcp/messages.ts';
import type { Session } from '../sessions/session.ts';
import type { Tasks } from './tasks.ts';

export type TaskRequestsDeps = { views: Views; copies: Copies; forwarder: Forwarder; tasks: Tasks };

/** A server that never ends its pages must not hold the list. */
const maxPages = 100;

export class TaskRequests {
  readonly #deps: TaskRequestsDeps;

  constructor(deps: TaskRequestsDeps) {
    this.#deps = deps;
  }

  /** true: it is a list of several servers, which `joint` makes. */
  isJointList(session: Session, { method }: RequestEnvelope): boolean {
    return method === 'tasks/list' && session.identity.server === undefined;
  }

  /** About one task, or the list of a single server. */
  forward(session: Session, request: RequestEnvelope): void {
    const { forwarder, tasks, views } = this.#deps;
    const view = views.of(session);
    const { lifeId } = session.identity;
    if (request.method === 'tasks/list') {
      const entry = view.servers[0]?.entry;
      const resolution = entry && view.resolution(entry);
      if (!entry || !resolution?.ok) return session.send(noTask(request));
      const onAnswer = (answer: ResponseEnvelope) => tasks.ownOnly(resolution.instanceKey, lifeId, answer);
      return forwarder.forward({ session, request, entry, edits: [], onAnswer });
    }
    const [slug, ...others] = tasks.serversOf(lifeId, request);
    const entry = slug === undefined ? undefined : view.entry(slug);
    // Whose is meant nobody can say; to guess would end or read another one's.
    if (!entry || others.length > 0) return session.send(others.length > 0 ? ambiguous(request) : noTask(request));
    const isResult = request.method === 'tasks/result';
    const onAnswer = (answer: ResponseEnvelope) =>
      isResult ? linkEdits(view, entry.shownSlug, request.method, answer) : [];
    forwarder.forward({ session, request, entry, edits: [], onAnswer });
  }

  /** The session's tasks of all its servers, in one page. */
  async joint(session: Session, request: RequestEnvelope): Promise<void> {
    const { line, params, idText } = request;
    if (memberAt(line, params, ['cursor'])) {
      return session.send(errorLine(idText, rpcCodes.invalidParams, 'This list has one page: no cursor was given.'));
    }
    const view = this.#deps.views.of(session);
    const parts = [...this.#deps.tasks.idsOf(session.identity.lifeId)].map(async ([slug, ids]) => {
      const entry = view.entry(slug);
      return entry ? this.#ofServer(session, entry, ids) : [];
    });
    const found = await Promise.all(parts);
    session.send(resultLine(idText, `{"tasks":[${found.flat().join(',')}]}`));
  }

  /** A server that cannot be asked now has no tasks to show; those of the others are shown. */
  async #ofServer(session: Session, entry: ServerEntry, ids: readonly string[]): Promise<string[]> {
    const { copies, tasks } = this.#deps;
    const { lifeId } = session.identity;
    try {
      const { instance, slot } = copies.findReady(session, entry) ?? (await copies.acquire(session, entry));
      const own: string[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < maxPages; page += 1) {
        const answer = await slot.channel.ask('tasks/list', cursor === undefined ? {} : { cursor });
        // It has tasks, but no list of them: each is asked for.
        if (!answer.result) return await each(ids, (id) => slot.channel.ask('tasks/get', { taskId: id }));
        own.push(...tasks.ownIn(instance.identity.key, lifeId, answer));
        cursor = stringAt(answer.line, memberAt(answer.line, answer.result, ['nextCursor']));
        if (cursor === undefined) break;
      }
      return own;
    } catch (error) {
      if (error instanceof AppError) return [];
      throw error;
    }
  }
}

async function each(ids: readonly string[], ask: (id: string) => Promise<ResponseEnvelope>): Promise<string[]> {
  const answers = await Promise.all(ids.map(ask));
  // An error: it ended and was forgotten.
  return answers.flatMap(({ line, result }) => (result ? textAt(line, result) : []));
}

function noTask({ idText }: RequestEnvelope): Buffer {
  return errorLine(idText, rpcCodes.invalidParams, 'This session has no task of that id.');
}

function ambiguous({ idText }: RequestEnvelope): Buffer {
  const message = 'Two servers gave the same id to tasks of this session; ask through the endpoint of one server.';
  return errorLine(idText, rpcCodes.invalidParams, message);
}
