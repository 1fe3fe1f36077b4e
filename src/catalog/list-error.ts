// Why a server's list is not there, as far as its own answer says it.
import type { Listing } from './listing.ts';

export type ListErrorInit = {
  /** Completes "the list could not be had: ". */
  message: string;
  /** The server's own error, as it wrote it. */
  answer?: string;
  /** Its code. */
  code?: number | undefined;
  /** There was no answer in time. */
  isSilence?: boolean;
  /** Of a list that has no end: what came until then. */
  cut?: Listing;
};

export class ListError extends Error {
  readonly answer: string | undefined;
  readonly code: number | undefined;
  readonly isSilence: boolean;
  readonly cut: Listing | undefined;

  constructor({ message, answer, code, isSilence, cut }: ListErrorInit) {
    super(message);
    this.name = 'ListError';
    this.answer = answer;
    this.code = code;
    this.isSilence = isSilence ?? false;
    this.cut = cut;
  }
}
