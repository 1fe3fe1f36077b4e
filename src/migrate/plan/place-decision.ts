// What happens to one declaration of a server: taken out, silenced, kept, or left alone with the reason.

import { type ClaudeSettings, isMoved } from '../programs/claude-settings.ts';
import type { Declared } from '../programs/declared.ts';
import { hosts } from '../programs/hosts.ts';
import { definitionLines } from './approval-text.ts';
import { approvalHash, type LaunchMistake } from './launch-spec.ts';
import type { PlannedPlace, PlanOptions } from './plan-model.ts';

export type DecisionInput = {
  settings: ClaudeSettings;
  options: PlanOptions;
  mistake: LaunchMistake | undefined;
  keepsNames: boolean;
  /** Files that cannot be edited, with the reason. */
  blocked: ReadonlyMap<string, string>;
  /** All that is declared anywhere. */
  declared: readonly Declared[];
};

export function decidePlace(server: Declared, input: DecisionInput): PlannedPlace {
  const { place } = server;
  const reason = whyStays(server, input);
  if (reason !== undefined) return { ...place, stays: reason };
  const needed = approvalNeeded(server, input.options);
  if (needed !== undefined) {
    return {
      ...place,
      needsApproval: needed,
      declares: definitionLines(server.raw),
      stays: 'a repository brings it, so this exact content needs your approval',
    };
  }
  return { ...place, change: changeOf(server, input) };
}

function whyStays(server: Declared, input: DecisionInput): string | undefined {
  const { settings, options, mistake, blocked } = input;
  const { place } = server;
  if (server.invalid !== undefined) return `it ${server.invalid}`;
  if (place.scope === 'project' && place.project !== undefined && isMoved(settings, place.project, place.name)) {
    return 'an earlier migration silenced it here';
  }
  if (server.off !== undefined) return server.off.startsWith('is ') ? `it ${server.off}` : server.off;
  if (isCovered(server, input.declared)) return 'your own entry of that name in this folder goes before it';
  if (mistake) return `it cannot work as written: ${mistake.why}`;
  if (server.uncarried.length > 0) return `it depends on what we do not carry: ${server.uncarried.join(', ')}`;
  const file = blocked.get(place.file);
  if (file !== undefined && place.scope !== 'project') return `${place.file} ${file}`;
  if (place.scope === 'project' && place.host !== 'claude-code' && !options.removeFromRepo) {
    const title = place.host === 'claude-plugin' ? 'the program' : hosts[place.host].title;
    return `its file belongs to the repository and ${title} has no personal switch for it (--remove-from-repo takes it out)`;
  }
  return whyNotSilent(server, { settings, options });
}

/** Claude Code starts one of a name: local before project. */
function isCovered({ place }: Declared, declared: readonly Declared[]): boolean {
  if (place.host !== 'claude-code' || place.scope !== 'project') return false;
  return declared.some(
    (other) =>
      other.place.host === 'claude-code' &&
      other.place.scope === 'local' &&
      other.place.project === place.project &&
      other.place.name === place.name,
  );
}

/** A repository's server moves only if it can be silenced for this person alone. */
function whyNotSilent(
  { place }: Declared,
  { settings, options }: Pick<DecisionInput, 'settings' | 'options'>,
): string | undefined {
  if (place.scope !== 'project' || options.removeFromRepo || options.silenceEverywhere) return undefined;
  const local = settings.files.find((file) => file.kind === 'local' && file.project === place.project);
  if (local?.fixed === undefined) return undefined;
  return `it cannot be silenced for you alone: ${local.file} ${local.fixed} (--silence-everywhere uses your own settings)`;
}

/** The hash to approve, or undefined if nothing has to be. */
function approvalNeeded(server: Declared, options: PlanOptions): string | undefined {
  if (server.place.scope !== 'project') return undefined;
  const hash = approvalHash(server);
  const isAccepted = options.accepted.some((text) => {
    const at = text.lastIndexOf('@');
    const given = text.slice(at + 1);
    const named = at < 0 || text.slice(0, at) === server.place.name;
    return named && given.length >= 12 && hash.startsWith(given);
  });
  return isAccepted ? undefined : hash;
}

function changeOf(server: Declared, { options, keepsNames }: DecisionInput): PlannedPlace['change'] {
  const { scope, host } = server.place;
  if (scope === 'plugin') return 'plugin switched off';
  if (scope === 'project') {
    if (options.removeFromRepo || host !== 'claude-code') return 'removed from the repository';
    return options.silenceEverywhere ? 'silenced everywhere' : 'silenced';
  }
  return keepsNames && host === 'claude-code' ? 'kept as a wrapper' : 'removed';
}
