// How one server is asked to tell of changes of resources, by its era: each by a request of its own, or all of them on the
// one request that stays open.
import { AppError } from '../base/errors.ts';
import { textAt } from '../base/json-scan.ts';
import type { ResponseEnvelope } from '../mcp/envelope.ts';
import type { Era } from '../mcp/eras/era.ts';
import { rpcCodes } from '../mcp/messages.ts';
import type { Channel } from './channel.ts';

/** JSON text of what the server answered. */
export type Watched = { result: string } | { error: string };

/** `all`: what is wanted at that moment. Who was asked for one resource alone may reject with the loss of the server. */
export type ResourceWatch = {
  add: (uri: string, all: () => Iterable<string>) => Promise<Watched>;
  drop: (uri: string, all: () => Iterable<string>) => Promise<Watched>;
  /** The server was started anew and knows of none. */
  restore: (all: () => Iterable<string>) => void;
};

export function watchOf(channel: Channel): ResourceWatch {
  return ways[channel.era.tellsOfResources](channel);
}

export const nothingToTell: Watched = { result: '{}' };

const ways: Readonly<Record<Era['tellsOfResources'], (channel: Channel) => ResourceWatch>> = {
  subscribed: (channel) => ({
    add: async (uri) => outcomeOf(await channel.ask('resources/subscribe', { uri })),
    drop: async (uri) => outcomeOf(await channel.ask('resources/unsubscribe', { uri })),
    restore: (all) => {
      // A server that no longer knows the URI answers with an error: nothing to be done about it.
      for (const uri of all()) channel.ask('resources/subscribe', { uri }).catch(() => {});
    },
  }),
  listened: ({ listening }) => ({
    add: async (uri, all) => {
      try {
        const told = await listening.wantUris(new Set(all()));
        if (told.has(uri)) return nothingToTell;
      } catch (error) {
        if (!(error instanceof AppError) || error.data?.['mayHaveRun'] !== undefined) throw error;
      }
      // What it was asked for before goes on without this one.
      const others = new Set([...all()].filter((other) => other !== uri));
      listening.wantUris(others).catch(() => {});
      const message = `The server does not tell of changes of ${uri}.`;
      return { error: JSON.stringify({ code: rpcCodes.invalidParams, message, data: { uri } }) };
    },
    drop: (_uri, all) => {
      listening.wantUris(new Set(all())).catch(() => {}); // it told of nothing: the same to us
      return Promise.resolve(nothingToTell);
    },
    restore: (all) => {
      listening.wantUris(new Set(all())).catch(() => {}); // it tells of none: nothing to be done about it
    },
  }),
};

function outcomeOf({ line, result, error }: ResponseEnvelope): Watched {
  if (result) return { result: textAt(line, result) };
  return { error: error ? textAt(line, error) : '{"code":-32603,"message":"no result"}' };
}
