// What the person, not the model, should know at the next session start. The hook shows each finding once.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomic-file.ts';
import type { Log } from '../base/log.ts';
import { isRecord } from '../link/hello.ts';
import type { Locations } from '../link/locations.ts';
import type { ConfigHolder } from './config-holder.ts';

export type Finding = { id: string; text: string; projectRoot?: string };
export type Findings = { update: (projectDir: string | undefined) => void };

/** Project folders whose findings are kept: as many as one works in at a time. */
const maxProjects = 64;
const maxClientFileBytes = 4 * 1024 * 1024;

export function createFindings(deps: { locations: Locations; holder: ConfigHolder; log: Log }): Findings {
  const { locations, holder, log } = deps;
  const projects = new Set<string>();
  let written = '';
  return {
    update: (projectDir) => {
      if (projectDir && projects.size < maxProjects) projects.add(projectDir);
      try {
        const found = [...configFindings(holder), ...[...projects].flatMap((dir) => doubled(dir, holder))];
        const text = `${JSON.stringify({ findings: found }, undefined, 1)}\n`;
        if (text === written) return;
        writeFileAtomic(locations.findingsPath, text);
        written = text;
      } catch (error) {
        log.warn('findings.not-saved', { error }); // a hint that is not shown harms nothing
      }
    },
  };
}

function configFindings({ state }: ConfigHolder): Finding[] {
  const problems = [...(state.error ? [state.error] : []), ...state.invalid.map(({ problem }) => problem)];
  return problems.map(({ message, hint }) => ({
    id: `config:${message}`,
    text: `mcp-proxy keeps the last good configuration: ${message}${hint ? ` ${hint}` : ''}`,
  }));
}

/** Servers that this project's `.mcp.json` starts in every session although they are shared already. */
function doubled(projectDir: string, { config }: ConfigHolder): Finding[] {
  const declared = serversOf(join(projectDir, '.mcp.json'));
  const both = declared.filter((name) => config.servers.some((entry) => entry.enabled && entry.name === name));
  if (both.length === 0) return [];
  const names = both.join(', ');
  return [
    {
      id: `doubled:${projectDir}:${names}`,
      text: `This project declares ${names}, which mcp-proxy shares: each session here starts a second copy. /mcp-proxy migrate plan`,
      projectRoot: projectDir,
    },
  ];
}

function serversOf(path: string): string[] {
  try {
    const bytes = readFileSync(path);
    const value: unknown = bytes.length > maxClientFileBytes ? undefined : JSON.parse(bytes.toString('utf8'));
    return isRecord(value) && isRecord(value['mcpServers']) ? Object.keys(value['mcpServers']) : [];
  } catch {
    return []; // absent, or not JSON: not ours to judge
  }
}
