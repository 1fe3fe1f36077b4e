// Calls that a server turned into tasks (revision 2025-11-25): whose each is. Nobody else may look at, end or list it.
import { arrayElements, type Edit, isArrayAt, stringAt, textAt } from '../base/json-scan.ts';
import { memberAt, type NotificationEnvelope, type RequestEnvelope, type ResponseEnvelope } from '../mcp/envelope.ts';

const relatedTask = 'io.modelcontextprotocol/related-task';

/** Far more than live at a time; the oldest are long over. */
const maxTasks = 10_000;

type Task = { lifeId: string; server: string };

export class Tasks {
  /** By copy and id: two servers may use the same. */
  readonly #tasks = new Map<string, Task>();

  /** A call that asked to become a task was answered: with one, or at once. */
  note(copy: string, owner: Task, request: RequestEnvelope, answer: ResponseEnvelope): void {
    if (memberAt(request.line, request.params, ['task']) === undefined) return;
    const id = stringAt(answer.line, memberAt(answer.line, answer.result, ['task', 'taskId']));
    if (id === undefined) return;
    const oldest = this.#tasks.size >= maxTasks ? this.#tasks.keys().next().value : undefined;
    if (oldest !== undefined) this.#tasks.delete(oldest);
    this.#tasks.set(keyOf(copy, id), owner);
  }

  /** Servers that have a task of that id for that session: one, unless two chose the same. */
  serversOf(lifeId: string, { line, params }: RequestEnvelope): string[] {
    const id = stringAt(line, memberAt(line, params, ['taskId']));
    if (id === undefined) return [];
    const found = this.#of(lifeId).filter(([key]) => key.endsWith(`\0${id}`));
    return [...new Set(found.map(([, { server }]) => server))];
  }

  /** Ids of that session's tasks, by server. */
  idsOf(lifeId: string): Map<string, string[]> {
    const ids = new Map<string, string[]>();
    for (const [key, { server }] of this.#of(lifeId)) {
      const known = ids.get(server) ?? [];
      known.push(key.slice(key.lastIndexOf('\0') + 1));
      ids.set(server, known);
    }
    return ids;
  }

  /** Life of the session whose task a message of a server is about. */
  ownerOf(copy: string, message: RequestEnvelope | NotificationEnvelope): string | undefined {
    const { line, method, params } = message;
    if (!line.includes('askId"')) return undefined;
    const isStatus = method === 'notifications/tasks/status';
    const at = memberAt(line, params, isStatus ? ['taskId'] : ['_meta', relatedTask, 'taskId']);
    const id = stringAt(line, at);
    return id === undefined ? undefined : this.#tasks.get(keyOf(copy, id))?.lifeId;
  }

  /** Leaves only that session's tasks in the answer to tasks/list. */
  ownOnly(copy: string, lifeId: string, answer: ResponseEnvelope): Edit[] {
    const at = memberAt(answer.line, answer.result, ['tasks']);
    return at ? [{ at, with: `[${this.ownIn(copy, lifeId, answer).join(',')}]` }] : [];
  }

  /** JSON texts of that session's tasks in an answer to tasks/list. */
  ownIn(copy: string, lifeId: string, { line, result }: ResponseEnvelope): string[] {
    const at = memberAt(line, result, ['tasks']);
    if (!isArrayAt(line, at)) return [];
    const own = arrayElements(line, at).filter((element) => {
      const id = stringAt(line, memberAt(line, element, ['taskId']));
      return id !== undefined && this.#tasks.get(keyOf(copy, id))?.lifeId === lifeId;
    });
    return own.map((element) => textAt(line, element));
  }

  #of(lifeId: string): [string, Task][] {
    return [...this.#tasks].filter(([, task]) => task.lifeId === lifeId);
  }
}

function keyOf(copy: string, id: string): string {
  return `${copy}\0${id}`;
}
