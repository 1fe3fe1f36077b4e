// Asks a server for one of its lists, whole or not at all.

import type { Clock } from '../base/clock.ts';
import { cutChars } from '../base/cut-text.ts';
import { AppError } from '../base/errors.ts';
import { isArrayAt, isObjectAt, type Span, stringAt, textAt } from '../base/json-scan.ts';
import { memberAt, type ResponseEnvelope } from '../mcp/envelope.ts';
import { type ListName, listKinds } from '../mcp/lists.ts';
import { errorCode } from '../mcp/modern.ts';
import type { Channel } from '../upstream/channel.ts';
import { ListError } from './list-error.ts';
import type { ListItem, Listing } from './listing.ts';
import { addItems, createListing } from './server-face.ts';

/** Four times what the official SDK reads at most: a server that never ends its pages must not fill the memory. */
const maxPages = 256;
/** Of all pages together: a hundred thousand resources, and half of what is read of a snapshot. */
const maxListBytes = 32 * 1024 * 1024;
/** For each page, as the official SDKs wait for any answer. */
const firstAnswerMs = 60_000;
/** After each silence twice as long: a server that always needs more than a minute is heard in the end. */
const maxAnswerMs = 300_000;

/** What asks one server, and knows how long it has to be waited for. */
export function createListFetcher(channel: Channel, clock: Clock): (list: ListName) => Promise<Listing> {
  const limits = new Map<ListName, number>();
  return async (list) => {
    const limitMs = limits.get(list) ?? firstAnswerMs;
    try {
      return await fetchListing(channel, list, { clock, limitMs });
    } catch (error) {
      if (error instanceof ListError && error.isSilence) limits.set(list, Math.min(limitMs * 2, maxAnswerMs));
      throw error;
    }
  };
}

type Waiting = { clock: Clock; limitMs: number };

/** All pages, in the server's order. Rejects when one of them cannot be had: a part of a list is none. */
async function fetchListing(channel: Channel, list: ListName, waiting: Waiting): Promise<Listing> {
  try {
    return await fetchPages(channel, list, waiting);
  } catch (error) {
    // A broken connection, as of a kept one that the server had just closed: to ask again changes nothing there.
    const isBroken =
      error instanceof AppError && error.code === 'SERVER_FAILED' && error.data?.['status'] === undefined;
    if (isBroken && !channel.isLost) return fetchPages(channel, list, waiting);
    throw error;
  }
}

async function fetchPages(channel: Channel, list: ListName, waiting: Waiting): Promise<Listing> {
  const { method } = listKinds[list];
  const items = new Map<string, ListItem>();
  const cursors = new Set<string>();
  let cursor: string | undefined;
  let bytes = 0;
  for (let page = 1; ; page += 1) {
    const answer = await askPage(channel, { method, cursor }, waiting);
    // An empty cursor is a valid one, and some servers write it where nothing follows.
    if (cursor === '' && errorIn(answer)) break;
    const array = arrayIn(answer, list, page);
    addItems(items, answer.line, array, list);
    const next = memberAt(answer.line, answer.result, ['nextCursor']);
    cursor = stringAt(answer.line, next);
    if (cursor === undefined && !saysEnd(answer, next)) throw noCursor(textAt(answer.line, next), [...items.values()]);
    // One that was there before is of a server that goes in circles.
    if (cursor === undefined || cursors.has(cursor)) break;
    cursors.add(cursor);
    bytes += answer.line.length;
    if (page >= maxPages || bytes >= maxListBytes) throw endless(page, bytes, [...items.values()]);
  }
  return createListing([...items.values()]);
}

type Page = { method: string; cursor: string | undefined };

function askPage(channel: Channel, { method, cursor }: Page, { clock, limitMs }: Waiting): Promise<ResponseEnvelope> {
  return new Promise((resolve, reject) => {
    const params = cursor === undefined ? {} : { cursor };
    const forgetLimit = clock.later(limitMs, () => {
      channel.cancel(id, 'no answer in time');
      reject(new ListError({ message: `it did not answer ${method} for ${limitMs / 1_000} s`, isSilence: true }));
    });
    const id = channel.request({
      method,
      encode: (number) => channel.encode(number, method, params),
      onAnswer: (answer) => {
        forgetLimit();
        if ('error' in answer) reject(answer.error);
        else resolve(answer.envelope);
      },
    });
  });
}

function arrayIn(answer: ResponseEnvelope, list: ListName, page: number): Span {
  const { line, result } = answer;
  const { method, member } = listKinds[list];
  const asked = page === 1 ? method : `${method}, page ${page},`;
  const error = errorIn(answer);
  if (error) {
    const text = textAt(line, error);
    const code = errorCode(answer);
    const words = stringAt(line, memberAt(line, error, ['message'])) ?? text;
    throw new ListError({ message: `it answered ${asked} with error ${code}: ${words}`, answer: text, code });
  }
  const at = memberAt(line, result, [member]);
  const start = at && textAt(line, { start: at.start, end: Math.min(at.end, at.start + 40) });
  if (isArrayAt(line, at)) return at;
  const what = start === undefined ? 'nothing' : `"${member}": ${start}`;
  throw new ListError({ message: `it answered ${asked} without a list: ${what}` });
}

/** Some servers write both members, and null for the one that does not count. */
function errorIn({ line, result, error }: ResponseEnvelope): Span | undefined {
  return isObjectAt(line, result) || !isObjectAt(line, error) ? undefined : error;
}

/** Nothing, as some servers write it. A number or an object is a page that nobody can ask for. */
function saysEnd({ line }: ResponseEnvelope, next: Span | undefined): next is undefined {
  return next === undefined || ['null', 'false'].includes(textAt(line, next));
}

function noCursor(text: string, items: readonly ListItem[]): ListError {
  const message = `its nextCursor is no text: ${cutChars(text, 40)}; shown is what came until then`;
  return new ListError({ message, cut: createListing(items) });
}

function endless(pages: number, bytes: number, items: readonly ListItem[]): ListError {
  const message = `the list did not end after ${pages} pages of ${bytes} bytes together; shown is what came until then`;
  return new ListError({ message, cut: createListing(items) });
}
