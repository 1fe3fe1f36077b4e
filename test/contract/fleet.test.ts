// The table of published servers, and the committed result of its last run that docs/servers.md is made of.
import { describe, expect, it } from 'vitest';
import { checkServer } from '../../src/config/server-entry.ts';
import { decideSharing } from '../../src/config/sharing.ts';
import { readResult } from '../fleet/result.ts';
import type { FleetServer } from '../fleet/server-row.ts';
import { fleetServers } from '../fleet/servers/table.ts';

const names = fleetServers.map(({ name }) => name);

/** Each waits for its row in the table of known servers: whoever adds that takes it out. */
const sharedWrongly = [
  'sequential-thinking github postgres slack-ref google-maps sqlite playwright-shell browsermcp browser-tools',
  'browserbase mobile desktop-commander python-interpreter code-runner cli-mcp smart-proxy mcp-remote notion',
  'sentry firecrawl supabase stripe cloudflare azure heroku kubernetes kubernetes-go kazuph-fetch magic n8n',
  'gitlab svelte perplexity hubspot drawio antv-chart circleci mastra-docs shopify-dev apify slack markitdown',
  'arxiv aws-documentation aws-api atlassian blender grafana dbhub git-cyanheads excel-npm qdrant excel chroma',
  'duckdb',
].flatMap((line) => line.split(' '));

function chosenFor({ name, command, args, env }: FleetServer): string {
  // Any absolute folder: which one does not matter.
  const fill = (text: string) => text.replace(/\{(?:home|bin)\}/g, '/home/me').replace(/\{(?:port|chromium)\}/g, '1');
  const filled = Object.fromEntries(Object.entries(env ?? {}).map(([key, value]) => [key, fill(value)]));
  const definition = { command: fill(command), args: args.map(fill), env: filled };
  const { entry, errors } = checkServer(name, definition, '/home/me');
  if (!entry) throw new Error(JSON.stringify(errors));
  return decideSharing(entry).sharing;
}

describe('the fleet', () => {
  it('has at least forty servers of three registries, each under a name of its own', () => {
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(fleetServers.map((server) => server.package)).size).toBeGreaterThanOrEqual(40);
    expect(fleetServers.some(({ command }) => command === 'npx')).toBe(true);
    expect(fleetServers.some(({ command }) => command === 'uvx')).toBe(true);
    expect(fleetServers.some(({ command }) => command.startsWith('{bin}/'))).toBe(true);
  });

  it.each(fleetServers)('pins $name to one version', ({ version }) => {
    expect(version).toMatch(/^v?\d+(?:\.\w+)+$/);
  });

  it('is shared rightly but for those whose row is missing or wrong, which are known', () => {
    const wrong = fleetServers.filter((server) => chosenFor(server) !== server.right[0]).map(({ name }) => name);
    expect(wrong).toEqual(sharedWrongly);
  });

  it('has one row for each server in the result of its last run, with the version of the table', () => {
    const rows = readResult()?.rows ?? [];
    const expected = fleetServers.map(({ name, version, right: [sharing, reason] }) => [
      name,
      version,
      sharing,
      reason,
    ]);
    expect(rows.map(({ name, version, right, rightReason }) => [name, version, right, rightReason])).toEqual(expected);
  });
});
