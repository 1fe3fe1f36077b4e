// Every check, in the order in which a person would look.

import { describeError } from '../../base/errors.ts';
import { loadConfig } from '../../config/load.ts';
import { findProjectRoot } from '../../link/project-root.ts';
import { collectSources } from '../../migrate/programs/collect-sources.ts';
import type { CommandContext } from '../command.ts';
import { worldOf } from '../migrate-world.ts';
import { findStatus } from '../running.ts';
import type { Check, DoctorFacts, NamedFinding } from './check.ts';
import { claude } from './claude.ts';
import { config } from './config.ts';
import { daemon } from './daemon.ts';
import { definitions } from './definitions.ts';
import { duplicates } from './duplicates.ts';
import { leftovers } from './leftovers.ts';
import { permissions } from './permissions.ts';
import { port } from './port.ts';
import { readProcessFacts } from './process-facts.ts';
import { programs } from './programs.ts';
import { records } from './records.ts';
import { scope } from './scope.ts';

export const checks: readonly Check[] = [
  permissions,
  config,
  daemon,
  definitions,
  port,
  scope,
  records,
  leftovers,
  programs,
  claude,
  duplicates,
];

/** Looks once, for all checks. */
export async function gatherFacts(context: CommandContext): Promise<DoctorFacts> {
  const world = worldOf(context);
  const here = findProjectRoot(context.cwd, context.home);
  return {
    context,
    world,
    config: loadConfig({ locations: context.locations, env: context.env }),
    found: await findStatus(context),
    sources: collectSources(world, here === '' || here === context.home ? [] : [here]),
    processes: readProcessFacts(context.home),
  };
}

/** A check that fails is a finding: the others still say theirs. */
export async function runCheck(check: Check, facts: DoctorFacts): Promise<NamedFinding[]> {
  try {
    return (await check.run(facts)).map((finding) => ({ check: check.name, ...finding }));
  } catch (error) {
    return [{ check: check.name, severity: 'error', what: `This could not be looked at: ${describeError(error)}` }];
  }
}
