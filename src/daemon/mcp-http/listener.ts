// One `subscriptions/listen`: what its program wants to hear of, each message marked with the id of its request.
import { type Edit, isObjectAt, objectMembers, stringAt } from '../../base/json-scan.ts';
import { memberAt, type NotificationEnvelope, paramsEdit, withEdits } from '../../mcp/envelope.ts';
import { notificationLine, resultLine } from '../../mcp/messages.ts';
import { type ListenFilter, metaKeys } from '../../mcp/modern.ts';
import type { ModernReply } from './modern-reply.ts';

const listMethods: Readonly<Record<string, 'tools' | 'prompts' | 'resources'>> = {
  'notifications/tools/list_changed': 'tools',
  'notifications/prompts/list_changed': 'prompts',
  'notifications/resources/list_changed': 'resources',
};

export class Listener {
  readonly filter: ListenFilter;
  readonly #idText: string;
  readonly #reply: ModernReply;

  constructor(idText: string, filter: ListenFilter, reply: ModernReply) {
    this.#idText = idText;
    this.filter = filter;
    this.#reply = reply;
  }

  /** The first message: what will be told. `uris`: those that their servers know. */
  acknowledge(uris: readonly string[]): void {
    const notifications = {
      ...Object.fromEntries([...this.filter.lists].map((list) => [`${list}ListChanged`, true])),
      ...(uris.length > 0 ? { resourceSubscriptions: uris } : {}),
    };
    const line = notificationLine('notifications/subscriptions/acknowledged', { _meta: {}, notifications });
    this.#reply.emit(Buffer.from(line.toString('utf8').replace('"_meta":{}', () => `"_meta":{${this.#tag()}}`)));
  }

  /** Tells it if the program wants it. */
  hear(notification: NotificationEnvelope): void {
    if (!this.#wants(notification)) return;
    this.#reply.emit(withEdits(notification.line, this.#tagEdits(notification)));
  }

  /** We end it: the program may listen again elsewhere. */
  end(): void {
    this.#reply.finish(resultLine(this.#idText, `{"resultType":"complete","_meta":{${this.#tag()}}}`));
  }

  #wants({ method, line, params }: NotificationEnvelope): boolean {
    const list = listMethods[method];
    if (list) return this.filter.lists.has(list);
    if (method !== 'notifications/resources/updated') return false;
    const uri = stringAt(line, memberAt(line, params, ['uri']));
    return uri !== undefined && this.filter.uris.includes(uri);
  }

  #tag(): string {
    return `"${metaKeys.subscriptionId}":${this.#idText}`;
  }

  #tagEdits({ line, params }: NotificationEnvelope): Edit[] {
    if (!params) return [paramsEdit(line, `{"_meta":{${this.#tag()}}}`)];
    const meta = memberAt(line, params, ['_meta']);
    const into = isObjectAt(line, meta) ? meta : params;
    const isEmpty = objectMembers(line, into).length === 0;
    const text = into === meta ? this.#tag() : `"_meta":{${this.#tag()}}`;
    const at = { start: into.start + 1, end: into.start + 1 };
    return [{ at, with: isEmpty ? text : `${text},` }];
  }
}
