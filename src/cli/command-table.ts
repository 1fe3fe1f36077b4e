// Every verb, in the order of the help. A new one is a file in commands/ and a row here.
import type { Verb } from './command.ts';

export const verbs: readonly Verb[] = [
  {
    name: 'status',
    summary: 'What runs, who uses it, what is saved',
    load: async () => (await import('./commands/status.ts')).status,
  },
  {
    name: 'list',
    summary: 'The configured servers',
    load: async () => (await import('./commands/list.ts')).list,
  },
  {
    name: 'get',
    summary: 'One configured server in full',
    load: async () => (await import('./commands/get.ts')).get,
  },
  {
    name: 'add',
    summary: 'Share a server: same arguments as `claude mcp add`',
    load: async () => (await import('./commands/add.ts')).add,
  },
  {
    name: 'add-json',
    summary: 'Share a server given as JSON',
    load: async () => (await import('./commands/add-json.ts')).addJson,
  },
  {
    name: 'remove',
    summary: 'Take a server out of the config',
    load: async () => (await import('./commands/remove.ts')).remove,
  },
  {
    name: 'enable',
    summary: 'Let a disabled server run again',
    load: async () => (await import('./commands/switch.ts')).enable,
  },
  {
    name: 'disable',
    summary: 'Keep a server in the config without running it',
    load: async () => (await import('./commands/switch.ts')).disable,
  },
  {
    name: 'start',
    summary: 'Start the daemon, or one server',
    load: async () => (await import('./commands/start.ts')).start,
  },
  {
    name: 'stop',
    summary: 'Stop the daemon, or one server',
    load: async () => (await import('./commands/stop.ts')).stop,
  },
  {
    name: 'restart',
    summary: 'Restart the daemon, or one server',
    load: async () => (await import('./commands/restart.ts')).restart,
  },
  {
    name: 'logs',
    summary: 'What the daemon or a server wrote',
    load: async () => (await import('./commands/logs.ts')).logs,
  },
  {
    name: 'call',
    summary: 'Call a tool from the command line',
    load: async () => (await import('./commands/call.ts')).call,
  },
  {
    name: 'tokens',
    summary: 'What tools and results cost the model now',
    load: async () => (await import('./commands/tokens.ts')).tokens,
  },
  {
    name: 'explain',
    summary: 'Why a server runs as it does, here',
    load: async () => (await import('./commands/explain.ts')).explain,
  },
  {
    name: 'health',
    summary: 'Exit code 0 if a daemon runs and answers, else 1',
    load: async () => (await import('./commands/health.ts')).health,
  },
  {
    name: 'doctor',
    summary: 'What is wrong, what it costs, and how to repair it',
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  {
    name: 'run',
    summary: 'Run the daemon in this terminal',
    load: async () => (await import('./commands/run.ts')).run,
  },
  {
    name: 'demo',
    summary: 'See it work in a scratch folder, nothing is installed',
    load: async () => (await import('./commands/demo.ts')).demo,
  },
  {
    name: 'migrate',
    summary: 'Move your servers to the daemon, and back',
    load: async () => (await import('./commands/migrate.ts')).migrate,
  },
  {
    name: 'accept',
    summary: 'Approve what a repository brings',
    load: async () => (await import('./commands/accept.ts')).accept,
  },
  {
    name: 'connect',
    summary: 'Let another program use the shared servers',
    load: async () => (await import('./commands/connect.ts')).connect,
  },
  {
    name: 'disconnect',
    summary: 'Take that back',
    load: async () => (await import('./commands/disconnect.ts')).disconnect,
  },
  {
    name: 'leave',
    summary: 'Put everything back and go',
    load: async () => (await import('./commands/leave.ts')).leave,
  },
];
