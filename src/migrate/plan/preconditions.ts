// What must hold before anything is moved at all.
import { isRecord } from '../../base/guards.ts';
import { ownPlugin } from '../programs/claude-plugins.ts';
import type { ClaudeSettings } from '../programs/claude-settings.ts';
import { whyPluginManagedAway } from '../programs/managed-lists.ts';
import { tilde, type World } from '../world.ts';
import type { OwnConfig } from './own-config.ts';
import { isClaudeHost, type PlannedServer } from './plan-model.ts';

export function findRefusals(
  world: World,
  settings: ClaudeSettings,
  config: OwnConfig,
  servers: readonly PlannedServer[],
): string[] {
  const refusals: string[] = [];
  if (config.problem !== undefined)
    refusals.push(`${tilde(config.path, world.home)} ${config.problem}: repair it first.`);
  const touchesClaude = servers.some(
    (server) => server.moves && server.places.some((place) => place.change && isClaudeHost(place.host)),
  );
  if (!touchesClaude) return refusals;
  if (!isPluginEnabled(settings)) {
    refusals.push(
      'The plugin mcp-proxy is not enabled for you in Claude Code, so moved servers would be gone from its sessions. ' +
        'Run: claude plugin install mcp-proxy@aitkit --scope user',
    );
  }
  const managed = whyPluginManagedAway(world, settings);
  if (managed !== undefined) refusals.push(`Nothing can move: ${managed}.`);
  return refusals;
}

/** At user scope: enabled in one project only, all other projects would lose what moves. */
function isPluginEnabled(settings: ClaudeSettings): boolean {
  return settings.files
    .filter((file) => file.kind === 'user' || file.kind === 'managed')
    .some((file) => {
      const plugins = file.value['enabledPlugins'];
      if (!isRecord(plugins)) return false;
      return Object.entries(plugins).some(([id, state]) => id.split('@')[0] === ownPlugin && state === true);
    });
}
