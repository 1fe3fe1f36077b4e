// What the person, not the model, should know at the next session start. The hook shows each finding once.
import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { writeFileAtomic } from '../base/atomic-file.ts';
import { joinNames } from '../base/cut-text.ts';
import { type ReadLimits, readForeignText } from '../base/foreign-file.ts';
import { isRecord } from '../base/guards.ts';
import type { Log } from '../base/log.ts';
import { shellWord } from '../base/shell-word.ts';
import { definitionHash } from '../config/server-entry.ts';
import { visibleServers } from '../config/visibility.ts';
import type { Locations } from '../link/locations.ts';
import type { ConfigHolder } from './config-holder.ts';

export type Finding = { id: string; text: string; projectRoot?: string };
export type Findings = { update: (projectDir: string | undefined) => void };

/** Project folders whose findings are kept: as many as one works in at a time. */
const maxProjects = 64;
/** All sessions wait while one is read: 1 MiB of nothing but brackets takes 300 ms, and what people write is a few KiB. */
const maxClientFileBytes = 128 * 1024;
/** Our own, with every definition that was approved. */
const maxConsentsBytes = 16 * 1024 * 1024;

export function createFindings(deps: { locations: Locations; holder: ConfigHolder; log: Log }): Findings {
  const { locations, holder, log } = deps;
  const projects = new Set<string>();
  let written = '';
  return {
    update: (projectDir) => {
      if (projectDir && projects.size < maxProjects) projects.add(projectDir);
      try {
        const consents = readConsents(locations);
        const ofProjects = [...projects].flatMap((dir) => ofProject(dir, holder, consents));
        const found = [...configFindings(holder), ...ofProjects];
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

function ofProject(projectDir: string, holder: ConfigHolder, consents: readonly Record<string, unknown>[]): Finding[] {
  const declared = declaredIn(projectDir);
  try {
    return [...doubled(projectDir, declared, holder), ...changed(projectDir, declared, { holder, consents })];
  } catch {
    return []; // nested deeper than it can be compared: the other projects have their findings all the same
  }
}

/** Servers that this project's `.mcp.json` starts in every session although they are shared already. */
function doubled(projectDir: string, declared: Record<string, unknown>, { config }: ConfigHolder): Finding[] {
  const seen = visibleServers(config.servers, projectDir).map((entry) => entry.shownName);
  const known = Object.keys(declared).filter((name) => seen.includes(name));
  if (known.length === 0) return [];
  const local = readRecord(join(projectDir, '.claude', 'settings.local.json'), { inside: projectDir });
  const own = readRecord(join(homedir(), '.claude', 'settings.json'));
  // What a file silences that is not read is not known.
  if (!local || !own) return [];
  const silenced = [local, own].flatMap(({ disabledMcpjsonServers: list }): unknown[] =>
    Array.isArray(list) ? list : [],
  );
  const both = known.filter((name) => !silenced.includes(name));
  if (both.length === 0) return [];
  return [
    {
      id: `doubled:${projectDir}:${both.join(', ')}`,
      text: `This project declares ${joinNames(both)}, which mcp-proxy shares: each session here starts a second copy. /mcp-proxy migrate plan`,
      projectRoot: projectDir,
    },
  ];
}

/**
 * Definitions of this repository that are no longer what the person approved. What was approved runs on from our own
 * config; nobody starts the new content.
 */
function changed(
  projectDir: string,
  declared: Record<string, unknown>,
  { holder: { config }, consents }: { holder: ConfigHolder; consents: readonly Record<string, unknown>[] },
): Finding[] {
  const file = join(realPath(projectDir), '.mcp.json');
  return consents.flatMap((consent): Finding[] => {
    const path = Array.isArray(consent['path']) ? consent['path'] : [];
    const [container, name] = path;
    const ours = consent['name'];
    // The repository's own word for it could hold anything.
    const isHere = consent['file'] === file && typeof ours === 'string' && container === 'mcpServers';
    if (!isHere || typeof name !== 'string' || !config.servers.some((entry) => entry.name === ours)) return [];
    const now = declared[name];
    if (now === undefined || isDeepStrictEqual(now, consent['raw'])) return [];
    const version = definitionHash(now).slice(0, 12);
    return [
      {
        id: `changed:${file}:${ours}:${version}`,
        text: `This project changed its server ${ours} since you approved it. What you approved runs on; the change does not. To see it: /mcp-proxy accept ${shellWord(ours)}`,
        projectRoot: projectDir,
      },
    ];
  });
}

function declaredIn(projectDir: string): Record<string, unknown> {
  const servers = readRecord(join(projectDir, '.mcp.json'), { inside: projectDir })?.['mcpServers'];
  return isRecord(servers) ? servers : {};
}

function readConsents({ dataDir }: Locations): Record<string, unknown>[] {
  const consents = readRecord(join(dataDir, 'consents.json'), { maxBytes: maxConsentsBytes })?.['consents'];
  return Array.isArray(consents) ? consents.filter(isRecord) : [];
}

/** undefined: it is not read. `doctor` and the plan say what stands there instead. */
function readRecord(path: string, limits: Partial<ReadLimits> = {}): Record<string, unknown> | undefined {
  const reading = readForeignText(path, { maxBytes: maxClientFileBytes, ...limits });
  if (reading.kind === 'refused') return undefined;
  try {
    const value: unknown = reading.kind === 'text' ? JSON.parse(reading.text) : {};
    return isRecord(value) ? value : {};
  } catch {
    return {}; // not JSON: not ours to judge
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // gone meanwhile
  }
}
