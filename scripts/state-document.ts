// docs/states.md: every state machine of the program, from the tables that the program itself runs on.
import { connectionTransitions } from '../src/sessions/connection-state.ts';
import { instanceTransitions } from '../src/upstream/instance-state.ts';
import { transitions } from '../src/wrapper/state.ts';

type Table = Readonly<Record<string, Readonly<Partial<Record<string, string>>>>>;
type Machine = { title: string; source: string; about: string; table: Table; events: Readonly<Record<string, string>> };

const machines: readonly Machine[] = [
  {
    title: 'The wrapper toward the daemon',
    source: 'src/wrapper/state.ts',
    about:
      'One for each host session; it starts in `connecting`. Toward its host the wrapper is always alive: what it cannot send it holds, answers from the last known lists, or answers with the reason. A call that was written to a lost connection is answered exactly once and never sent again.',
    table: transitions,
    events: {
      dial: 'a connection is being made and the hello is on its way',
      accepted: 'the daemon answered the hello',
      launch: 'nobody listens, a daemon is being started',
      failed: 'busy, or ended before its hello; tried again after a pause',
      refused: 'may not be used, or cannot be started; requests are answered at once with the reason',
      lost: 'an accepted connection ended',
      drain: 'the daemon asked to send nothing more',
      end: 'the host is gone',
    },
  },
  {
    title: 'A connection in the daemon',
    source: 'src/sessions/connection-state.ts',
    about:
      'One for each connection on the socket; it starts in `fresh`. What says no hello in time, or more than a hello may hold, is closed.',
    table: connectionTransitions,
    events: {
      brace: 'its first byte is `{`: a wrapper',
      other: 'its first byte is anything else: HTTP for the control API',
      accepted: 'the hello fits',
      refuse: 'another protocol, other settings, no hello, or the daemon is ending',
      drain: 'the daemon is about to end: an update, a restart, a stop',
      drained: 'the wrapper sends nothing more; calls under way are finished',
      close: 'either side ended it',
    },
  },
  {
    title: 'A copy of a server',
    source: 'src/upstream/instance-state.ts',
    about:
      'One for each running copy; it starts in `stopped`. It starts with the first call, after growing pauses if it died before. Five deaths in a row in a start or over a call, each before five healthy minutes, are `failed`; a SIGKILL from outside does not count, nor does an end while nothing was asked. `mcp-proxy restart <server>` and another entry in the configuration lead out of it, and one start is tried for each session that was not told yet, and after a pause of a minute, then of up to 15; a stop does not.',
    table: instanceTransitions,
    events: {
      start: 'a session needs it',
      opened: 'it introduced itself',
      gone: 'its last connection ended, or its start failed',
      crashLoop: 'the same, too often in a row',
      stop: 'idle, asked for by a person, another config, or the end of the daemon',
      ended: 'all of its processes are gone',
      reset: '`mcp-proxy restart <server>`',
      retry: 'its long pause is over, or a session needs it that was not told of its failure: one start',
    },
  },
];

export function stateDocument(): string {
  const parts = machines.flatMap(({ title, source, about, table, events }) => [
    `## ${title}`,
    '',
    `\`${source}\`. ${about}`,
    '',
    '| State | Event | Next |',
    '|---|---|---|',
    ...Object.entries(table).flatMap(([state, row]) => rows(state, row)),
    '',
    '| Event | Means |',
    '|---|---|',
    ...Object.keys(eventsOf(table)).map((event) => `| \`${event}\` | ${meaning(events, event)} |`),
    '',
    '```mermaid',
    'stateDiagram-v2',
    ...Object.entries(table).flatMap(([state, row]) =>
      Object.entries(row).map(([event, next]) => `  ${state} --> ${next}: ${event}`),
    ),
    '```',
    '',
  ]);
  return [
    '# States',
    '',
    'Generated from the tables in the code by `npm run docs`. Do not edit. An event that a state does not list changes nothing. `test/unit/states` walks each table against the code that runs on it.',
    '',
    ...parts,
  ]
    .join('\n')
    .replace(/\n+$/, '\n');
}

function rows(state: string, row: Table[string]): string[] {
  const entries = Object.entries(row);
  if (entries.length === 0) return [`| \`${state}\` | - | - |`];
  return entries.map(([event, next]) => `| \`${state}\` | \`${event}\` | \`${next}\` |`);
}

function eventsOf(table: Table): Record<string, true> {
  return Object.fromEntries(Object.values(table).flatMap((row) => Object.keys(row).map((event) => [event, true])));
}

function meaning(events: Readonly<Record<string, string>>, event: string): string {
  const text = events[event];
  if (text === undefined) throw new Error(`docs: the event ${event} is not described`);
  return text;
}
