// What a person should hear once: findings that the daemon wrote down, minus those already told.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readFileIfPresent, removeIfPresent } from '../base/atomic-file.ts';
import { cutChars, joinNames } from '../base/cut-text.ts';
import { systemCode } from '../base/errors.ts';
import { type ReadLimits, readForeignText } from '../base/foreign-file.ts';
import { isRecord } from '../base/guards.ts';
import { plainLine } from '../base/plain-text.ts';
import { ensurePrivateDir } from '../base/private-dir.ts';
import type { Locations } from '../link/locations.ts';
import { movedMark, movedNames } from '../link/moved-marks.ts';
import { findProjectRoot } from '../link/project-root.ts';

type Finding = { id: string; text: string; projectRoot?: string };

const maxFileBytes = 256 * 1024;
/** A start screen is no place for more. */
const maxToldAtOnce = 5;
/** Longer than any text of ours with the names that it may hold. */
const maxTextChars = 600;
const maxMessageBytes = 2_048;

const welcome: Finding = {
  id: 'welcome',
  text: 'mcp-proxy is installed, but nothing is shared yet. Share a server with `/mcp-proxy add <name> -- <command>`; `/mcp-proxy status` shows what runs.',
};

/** The message for the person, or undefined. What it names counts as told from now on. */
export function takeFindings(locations: Locations, projectDir: string, home: string): string | undefined {
  const toldDir = join(locations.dataDir, 'findings-told');
  const isNew = (finding: Finding) => !wasTold(toldDir, finding.id);
  const builtIn = existsSync(locations.configPath) ? [] : [welcome];
  const candidates = [...builtIn, ...lost(locations, projectDir), ...readFindings(locations.findingsPath)].filter(
    isNew,
  );
  if (candidates.length === 0) return undefined;
  const root = candidates.some((finding) => finding.projectRoot) ? findProjectRoot(projectDir, home) : '';
  const here = candidates.filter((f) => f.projectRoot === undefined || f.projectRoot === root);
  const told = withinMessage(here.slice(0, maxToldAtOnce)).filter(({ id }) => claimTelling(toldDir, id));
  if (told.length === 0) return undefined;
  forgetOldest(toldDir);
  return told.map(({ text }) => text).join('\n');
}

/**
 * The last step before the host's screen: each text in one line that hides nothing, all of them bounded, whatever a
 * repository or a config declares. What finds no room is told at the next start.
 */
function withinMessage(findings: readonly Finding[]): Finding[] {
  const kept: Finding[] = [];
  let bytes = 0;
  for (const finding of findings) {
    const text = cutChars(plainLine(finding.text), maxTextChars);
    bytes += Buffer.byteLength(text) + 1;
    if (bytes > maxMessageBytes) break;
    kept.push({ ...finding, text });
  }
  return kept;
}

function lost(locations: Locations, projectDir: string): Finding[] {
  const names = findLostServers(locations, projectDir);
  if (names.length === 0) return [];
  const text = `Silenced for you in this project, but not shared here: ${joinNames(names)}. \`/mcp-proxy migrate repair\` lets the session start them again.`;
  return [{ id: `lost:${projectDir}:${names.join(',')}`, text }];
}

function readFindings(path: string): Finding[] {
  const value = readJson(path);
  const entries: unknown = isRecord(value) ? value['findings'] : undefined;
  if (!Array.isArray(entries)) return [];
  return entries.flatMap((entry: unknown): Finding[] => {
    if (!isRecord(entry) || typeof entry['id'] !== 'string' || typeof entry['text'] !== 'string') return [];
    const { id, text, projectRoot } = entry;
    return [{ id, text, ...(typeof projectRoot === 'string' ? { projectRoot } : {}) }];
  });
}

function readJson(path: string): unknown {
  try {
    const text = readFileIfPresent(path, maxFileBytes);
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined; // damaged, or no file of ours: written anew by its owner
  }
}

/** Settings are a few KB; a larger file is not worth a session's start. */
const maxBytes = 256 * 1024;

/**
 * Servers that a migration silenced in this project and that nobody starts now: the settings came from another machine, or
 * our config was lost. The person would only see that tools are missing. Never throws.
 */
export function findLostServers(locations: Locations, projectDir: string): string[] {
  const text = readSmall(join(projectDir, '.claude', 'settings.local.json'), { inside: projectDir });
  // The mark is rare: nothing is parsed in a project that was never migrated.
  if (!text?.includes(`"${movedMark}"`)) return [];
  const config = readSmall(locations.configPath) ?? '';
  return (
    movedNames(parse(text))
      // The config may hold comments, which this side cannot parse; a name that stands nowhere in it is not configured.
      .filter(({ ours }) => !config.includes(JSON.stringify(ours)))
      .map(({ theirs }) => theirs)
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Claude Code says itself that its settings are broken
  }
}

function readSmall(path: string, where: Pick<ReadLimits, 'inside'> = {}): string | undefined {
  const reading = readForeignText(path, { maxBytes, ...where });
  return reading.kind === 'text' ? reading.text : undefined;
}

/** Older ones are forgotten; a finding that comes back after so many others may be told again. */
const maxTold = 500;

export function wasTold(folder: string, id: string): boolean {
  return existsSync(markOf(folder, id));
}

/**
 * Whether it is ours to tell: from now on it counts as told. One empty file for each finding: two sessions that open in one
 * instant cannot both make it.
 */
export function claimTelling(folder: string, id: string): boolean {
  ensurePrivateDir(folder);
  try {
    writeFileSync(markOf(folder, id), '', { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

function forgetOldest(folder: string): void {
  const names = readdirSync(folder);
  if (names.length <= maxTold) return;
  const marks = names.map((name) => ({ path: join(folder, name), at: timeOf(join(folder, name)) }));
  marks.sort((a, b) => a.at - b.at);
  for (const { path } of marks.slice(0, names.length - maxTold)) removeIfPresent(path);
}

function timeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function markOf(folder: string, id: string): string {
  return join(folder, createHash('sha256').update(id).digest('hex').slice(0, 32));
}
