// The plugin as Claude Code has it: enabled, installed, whole, and registered with its server and both hooks.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readForeignText } from '../../base/foreign-file.ts';
import { isRecord } from '../../base/guards.ts';
import { shellWord } from '../../base/shell-word.ts';
import { readJsonc } from '../../migrate/documents/jsonc-document.ts';
import {
  enabledPlugins,
  ownPlugin,
  readInstalled,
  rootOf,
  serversOfPlugin,
} from '../../migrate/programs/claude-plugins.ts';
import type { ClaudeSettings } from '../../migrate/programs/claude-settings.ts';
import { isOurs } from '../../migrate/programs/collect-sources.ts';
import { claudeDir, claudeStatePath } from '../../migrate/programs/hosts.ts';
import { whyPluginManagedAway } from '../../migrate/programs/managed-lists.ts';
import { tilde, type World } from '../../migrate/world.ts';
import type { CheckFinding } from './check.ts';

export function pluginFindings(world: World, settings: ClaudeSettings): CheckFinding[] {
  if (!existsSync(claudeDir(world)) && !existsSync(claudeStatePath(world))) return [];
  const managed = whyPluginManagedAway(world, settings);
  if (managed) {
    const what = `Claude Code does not load our server: ${managed}.`;
    return [{ severity: 'error', what, fix: { say: 'Ask your administrator.' } }];
  }
  const id = enabledPlugins(settings).find((one) => one.split('@')[0] === ownPlugin);
  if (id === undefined) {
    const say = 'claude plugin install mcp-proxy@aitkit --scope user';
    return [{ severity: 'warning', what: 'The plugin mcp-proxy is not enabled for you in Claude Code.', fix: { say } }];
  }
  const installed = readInstalled(world);
  const list = tilde(installed.file, world.home);
  if (installed.problem) {
    const what = `${list} ${installed.problem.reason}, so it is not known whether the plugin ${id} is installed.`;
    return [{ severity: 'error', what, fix: { say: 'Correct the file.' } }];
  }
  const word = shellWord(id);
  const root = rootOf(installed, id);
  if (root === undefined) {
    const what = `The plugin ${id} is enabled but not installed: ${list} does not name it, so no session gets our server.`;
    return [{ severity: 'error', what, fix: { say: `claude plugin install ${word} --scope user` } }];
  }
  const say = `claude plugin update ${word}. If that changes nothing: claude plugin uninstall ${word}, then install it again.`;
  return whatIsWrong(world, root, id).map((what) => ({ severity: 'error', what, fix: { say } }));
}

const files = [
  '.claude-plugin/plugin.json',
  'bin/run-mcp-proxy',
  'dist/wrapper.cjs',
  'dist/hook.cjs',
  'dist/daemon.cjs',
  'dist/daemon-program.cjs',
  'hooks/hooks.json',
];
/** Ours has a few lines. */
const maxHooksBytes = 1024 * 1024;
const events = ['SessionStart', 'SessionEnd'];

function whatIsWrong(world: World, root: string, id: string): string[] {
  const missing = files.filter((file) => !existsSync(join(root, file)));
  const wrong = missing.length === 0 ? [] : [`The plugin's folder ${root} lacks ${missing.join(', ')}.`];
  const { servers, problems } = serversOfPlugin(root, id);
  if (!missing.includes('.claude-plugin/plugin.json') && !servers.some((server) => isOurs(server, world))) {
    const why = problems[0] ? `it ${problems[0].reason}` : 'it declares no server that starts run-mcp-proxy';
    wrong.push(`${join(root, '.claude-plugin/plugin.json')} does not register our server: ${why}.`);
  }
  const silent = missing.includes('hooks/hooks.json') ? [] : events.filter((event) => !hasHook(root, event));
  if (silent.length > 0) {
    const where = join(root, 'hooks/hooks.json');
    wrong.push(`${where} does not register our hook for ${silent.join(' and ')}: sessions are seen late or too long.`);
  }
  return wrong;
}

function hasHook(root: string, event: string): boolean {
  const hooks = member(read(join(root, 'hooks/hooks.json')), 'hooks');
  const groups = listOf(member(hooks, event));
  const commands = groups.flatMap((group) => listOf(member(group, 'hooks')));
  return commands.some((one) => {
    const words = [member(one, 'command'), ...listOf(member(one, 'args'))];
    return words.some((word) => typeof word === 'string' && word.includes('dist/hook.cjs'));
  });
}

function member(value: unknown, key: string): unknown {
  return isRecord(value) ? value[key] : undefined;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function read(path: string): unknown {
  const reading = readForeignText(path, { maxBytes: maxHooksBytes });
  // What cannot be read here Claude Code does not read either.
  const parsed = reading.kind === 'text' ? readJsonc(reading.text) : undefined;
  return parsed && 'value' in parsed ? parsed.value : undefined;
}
