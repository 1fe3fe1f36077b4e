// docs/servers.md from the committed result of the last run of the fleet; no server is started for it.
import { type FleetRow, readResult } from '../test/fleet/result.ts';

export function serverDocument(): string {
  const result = readResult();
  const rows = result?.rows ?? [];
  const ran = rows.filter(({ proxied }) => proxied);
  const missing = rows.filter(({ proxied }) => !proxied);
  const dates = rows.map(({ ranAt }) => ranAt.slice(0, 10)).sort();
  const days = [...new Set([dates[0], dates.at(-1)])].join(' to ');
  return [
    '# Servers',
    '',
    'Generated from `bench/results/fleet.json` by `npm run docs`. Do not edit. `npm run fleet` makes the figures anew.',
    '',
    `Published servers, one after the other, direct and through us: ${rows.length} entries of ${new Set(rows.map((row) => row.package)).size} packages, of which ${ran.length} can be started where this ran. It ran on ${days} with Node ${result?.node.slice(1) ?? '-'}, ${result?.cores ?? 0} cores and package registries only: servers in front of a service answer with errors, which are compared all the same. Other programs ran on the machine at the same time, other servers of this table among them, so the times say little.`,
    '',
    ...chosen,
    '',
    '## In figures',
    '',
    ...figures(ran),
    '',
    '## All servers',
    '',
    ...serversTable(ran),
    '',
    ...legend,
    '',
    '## What differs',
    '',
    ...differences(ran),
    '',
    '## Not started here',
    '',
    '| server | package | why |',
    '|---|---|---|',
    ...missing.map(
      (row) => `| ${row.name} | ${row.package} ${row.version} | ${cell(row.reason ?? 'it did not run through us')} |`,
    ),
    '',
    '## Who should share them',
    '',
    '| server | right | because |',
    '|---|---|---|',
    ...rows.map((row) => `| ${row.name} | ${row.right} | ${cell(row.rightReason)} |`),
    '',
  ].join('\n');
}

const chosen = [
  "How they were chosen: the servers of the protocol's own collection with those that were moved to its archive; widely used packages of npm and PyPI in front of services, files and databases; and those that are known to be hard: browsers, shells, interpreters, databases with one writer, language servers, bridges to remote servers, programs behind a shell. Versions are pinned in `test/fleet/servers`.",
];

const legend = [
  "*direct*: the list of a session that starts the server itself, and the memory (PSS) of that copy. *through us*: the list of the first session, then of a second one, and the copies and memory of three sessions, two in one project and one in another. *equal*: definitions of tools, prompts, resources and templates byte by byte apart from the name, the result of one call, and with `--server` also capabilities, `serverInfo` and `instructions`; words in which two direct runs differ do not count (\\*). *kill -9*: the server's own process is killed and a call made at once; *second call*: that one was told that it may have run, and the next was answered. *left*: processes after the last session ended. *state*: what one session left in a server, and whether others were shown it.",
];

export function serversTable(rows: readonly FleetRow[]): string[] {
  return [
    '| server | package | version | tools | direct | through us | equal | kill -9 | left | state | sharing | right |',
    '|---|---|---|---|---|---|---|---|---|---|---|---|',
    ...rows.map((row) => `| ${cells(row).join(' | ')} |`),
  ];
}

function cells({ name, package: pkg, version, direct, proxied, reason, right }: FleetRow): string[] {
  const tools = direct === undefined ? '-' : typeof direct.tools === 'number' ? `${direct.tools}` : 'error';
  const alone = direct ? `${direct.listMs} ms, ${direct.memoryMiB} MiB` : cell(reason ?? '-');
  const head = [name, pkg, version, tools, alone];
  if (!proxied) return [...head, '-', '-', '-', '-', '-', '-', right];
  const { coldMs, warmMs, copies, memoryMiB, differences, afterKill, left, state, sharing } = proxied;
  const unexplained = differences.filter(({ why }) => why === undefined).length;
  const equal =
    unexplained > 0 ? '**no**' : differences.length > 0 ? 'as meant' : `yes${direct?.isSteady ? '' : '\\*'}`;
  return [
    ...head,
    `${coldMs} / ${warmMs} ms, ${copies} × ${Math.round(memoryMiB / Math.max(copies, 1))} MiB`,
    equal,
    killedCell(afterKill),
    left.length === 0 ? '0' : `**${left.length}**`,
    state?.split(':')[0] ?? '-',
    sharing,
    sharing === right ? 'yes' : `**${right}**`,
  ];
}

function memoryOf({ proxied }: FleetRow): number {
  return proxied?.memoryMiB ?? 0;
}

/** As measured beside the others: they share the pages of their program. */
function memoryOfOne({ proxied }: FleetRow): number {
  return proxied && proxied.copies > 0 ? proxied.memoryMiB / proxied.copies : 0;
}

/** `answered, 1.2 s`; `answered by the second call; first: …`; anything else is none. */
function killedCell(afterKill: string): string {
  if (afterKill.startsWith(atOnce)) return afterKill.slice(atOnce.length);
  return afterKill.startsWith(told) ? 'second call' : '**no**';
}

const atOnce = 'answered, ';
const told = 'answered by the second call';

function figures(ran: readonly FleetRow[]): string[] {
  const count = (matches: (row: FleetRow) => boolean | undefined) => `${ran.filter(matches).length} of ${ran.length}`;
  const sum = (one: (row: FleetRow) => number) => ran.map(one).reduce((a, b) => a + b, 0);
  const gib = (mib: number) => `${(mib / 1_024).toFixed(1)} GiB`;
  const withState = ran.filter(({ proxied }) => proxied?.state !== undefined);
  return [
    '| what | result |',
    '|---|---|',
    `| equal, or different as meant | ${count(({ proxied }) => proxied?.differences.every(({ why }) => why !== undefined))} |`,
    `| answered right after \`kill -9\` of its process | ${count(({ proxied }) => proxied?.afterKill.startsWith(atOnce))} |`,
    `| the call at once was told that it may have run, and the next one answered | ${count(({ proxied }) => proxied?.afterKill.startsWith(told))} |`,
    `| nothing left after the last session | ${count(({ proxied }) => proxied?.left.length === 0)} |`,
    `| nothing left, direct | ${count(({ direct }) => direct?.left.length === 0)} |`,
    `| the sharing that \`auto\` chose is right | ${count(({ right, proxied }) => proxied?.sharing === right)} |`,
    `| state of a session kept apart, or meant for all | ${withState.filter(({ proxied }) => !proxied?.state?.startsWith('seen')).length} of ${withState.length} |`,
    `| copies for three sessions of each, through us | ${sum(({ proxied }) => proxied?.copies ?? 0)} of ${3 * ran.length} |`,
    `| memory of these copies, and of one for each session | ${gib(sum(memoryOf))}, ${gib(sum((row) => 3 * memoryOfOne(row)))} |`,
  ];
}

function differences(ran: readonly FleetRow[]): string[] {
  const lines = ran.flatMap(({ name, proxied }) =>
    (proxied?.differences ?? []).map(
      ({ where, what, why }) => `- ${name}, ${cell(where)}: ${why ?? `\`${plain(what)}\``}`,
    ),
  );
  const unique = [...new Set(lines)];
  return unique.length > 0 ? unique : ['Nothing.'];
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;');
}

/** Between backticks. */
function plain(text: string): string {
  return text.replaceAll('`', "'").replaceAll('\n', ' ').slice(0, 240);
}
