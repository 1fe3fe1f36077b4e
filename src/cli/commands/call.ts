import { resolve } from 'node:path';
import { joinNames } from '../../base/cut-text.ts';
import { AppError } from '../../base/errors.ts';
import { isRecord } from '../../base/guards.ts';
import { jsonText, plainLine, visible } from '../../base/plain-text.ts';
import type { ToolSummary } from '../../link/control.ts';
import { badArgument, takePositionals } from '../args.ts';
import type { Command, CommandContext, ExitCode } from '../command.ts';
import type { DaemonClient } from '../daemon-access.ts';
import { failedListText } from '../render/failed-list.ts';
import { cutText, padText, textWidth } from '../render/text-width.ts';
import { ensureFor } from '../server-verb.ts';

/** One long name must not push all descriptions out of sight. */
const maxNameColumns = 40;
const aboutColumns = 100;
const maxNamesTold = 100;

const usage = 'call <server> [tool] [json] [--project DIR]';

export const call: Command = {
  usage: [usage],
  about:
    'Calls a tool of a server and prints what it returned; the arguments are a JSON object, "-" reads it from stdin. Without a tool it lists the tools there are. Starts the daemon and the server if needed. What moves the cursor or hides is written out in it; --json has every character. Exit code 1 if the tool reports an error.',
  options: [
    { long: 'project', value: 'DIR', help: 'As a session in this folder (default: here)' },
    { long: 'json', help: 'The whole result as JSON, for programs' },
  ],
  examples: [
    { line: 'call memory', does: 'What its tools are' },
    { line: 'call memory read_graph', does: 'A tool without arguments' },
    { line: `call memory search_nodes '{"query":"release"}'`, does: 'With arguments' },
  ],
  run: async (context, args) => {
    const { terminal, cwd, readStdin } = context;
    const [server = '', tool, json] = takePositionals(args, ['server', 'tool?', 'json?'], usage);
    const input = parse(json === '-' ? await readStdin() : json);
    const projectDir = resolve(cwd, args.value('project') ?? '.');
    const client = await ensureFor(context, server);
    if (tool === undefined) {
      await terminal.progress(`Starting ${server}`, () => client.change('start', { name: server, projectDir }));
      const tools = await client.tools({ server, projectDir });
      if (tools.length === 0) await refuseUnlisted(client, server);
      return printTools(context, tools, { server, isJson: args.has('json') });
    }
    const request = { server, tool, arguments: input, projectDir };
    try {
      const result = await terminal.progress(`Waiting for ${tool} of ${server}`, () => client.call(request));
      const isError = isRecord(result) && result['isError'] === true;
      // Text is for reading, also behind a pipe: what leads from there to a screen is somebody's next command. Each byte
      // of it stands in --json.
      if (args.has('json')) terminal.json(result);
      else for (const text of resultTexts(result)) terminal.prose(isError ? context.hint(text) : text);
      if (isError) await noteUnknownTool(context, client, { server, tool, projectDir });
      return isError ? 1 : 0;
    } catch (error) {
      await noteUnknownTool(context, client, { server, tool, projectDir });
      throw error;
    }
  },
};

/** None that are known is not the same as none. */
async function refuseUnlisted(client: DaemonClient, server: string): Promise<void> {
  const found = (await client.status()).servers.find(({ name }) => name === server);
  const failure = found?.listFailures?.find(({ list, shown }) => list === 'tools' && shown === undefined);
  if (!failure) return;
  throw new AppError({
    code: 'LIST_FAILED',
    message: failedListText(failure, `Server "${server}": its`, Date.now()),
    hint: `Its output: \`mcp-proxy logs ${server}\``,
  });
}

function printTools(
  { terminal, hint }: CommandContext,
  tools: readonly ToolSummary[],
  { server, isJson }: { server: string; isJson: boolean },
): ExitCode {
  if (isJson) terminal.json(tools);
  else if (tools.length === 0) terminal.print(`${server} has no tools.`);
  else {
    // Whole, as it has to be typed.
    const names = tools.map(({ tool }) => visible(tool));
    const width = Math.min(maxNameColumns, Math.max(...names.map(textWidth)));
    tools.forEach(({ title, description }, i) => {
      const about = cutText(firstLine(description ?? title ?? ''), aboutColumns);
      terminal.print(`${padText(names[i] ?? '', width, 'left')}  ${about}`.trimEnd());
    });
    terminal.note(hint(`Call one: \`mcp-proxy call ${server} <tool> '{"argument":"value"}'\``));
  }
  return 0;
}

function firstLine(text: string): string {
  return plainLine(text.split('\n', 1)[0] ?? '');
}

/** Each server says in its own words that it has no such tool, and none says which it has. */
async function noteUnknownTool(
  { terminal }: CommandContext,
  client: DaemonClient,
  { server, tool, projectDir }: { server: string; tool: string; projectDir: string },
): Promise<void> {
  const names = (await client.tools({ server, projectDir }).catch(() => [])).map((one) => one.tool);
  if (names.length === 0 || names.includes(tool)) return;
  terminal.note(
    `${server} has no tool ${JSON.stringify(tool)}. Its tools: ${joinNames(names, { most: maxNamesTold })}.`,
  );
}

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
export function resultTexts(result: unknown): string[] {
  const content = isRecord(result) && Array.isArray(result['content']) ? result['content'] : [];
  const lines = content.map((item: unknown) => {
    if (!isRecord(item)) return jsonText(item);
    if (typeof item['text'] === 'string') return item['text'];
    const { type, data, mimeType } = item;
    if (typeof data === 'string')
      return `[${String(type)} ${String(mimeType)}, ${Math.floor((data.length * 3) / 4)} bytes]`;
    return jsonText(item, 2);
  });
  if (lines.length > 0) return lines;
  return [jsonText(isRecord(result) && 'structuredContent' in result ? result['structuredContent'] : result, 2)];
}
