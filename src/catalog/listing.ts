// One list of one server, as it is kept.
import type { Span } from '../base/json-scan.ts';

export type ListItem = {
  raw: Buffer;
  /** Name of a tool or prompt, URI of a resource, URI template. */
  name: string;
  nameSpan: Span;
  /** What was wrong with it as the server wrote it. */
  faults?: ItemFaults;
};
export type Listing = {
  items: readonly ListItem[];
  digest: string;
  /** What servers have to correct, up to a limit. */
  faults?: readonly DefinitionFault[];
  /** Something in it programs with sessions are given in another form. */
  isNewer?: boolean;
};

/** Of one entry. The name is a server's text: bounded, but with whatever characters it likes. */
export type DefinitionFault = {
  readonly name: string;
  /** Empty: right for a program of 2026-07-28. */
  readonly what: string;
  /** What is wrong besides by the schemas of the revisions with sessions. */
  readonly olderWhat?: string;
  readonly isLeftOut: boolean;
};

export type ItemFaults = DefinitionFault & {
  /** Programs with sessions may be given another form of it. */
  readonly isNewer?: boolean;
};
