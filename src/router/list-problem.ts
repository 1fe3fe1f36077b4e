// What an error that came in place of a list means, and how it is said. The words are a server's own: nobody is shown more
// of them than a line, a secret, or a character that does something.

import { cutChars } from '../base/cut-text.ts';
import { AppError } from '../base/errors.ts';
import { ownCommand } from '../base/own-command.ts';
import { plainLine } from '../base/plain-text.ts';
import { ListError } from '../catalog/list-error.ts';
import type { Listing } from '../catalog/listing.ts';
import { unknownListing } from '../catalog/server-face.ts';
import type { ListName } from '../mcp/lists.ts';
import { rpcCodes } from '../mcp/messages.ts';
import type { ListProblem, ListTrouble } from './list-retries.ts';

/** A line of a terminal or two. */
const maxReason = 300;
/** Of a longer text nobody looks for secrets: it is cut at a space before, so that none is cut in two. */
const maxRead = 2_000;
/** A host is given an error as its server wrote it, up to here. */
const maxAnswer = 64 * 1024;

export const listWords: Readonly<Record<ListName, string>> = {
  tools: 'tools',
  prompts: 'prompts',
  resources: 'resources',
  resourceTemplates: 'resource templates',
};

/**
 * Many servers declare resources without templates, or all capabilities there are, and know no such method: that is their
 * final answer, and none. Never for tools, for which a server is there at all: one that does not know them yet, as a gateway
 * whose own server is away, will be asked again. Nor over a list that had something.
 */
export function saysNone(list: ListName, error: unknown, former: Listing | undefined): boolean {
  if (list === 'tools' || !(error instanceof ListError) || error.code !== rpcCodes.methodNotFound) return false;
  return former === undefined || former === unknownListing || former.items.length === 0;
}

export function problemOfList(error: unknown, redact: (text: string) => string): ListProblem {
  const message = error instanceof Error ? error.message : String(error);
  const reason = shown(message, redact);
  const answer = error instanceof ListError ? error.answer : undefined;
  return {
    reason,
    answer: answer !== undefined && answer.length <= maxAnswer ? answer : undefined,
    login: isLogin(error) ? error : undefined,
    mayPass: mayPass(error),
  };
}

/** A login needs a person, after whom it is asked anyway; a list without an end has none the next time either. */
function mayPass(error: unknown): boolean {
  if (error instanceof ListError) return error.cut === undefined;
  return !isLogin(error) || error.data?.['status'] !== undefined;
}

function isLogin(error: unknown): error is AppError {
  return error instanceof AppError && error.code === 'SERVER_NEEDS_LOGIN';
}

function shown(text: string, redact: (text: string) => string): string {
  const read = text.length <= maxRead ? text : text.slice(0, Math.max(0, text.lastIndexOf(' ', maxRead)));
  return cutChars(plainLine(redact(read)).replace(/\.$/, ''), maxReason);
}

/** What a call of something in that list is told. */
export function listFailed(server: string, list: ListName, trouble: ListProblem & Partial<ListTrouble>): AppError {
  const { reason, login, nextAt } = trouble;
  if (login) return login;
  // What ended is not started for a list alone.
  const again = nextAt === undefined ? 'It is asked again when it starts the next time' : 'It is asked again by itself';
  return new AppError({
    code: 'LIST_FAILED',
    message: `The ${listWords[list]} of server "${server}" could not be listed: ${reason}.`,
    hint: `${again}. At once: \`${ownCommand(`restart ${server}`)}\`; its output: \`${ownCommand(`logs ${server}`)}\`.`,
    data: { mayHaveRun: false },
  });
}
