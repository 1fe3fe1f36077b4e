// Calls that a server turned into tasks (revision 2025-11-25): whose each is. Nobody else may look at, end or list it.
import { arrayElements, type Edit, isArrayAt, stringAt } from '../base/json-scan.ts';
import { memberAt, type NotificationEnvelope, type RequestEnvelope, type ResponseEnvelope } from '../mcp/envelope.ts';

const relatedTask = 'io.modelcontextprotocol/related-task';

/** Far more than live at a time; the oldest are long over. */
const maxTasks = 10_000;

type Task = { scopeId: string; server: string };

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

  /** The server of a task of that session; undefined: it has none of that id. */
  serverOf(scopeId: string, { line, params }: RequestEnvelope): string | undefined {
    const id = stringAt(line, memberAt(line, params, ['taskId']));
    if (id === undefined) return undefined;
    for (const [key, task] of this.#tasks) {
      if (task.scopeId === scopeId && key.endsWith(`\0${id}`)) return task.server;
    }
    return undefined;
  }

  /** Scope of the session whose task a message of a server is about. */
  ownerOf(copy: string, message: RequestEnvelope | NotificationEnvelope): string | undefined {
    const { line, method, params } = message;
    if (!line.includes('askId"')) return undefined;
    const isStatus = method === 'notifications/tasks/status';
    const at = memberAt(line, params, isStatus ? ['taskId'] : ['_meta', relatedTask, 'taskId']);
    const id = stringAt(line, at);
    return id === undefined ? undefined : this.#tasks.get(keyOf(copy, id))?.scopeId;
  }

  /** Leaves only that session's tasks in the answer to tasks/list. */
  ownOnly(copy: string, scopeId: string, { line, result }: ResponseEnvelope): Edit[] {
    const at = memberAt(line, result, ['tasks']);
    if (!isArrayAt(line, at)) return [];
    const own = arrayElements(line, at).filter((element) => {
      const id = stringAt(line, memberAt(line, element, ['taskId']));
      return id !== undefined && this.#tasks.get(keyOf(copy, id))?.scopeId === scopeId;
    });
    const text = own.map((element) => line.toString('utf8', element.start, element.end)).join(',');
    return [{ at, with: `[${text}]` }];
  }
}

function keyOf(copy: string, id: string): string {
  return `${copy}\0${id}`;
}
