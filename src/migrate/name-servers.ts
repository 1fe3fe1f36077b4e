// Names of all groups in our config at once: free, plain, and with the choices where two want the same.
import { basename } from 'node:path';
import { freeName, plainName } from './choose-name.ts';
import { type Group, givenName } from './group-servers.ts';
import { specKey } from './launch-spec.ts';
import type { OwnConfig } from './own-config.ts';
import type { NameConflict, PlanOptions } from './plan-model.ts';

export type Names = Map<string, { name: string; conflict?: NameConflict }>;

export function nameServers(groups: readonly Group[], config: OwnConfig, options: PlanOptions): Names {
  const names: Names = new Map();
  const taken = new Set(config.names);
  const owner = new Map<string, Group>();
  for (const group of groups) {
    const shared = config.nameOf(specKey(group.entry));
    if (shared !== undefined) {
      names.set(group.id, { name: shared });
      continue;
    }
    const given = givenName(group);
    const wished = options.rename.get(given);
    const first = group.declared[0]?.place;
    const name = freeName(wished ?? given, first?.project && basename(first.project), taken);
    const isTaken = taken.has(plainName(wished ?? given));
    const rival = owner.get(plainName(wished ?? given))?.declared[0]?.place;
    names.set(group.id, {
      name,
      ...(isTaken && first
        ? { conflict: conflictOf({ given, name, rival: rival ?? { file: config.path, line: 1 } }) }
        : {}),
    });
    taken.add(name);
    owner.set(name, group);
  }
  return names;
}

function conflictOf({
  given,
  name,
  rival,
}: {
  given: string;
  name: string;
  rival: { file: string; line: number };
}): NameConflict {
  return {
    name: given,
    file: rival.file,
    line: rival.line,
    choices: [
      `It moves as "${name}".`,
      `--name ${given}=<another name> chooses the name.`,
      '--only <names> leaves one of the two where it is.',
    ],
  };
}
