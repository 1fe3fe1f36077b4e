// What a person should hear once: findings that the daemon wrote down, minus those already told.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readFileIfPresent } from '../base/atomic-file.ts';
import { cutChars, listNames } from '../base/cut-text.ts';
import { isRecord } from '../base/guards.ts';
import { plainLine } from '../base/plain-text.ts';
import type { Locations } from '../link/locations.ts';
import { findProjectRoot } from '../link/project-root.ts';
import { findLostServers } from './silenced.ts';
import { claimTelling, forgetOldest, wasTold } from './told.ts';

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
  const text = `Silenced for you in this project, but not shared here: ${listNames(names)}. \`/mcp-proxy migrate repair\` lets the session start them again.`;
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
