// Names and approvals given to `migrate` that fit nothing: a typo must not look like a plan without that server.
import type { Declared } from '../migrate/declared.ts';
import { approvalHash } from '../migrate/launch-spec.ts';
import type { Plan } from '../migrate/plan-model.ts';
import { badArgument, type ParsedArgs } from './args.ts';

const nameOptions = ['only', 'keep-names', 'everywhere'];

/** Throws BAD_ARGUMENT for the first one. */
export function ensureKnown(args: ParsedArgs, { servers }: Plan, declared: readonly Declared[]): void {
  const known = new Set(servers.flatMap(({ name, places }) => [name, ...places.map((place) => place.name)]));
  for (const option of nameOptions) {
    const names = args.values(option).flatMap((text) => text.split(','));
    const unknown = names.find((name) => name !== '' && name !== 'all' && !known.has(name));
    if (unknown === undefined) continue;
    const list = [...known].join(', ');
    throw badArgument(
      `--${option} ${unknown}: no program declares such a server here.`,
      `There are: ${list || 'none'}.`,
    );
  }
  const hashes = declared.filter(({ place }) => place.scope === 'project').map((server) => approvalHash(server));
  for (const text of args.values('accept')) {
    const given = text.slice(text.lastIndexOf('@') + 1);
    if (given.length >= 12 && hashes.some((hash) => hash.startsWith(given))) continue;
    const hint = 'It may have changed since. See what it is now: mcp-proxy migrate plan';
    throw badArgument(`--accept ${text}: nothing that a repository brings here has this content.`, hint);
  }
}
