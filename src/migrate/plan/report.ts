// The plan in words and as JSON for other programs. Complete: nothing is cut, hidden characters are written out.
import { visible } from '../../base/plain-text.ts';
import { shellWord } from '../../base/shell-word.ts';
import type { LaunchEntry, SourceProblem } from '../programs/declared.ts';
import { hosts } from '../programs/hosts.ts';
import { tilde, type World } from '../world.ts';
import { withoutTokens } from './approval-text.ts';
import { createHide, type Hide } from './hide-secrets.ts';
import { unifiedDiff } from './line-diff.ts';
import type { FileEdit, Plan, PlannedPlace, PlannedServer } from './plan-model.ts';

export type ReportDeps = {
  world: World;
  plan: Plan;
  /** Makes our own command fit the reader; what a repository declares stays as it is. */
  hint?: (text: string) => string;
};

const sharingText = {
  shared: 'one copy for everyone',
  project: 'one copy for each project',
  session: 'a copy for each session',
};

export function planLines({ world, plan, hint = (text) => text }: ReportDeps): string[] {
  const hide = hideFor(plan);
  const show = (text: string) => visible(hide(text));
  const moving = plan.servers.filter((server) => server.moves);
  const staying = plan.servers.filter((server) => !server.moves);
  const lines = [headline(plan, moving)];
  for (const refusal of plan.refusals) lines.push('', `Refused: ${show(refusal)}`);
  for (const server of moving) lines.push('', ...serverLines(world, server, show));
  if (staying.length > 0) lines.push('', 'Stays where it is:');
  for (const server of staying) lines.push('', ...serverLines(world, server, show));
  if (plan.problems.length > 0) lines.push('', ...unreadLines(world, plan.problems, hide));
  if (plan.files.length > 0) lines.push('', 'Files:');
  for (const file of plan.files) lines.push('', ...fileLines(world, file, show));
  lines.push('', 'Nothing was started and nothing was written.');
  if (moving.length > 0 && plan.refusals.length === 0) lines.push(hint('Carry it out: mcp-proxy migrate apply'));
  return lines;
}

/** Files whose servers are not known, and why. */
export function unreadLines(world: World, problems: readonly SourceProblem[], hide: Hide = (text) => text): string[] {
  const lines = problems.map(({ file, reason, line }) => {
    const place = `${tilde(file, world.home)}${line === undefined ? '' : `:${line}`}`;
    return `  ${visible(hide(`${place} ${reason}`))}`;
  });
  return lines.length === 0 ? [] : ['Not read:', ...lines];
}

function headline(plan: Plan, moving: readonly PlannedServer[]): string {
  const running = moving.map((server) => server.running).filter((copies) => copies !== undefined);
  const processes = running.reduce((sum, copies) => sum + copies.processes, 0);
  const pss = running.reduce((sum, copies) => sum + (copies.pssBytes ?? 0), 0);
  const cost =
    processes > 0 ? ` Their copies now: ${count(processes, 'process', 'processes')}, ${mebibytes(pss)}.` : '';
  return `${moving.length} of ${count(plan.servers.length, 'server', 'servers')} would be shared.${cost}`;
}

function serverLines(world: World, server: PlannedServer, show: Hide): string[] {
  const lines = [
    server.moves ? `${server.name}  ${sharingText[server.sharing]}: ${server.sharingReason}` : show(server.name),
  ];
  for (const [label, text] of launchLines(server, show)) lines.push(`  ${label.padEnd(11)}${text}`);
  for (const place of server.places) lines.push(...placeLines(world, place, show));
  if (server.moves) {
    if (server.isShared) lines.push('  it stands in our config already');
    const where = server.projects
      ? `only in ${server.projects.map((folder) => show(tilde(folder, world.home))).join(', ')}`
      : 'everywhere';
    const as =
      server.shownAs === undefined ? '' : `, as ${show(JSON.stringify(server.shownAs))} like the other of that name`;
    lines.push(`  ${'seen'.padEnd(11)}${where}${as}`);
    if (server.keepsNames) {
      lines.push('  names       kept by an entry of its own: rules and the /mcp switch stay');
      lines.push('  price       one more process in every session; the joint list in Claude Code no longer has it');
    }
  }
  lines.push(...runningLines(server));
  lines.push(...adviceLines(server, show));
  for (const rule of server.rules) {
    const what = rule.added === undefined ? `NOT translated: ${show(rule.problem ?? '')}` : `adds ${rule.added}`;
    lines.push(
      `  ${rule.kind.padEnd(11)}${show(rule.rule)}  ${what}  (${show(tilde(rule.file, world.home))}:${rule.line})`,
    );
  }
  if (server.conflict) {
    const { name, file, line, choices } = server.conflict;
    lines.push(`  conflict   another server is called ${show(name)} (${show(tilde(file, world.home))}:${line})`);
    lines.push(...choices.map((choice) => `             ${show(choice)}`));
  }
  // What one of its places says already is not said again.
  const told = server.places.map((place) => place.stays);
  for (const reason of server.moves ? [] : server.stays.filter((text) => !told.includes(text)))
    lines.push(`  stays      ${show(reason)}`);
  return [...lines, ...server.notes.map((note) => `  note       ${show(note)}`)];
}

/** Of what somebody is to approve nothing is hidden but tokens, whatever else a repository calls a secret. */
function launchLines({ entry, places }: PlannedServer, show: Hide): [string, string][] {
  const isExact = needsApproval(places);
  const {
    command,
    args = [],
    url,
    cwd,
    env = {},
    headers = {},
    inheritEnv = [],
  } = isExact ? withoutTokens(entry) : entry;
  const say = isExact ? visible : show;
  const lines: [string, string][] = [];
  if (command !== undefined) lines.push(['command', say([command, ...args].map((word) => shellWord(word)).join(' '))]);
  if (url !== undefined) lines.push(['address', say(url)]);
  if (cwd !== undefined) lines.push(['folder', say(cwd)]);
  if (Object.keys(env).length > 0) lines.push(['variables', say(Object.keys(env).join(', '))]);
  if (isExact)
    for (const [name, value] of Object.entries(env)) lines.push(['', `${shellWord(name)}=${shellWord(value)}`]);
  if (Object.keys(headers).length > 0) lines.push(['headers', say(Object.keys(headers).join(', '))]);
  if (isExact) for (const [name, value] of Object.entries(headers)) lines.push(['', shellWord(`${name}: ${value}`)]);
  if (inheritEnv.length > 0) lines.push(['from you', say(`${inheritEnv.join(', ')} (of the session that asks)`)]);
  return lines;
}

function needsApproval(places: readonly PlannedPlace[]): boolean {
  return places.some((place) => place.needsApproval !== undefined);
}

function placeLines(world: World, place: PlannedPlace, show: Hide): string[] {
  const host = place.host === 'claude-plugin' ? `plugin ${place.plugin ?? ''}` : hosts[place.host].title;
  const project = place.project === undefined ? '' : ` in ${tilde(place.project, world.home)}`;
  const where = `${host}, ${place.scope}${project}: ${tilde(place.file, world.home)}:${place.line} as ${JSON.stringify(place.name)}`;
  const lines = [`  declared   ${show(where)}${place.change === undefined ? '' : `  -> ${place.change}`}`];
  if (place.stays !== undefined) lines.push(`             stays: ${show(place.stays)}`);
  if (place.needsApproval !== undefined) {
    lines.push(`             approve: --accept ${shellWord(`${place.name}@${place.needsApproval.slice(0, 16)}`)}`);
  }
  return lines;
}

function runningLines({ running }: PlannedServer): string[] {
  if (!running || running.copies === 0) return [];
  const memory = running.pssBytes === undefined ? '' : `, ${mebibytes(running.pssBytes)}`;
  const lines = [
    `  running    ${count(running.copies, 'copy', 'copies')}, ${count(running.processes, 'process', 'processes')}${memory}`,
  ];
  if (running.alsoGiven.length > 0) {
    lines.push(`             also given, not carried (--inherit <server>:<NAME>): ${running.alsoGiven.join(', ')}`);
  }
  return lines;
}

function adviceLines(server: PlannedServer, show: Hide): string[] {
  const lines: string[] = [];
  if (server.needsLogin) lines.push('  login      needs login again: the program keeps its login to itself');
  if (server.notPortable.length > 0)
    lines.push(`  not portable: ${server.notPortable.map(show).join(', ')} exists on this machine only`);
  if (server.mistake) {
    lines.push(`  broken     ${show(server.mistake.why)}`);
    if (server.mistake.instead) {
      const { command = '', args = [] } = server.mistake.instead;
      lines.push(`  works      ${show([command, ...args].map((word) => shellWord(word)).join(' '))}`);
    }
  }
  if (server.leftBehind.length > 0)
    lines.push(`  left out   ${show(server.leftBehind.join(', '))} (no effect on the server)`);
  return lines;
}

function fileLines(world: World, file: FileEdit, show: Hide): string[] {
  const made = file.before === undefined ? ' (new)' : '';
  const lines = [`${show(tilde(file.path, world.home))}${made}: ${show(file.purpose)}`];
  if (file.warning !== undefined) lines.push(`  warning: ${show(file.warning)}`);
  return [...lines, ...diffOf(file).map((line) => `  ${show(line)}`)];
}

function diffOf(file: FileEdit): string[] {
  return unifiedDiff(file.beforeText ?? '', file.after, 2);
}

function hideFor(plan: Plan): Hide {
  return createHide(plan.servers.map((server) => server.entry));
}

/** The plan without any secret and without whole files. */
export function planJson({ world, plan }: ReportDeps): unknown {
  const hide = hideFor(plan);
  const servers = plan.servers.map(({ entry, mistake, places, ...server }) => ({
    ...server,
    places: places.map(({ declares: _, ...place }) => place),
    ...launchJson(entry, needsApproval(places) ? undefined : hide),
    ...(mistake
      ? {
          mistake: {
            why: hide(mistake.why),
            ...(mistake.instead
              ? { instead: [mistake.instead.command ?? '', ...(mistake.instead.args ?? [])].map(hide) }
              : {}),
          },
        }
      : {}),
  }));
  const files = plan.files.map((file) => ({
    path: file.path,
    isNew: file.before === undefined,
    purpose: file.purpose,
    before: file.before,
    diff: diffOf(file).map(hide),
    ...(file.warning === undefined ? {} : { warning: file.warning }),
  }));
  const { version, id, createdAt, refusals, problems } = plan;
  return { version, id, createdAt, home: world.home, refusals, servers, files, problems };
}

/** `hide`: what is not to be approved is shown without secrets. */
function launchJson(entry: LaunchEntry, hide: Hide | undefined) {
  const { command, args = [], url, cwd, env = {}, headers = {}, inheritEnv = [] } = hide ? entry : withoutTokens(entry);
  const say = hide ?? ((text: string) => text);
  return {
    command: command === undefined ? undefined : [command, ...args].map(say),
    url: url === undefined ? undefined : say(url),
    cwd,
    variables: Object.keys(env),
    inheritEnv,
    headers: Object.keys(headers),
    ...(hide ? {} : { values: { ...env, ...headers } }),
  };
}

function count(amount: number, one: string, many: string): string {
  return `${amount} ${amount === 1 ? one : many}`;
}

export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}
