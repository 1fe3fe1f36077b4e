// Questions of servers that the host may still answer. Answers to another daemon's are dropped.
import { idKey } from '../mcp/id-key.ts';

/** More than any host shows a person at once. */
const maxAsked = 10_000;

export class Asked {
  readonly #ids = new Map<string, string>();

  note(idText: string): void {
    this.#ids.set(idKey(idText), idText);
    if (this.#ids.size > maxAsked) this.#ids.delete(this.#ids.keys().next().value ?? '');
  }

  /** Whether a server waits for an answer under this id; from then on it does not. */
  settle(idText: string | undefined): boolean {
    return idText !== undefined && this.#ids.delete(idKey(idText));
  }

  /** The daemon is gone. Nobody waits for these answers any more: a dialog that is open for one may close. */
  withdrawals(): string[] {
    const ids = [...this.#ids.values()];
    this.#ids.clear();
    return ids.map((id) => {
      const params = `{"requestId":${id},"reason":"The mcp-proxy daemon ended."}`;
      return `{"jsonrpc":"2.0","method":"notifications/cancelled","params":${params}}`;
    });
  }
}
