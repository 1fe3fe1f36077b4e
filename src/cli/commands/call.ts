import { resolve } from 'node:path';
import { isRecord } from '../../link/hello.ts';
import { badArgument } from '../args.ts';
import type { Command } from '../command.ts';
import { takePositionals } from '../positionals.ts';

const usage = 'call <server> <tool> [json] [--project DIR]';

export const call: Command = {
  usage: [usage],
  about:
    'Calls a tool of a server and prints what it returned; the arguments are a JSON object, "-" reads it from stdin. Starts the daemon and the server if needed. Exit code 1 if the tool reports an error.',
  options: [
    { long: 'project', value: 'DIR', help: 'As a session in this folder (default: here)' },
    { long: 'json', help: 'The whole result as JSON, for programs' },
  ],
  examples: [
    { line: 'call memory read_graph', does: 'A tool without arguments' },
    { line: `call memory search_nodes '{"query":"release"}'`, does: 'With arguments' },
  ],
  run: async ({ daemon, terminal, cwd, readStdin }, args) => {
    const [server = '', tool = '', json] = takePositionals(args, ['server', 'tool', 'json?'], usage);
    const input = parse(json === '-' ? await readStdin() : json);
    const projectDir = resolve(cwd, args.value('project') ?? '.');
    const client = await terminal.progress('Starting the daemon', () => daemon.ensure());
    const request = { server, tool, arguments: input, projectDir };
    const result = await terminal.progress(`Waiting for ${tool} of ${server}`, () => client.call(request));
    if (args.has('json')) terminal.print(JSON.stringify(result, null, 2));
    else terminal.print(...resultLines(result));
    return isRecord(result) && result['isError'] === true ? 1 : 0;
  },
};

function parse(json: string | undefined): Record<string, unknown> {
  if (json === undefined || json.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw badArgument('The arguments are not JSON.', `Write them as '{"name":"value"}', or - for stdin.`);
  }
  if (!isRecord(value)) throw badArgument('The arguments must be a JSON object: {"name": "value"}.');
  return value;
}

/** Text as it is; of anything else what it is and how large. */
export function resultLines(result: unknown): string[] {
  const content = isRecord(result) && Array.isArray(result['content']) ? result['content'] : [];
  const lines = content.map((item: unknown) => {
    if (!isRecord(item)) return JSON.stringify(item);
    if (typeof item['text'] === 'string') return item['text'];
    const { type, data, mimeType } = item;
    if (typeof data === 'string')
      return `[${String(type)} ${String(mimeType)}, ${Math.floor((data.length * 3) / 4)} bytes]`;
    return JSON.stringify(item, null, 2);
  });
  if (lines.length > 0) return lines;
  return [
    JSON.stringify(isRecord(result) && 'structuredContent' in result ? result['structuredContent'] : result, null, 2),
  ];
}
