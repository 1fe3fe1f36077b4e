// A server's lists as sessions are served them: read as from a server, joined with another server's, in the form of a
// protocol family.

import { joinLists } from '../../src/catalog/joint-list.ts';
import type { Listing } from '../../src/catalog/listing.ts';
import { parseFace } from '../../src/catalog/server-face.ts';
import { type ListName, listKinds } from '../../src/mcp/lists.ts';
import { olderTools } from '../../src/mcp/older-tools.ts';
import { parseIntroduction } from '../../src/upstream/handshake.ts';

export type Family = 'older' | 'newer';

/** What becomes of a list of these texts. */
export function listingOf(list: ListName, definitions: readonly (string | Buffer)[]): Listing {
  const introduction = '{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"prompts":{},"resources":{}}}';
  const parts = definitions.flatMap((one, i) => [Buffer.from(i === 0 ? '' : ','), Buffer.from(one)]);
  const bytes = Buffer.concat([
    Buffer.from(`{"introduction":${introduction},"${listKinds[list].member}":[`),
    ...parts,
    Buffer.from(']}'),
  ]);
  return parseFace(bytes, parseIntroduction).lists[list];
}

/** The text of the whole result; `part`: of the names of a joint list, undefined: of one server alone. */
export function servedList(
  list: ListName,
  servers: Readonly<Record<string, Listing>>,
  { family, part = (slug) => slug }: { family: Family; part?: (slug: string) => string | undefined },
): string {
  const sources = Object.entries(servers).map(([slug, listing]) => {
    return { slug, part: part(slug), listing, isAlwaysLoaded: false };
  });
  const { result } = joinLists(list, sources);
  return (list === 'tools' && family === 'older' ? olderTools(result) : result).toString('utf8');
}
