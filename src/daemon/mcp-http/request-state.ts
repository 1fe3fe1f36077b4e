// What a program brings back when it answers a question in the middle of a call: which call waits, signed by us.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Marks ours, so that a server's own state is never taken for it. */
const mark = 'aitkit1';

export type HeldState = { call: string; round: number };

export type StateSigner = {
  sign: (state: HeldState, holder: string) => string;
  isOurs: (text: string) => boolean;
  /** undefined: changed on the way, or given to another program. */
  verify: (text: string, holder: string) => HeldState | undefined;
};

/** The key lives as long as the calls that wait do: in this process. */
export function createStateSigner(secret: Buffer = randomBytes(32)): StateSigner {
  const seal = (body: string, holder: string) =>
    createHmac('sha256', secret).update(body).update('\0').update(holder).digest('base64url');
  return {
    sign: ({ call, round }, holder) => {
      const body = `${mark}.${call}.${round}`;
      return `${body}.${seal(body, holder)}`;
    },
    isOurs: (text) => text.startsWith(`${mark}.`),
    verify: (text, holder) => {
      const match = /^(aitkit1\.([\w-]+)\.(\d{1,6}))\.([\w-]+)$/.exec(text);
      const [, body, call, round, given] = match ?? [];
      if (body === undefined || call === undefined || given === undefined) return undefined;
      const [right, wrong] = [Buffer.from(seal(body, holder)), Buffer.from(given)];
      return right.length === wrong.length && timingSafeEqual(right, wrong)
        ? { call, round: Number(round) }
        : undefined;
    },
  };
}
