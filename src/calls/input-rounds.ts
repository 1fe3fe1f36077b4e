// A 2026-07-28 server answers "ask first": its questions go to the host as requests of the sessions era, their answers
// with the server's state into the same call anew.

import { pause } from '../base/backoff.ts';
import { AppError } from '../base/errors.ts';
import { stringAt, textAt } from '../base/json-scan.ts';
import { ownCommand } from '../base/own-command.ts';
import { memberAt, parseEnvelope, type ResponseEnvelope } from '../mcp/envelope.ts';
import { idKey } from '../mcp/id-key.ts';
import { type InputRequest, readInputRequired, withElicitationId } from '../mcp/input-required.ts';
import type { Session } from '../sessions/session.ts';
import type { Instance } from '../upstream/instance.ts';
import { ownRoots, whyUnable } from './abilities.ts';
import type { Call } from './call.ts';

export type InputRoundsDeps = {
  /** Under its id or its life: a job asks the session that began it, whichever connection that has now. */
  findSession: (id: string) => Session | undefined;
};

/** A form in five steps is long; a server that still asks after ten goes in circles (the official library stops there too). */
const maxRounds = 10;
/** Before a server that only wants to be asked again is asked again. */
const againMs = 200;

export class InputRounds {
  readonly #deps: InputRoundsDeps;

  constructor(deps: InputRoundsDeps) {
    this.#deps = deps;
  }

  /** Resolves when the call can be sent anew. Rejects with an AppError if it cannot; then nothing is asked any more. */
  async take(call: Call, instance: Instance, envelope: ResponseEnvelope): Promise<void> {
    const server = call.forward.entry.name;
    call.rounds += 1;
    const asked = readInputRequired(envelope);
    if (typeof asked === 'string') throw badQuestion(server, asked);
    if (call.rounds > maxRounds) throw endlessQuestions(server);
    const { requests, state } = asked;
    if (requests.length === 0) {
      await waitAgain(call);
      call.answers = { responses: undefined, state };
      return;
    }
    const questions = new Questions(call, instance, this.#hostOf(call));
    call.stop = (reason) => questions.withdraw(reason);
    try {
      const answers = await Promise.all(
        requests.map(async (request): Promise<[string, string]> => [request.name, await questions.ask(request)]),
      );
      call.answers = { responses: new Map(answers), state };
    } catch (error) {
      questions.withdraw('another question of the same call was not answered');
      throw error;
    }
  }

  #hostOf({ forward: { session, entry } }: Call): Session {
    const host = this.#deps.findSession(session.id);
    if (!host || host.isClosed) throw refused(entry.name, 'the session ended');
    return host;
  }
}

/** What one round asks one host. */
class Questions {
  readonly #call: Call;
  readonly #instance: Instance;
  readonly #host: Session;
  readonly #open = new Set<string>();

  constructor(call: Call, instance: Instance, host: Session) {
    this.#call = call;
    this.#instance = instance;
    this.#host = host;
  }

  /** JSON text of the answer. */
  async ask({ method, params }: InputRequest): Promise<string> {
    const { session, request, entry } = this.#call.forward;
    const known = method === 'roots/list' ? ownRoots(this.#instance, this.#host) : undefined;
    if (known !== undefined) return known;
    const id = this.#host.nextAskId();
    const text = withElicitationId(params, String(JSON.parse(id)));
    const question = parseEnvelope(Buffer.from(`{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${text}}`));
    if (question.kind !== 'request') throw badQuestion(entry.name, `its ${method} is no valid request`);
    const inability = whyUnable(this.#host, question);
    // A server can go on without an answer to a form; without the other two it has nothing to go on with.
    if (inability !== undefined && method === 'elicitation/create') return '{"action":"cancel"}';
    if (inability !== undefined) throw refused(entry.name, inability);
    this.#open.add(id);
    const answered = this.#host.expectAnswer(id);
    this.#host.send(question.line, this.#host === session ? idKey(request.idText) : undefined);
    const answer = await answered;
    this.#open.delete(id);
    if (!answer) throw refused(entry.name, 'the session ended');
    if (answer.result) return textAt(answer.line, answer.result);
    const words = stringAt(answer.line, memberAt(answer.line, answer.error, ['message']));
    throw refused(entry.name, `the session's program answered ${method} with an error: ${words ?? 'without words'}`);
  }

  /** Nobody needs the answers any more. */
  withdraw(reason: string | undefined): void {
    for (const id of this.#open) {
      if (!this.#host.forgetAsk(id) || this.#host.isClosed) continue;
      const params = { requestId: JSON.parse(id), ...(reason ? { reason } : {}) };
      this.#host.notify('notifications/cancelled', params);
    }
    this.#open.clear();
  }
}

function waitAgain(call: Call): Promise<void> {
  const abort = new AbortController();
  call.stop = () => abort.abort();
  return pause(againMs * call.rounds, abort.signal);
}

function refused(server: string, why: string): AppError {
  return new AppError({
    code: 'INPUT_REFUSED',
    message: `Server "${server}" asked for something before it went on, and did not get it: ${why}.`,
    hint: 'Call it again if it should be answered.',
    data: { mayHaveRun: true },
  });
}

function endlessQuestions(server: string): AppError {
  return new AppError({
    code: 'INPUT_REFUSED',
    message: `Server "${server}" asked for something more than ${maxRounds} times in one call; the call was ended.`,
    hint: 'Check what it was answered.',
    data: { mayHaveRun: true },
  });
}

function badQuestion(server: string, what: string): AppError {
  return new AppError({
    code: 'INPUT_REFUSED',
    message: `Server "${server}" asked for something in a way that nobody can answer: ${what}.`,
    hint: `See \`${ownCommand(`logs ${server}`)}\`.`,
    data: { mayHaveRun: true },
  });
}
