// Writes what docs/ has from the source: config.md, errors.md, states.md, the rooms of architecture.md, and the pictures;
// servers.md from the committed result of the fleet. `--check` fails when one differs.
import './define-globals.ts';

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { presets } from '../src/config/presets.ts';
import { configSchema, knownServerSchema, serverSchema, settingsShape } from '../src/config/schema.ts';
import { root } from './build-defines.ts';
import { errorDocument } from './error-document.ts';
import { pictures } from './pictures.ts';
import { rooms } from './rooms.ts';
import { serverDocument } from './server-document.ts';
import { stateDocument } from './state-document.ts';

type Json = z.core.JSONSchema.JSONSchema;

const generated = [
  ['config.md', document()],
  ['errors.md', errorDocument()],
  ['states.md', stateDocument()],
  ['servers.md', serverDocument()],
  ['architecture.md', withRooms(read(join(root, 'docs', 'architecture.md')) ?? '')],
  ...pictures(),
] as const;

for (const [name, text] of generated) {
  const target = join(root, 'docs', name);
  if (!process.argv.includes('--check')) writeFileSync(target, text);
  else if (read(target) !== text) {
    console.error(`docs/${name} is stale: run \`npm run docs\` and commit it.`);
    process.exitCode = 1;
  }
}

/** The table of rooms in its place; the rest of that page is written by hand. */
function withRooms(page: string): string {
  const rows = Object.entries(rooms).map(([name, { role, knows, packages }]) => {
    const cells = [`\`${name}\``, role, knows || '-', packages ?? '-'];
    return `| ${cells.join(' | ')} |`;
  });
  const head = ['| in `src/` | what it is for | knows | packages |', '| --- | --- | --- | --- |'];
  const table = ['<!-- rooms -->', ...head, ...rows, '<!-- /rooms -->'].join('\n');
  return page.replace(/<!-- rooms -->[\s\S]*<!-- \/rooms -->/, () => table);
}

function document(): string {
  const environment = [
    ['MCPPROXY_PORT', 'http.port', 'a port, 0 for any free one, `off` for none'],
    ['MCPPROXY_TOP_K', 'tools.topK', 'a number'],
    ['MCPPROXY_TOOLS_LIMIT', 'tools.toolsLimit', 'a number'],
    ['MCPPROXY_TRANSPORT', '', '`streamable-http`, or `stdio` for a private daemon that ends with its session'],
  ];
  return [
    '# Configuration',
    '',
    'Generated from `src/config/schema.ts` by `npm run docs`. Do not edit.',
    '',
    'The file is JSON; comments and trailing commas are welcome. A plain `mcpServers` file of Claude Code is valid as it is. A key that is not known stays in the file, has no effect and is reported with the nearest known one. An entry with an error is left out and shown in `mcp-proxy status`; the others work. A file with an error outside the entries changes nothing: the last good one stays.',
    '',
    '## The file',
    '',
    ...table(configSchema, '', false),
    '',
    '## One server: `mcpServers.<name>`',
    '',
    'The name has up to 64 printable characters, no path separator and no `..`. Two names that differ only in case or punctuation cannot stand in one file.',
    '',
    ...table(serverSchema, '', true),
    ...Object.entries(settingsShape).flatMap(([name, schema]) =>
      name === 'knownServers' ? [] : ['', `## \`${name}\``, '', ...table(schema, '', true)],
    ),
    '',
    '## One row of `knownServers`',
    '',
    ...table(knownServerSchema, '', true),
    '',
    '## References',
    '',
    'They work in `command`, `args`, `env`, `cwd`, `url` and `headers`.',
    '',
    '| Written | Becomes |',
    '|---|---|',
    '| `${NAME}` | the variable of the session that asks; without it the server says that it needs it |',
    '| `${NAME:-text}` | the same, or the text when the variable is unset or empty |',
    '| `{env:NAME}`, `${env:NAME}` | the same as `${NAME}` |',
    '| `${SESSION_FOLDER}` | the folder in which the session was opened |',
    '| `${PROJECT_ROOT}` | the root of the repository around that folder (nearest one with `.git`, `.serena` or `.mcp.json`), else the folder itself |',
    '| `${SESSION_ID}` | an id of this session and no other |',
    '| `${PORT}` | a free port, for a server with `command` and `url` |',
    '',
    'A value is put in once and as it is: it is not split into words and not searched for references.',
    '',
    '## Environment',
    '',
    'These win over the file. A value that is not possible is reported and ignored.',
    '',
    '| Variable | Instead of | Value |',
    '|---|---|---|',
    ...environment.map(([name, key, value]) => `| \`${name}\` | ${key ? `\`${key}\`` : '-'} | ${value} |`),
    '',
    '## Ready entries',
    '',
    ...Object.entries(presets).flatMap(([name, { definition, note }]) => [
      `### ${name}`,
      '',
      note,
      '',
      '```json',
      JSON.stringify({ mcpServers: { [name]: definition } }, null, 2),
      '```',
      '',
    ]),
  ]
    .join('\n')
    .replace(/\n+$/, '\n');
}

function table(schema: z.core.$ZodType, prefix: string, nested: boolean): string[] {
  return [
    '| Key | Type | Default | Meaning |',
    '|---|---|---|---|',
    ...rows(z.toJSONSchema(schema, { io: 'input' }), prefix, nested),
  ];
}

function rows(schema: Json, prefix: string, nested: boolean): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    if (typeof value === 'boolean') return [];
    const name = `${prefix}${key}`;
    const hasRows = nested && value.properties !== undefined;
    const isRequired = schema.required?.includes(key) === true;
    const shown = isRequired ? 'required' : defaultOf(value);
    const row = `| \`${name}\` | ${typeOf(value)} | ${shown} | ${value.description ?? ''} |`;
    return [row, ...(hasRows ? rows(value, `${name}.`, true) : [])];
  });
}

function defaultOf(schema: Json): string {
  if (schema.default === undefined) return '-';
  return schema.properties ? '-' : `\`${JSON.stringify(schema.default)}\``;
}

function typeOf(schema: Json | boolean): string {
  if (typeof schema === 'boolean') return 'any';
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(' or ');
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.type === 'array') return Array.isArray(schema.items) ? 'list' : `list of ${typeOf(schema.items ?? true)}`;
  if (schema.type === 'object')
    return schema.properties ? 'object' : `object of ${typeOf(schema.additionalProperties ?? true)}`;
  if (schema.type === 'integer') return `number${range(schema)}`;
  return schema.type === 'string' ? 'text' : String(schema.type);
}

function range({ minimum, maximum }: Json): string {
  // The largest delay of a timer is a limit of the machine, not one that anybody chooses.
  if (maximum === undefined || maximum >= 2_147_483_647) return minimum === undefined ? '' : ` from ${minimum}`;
  return ` ${minimum} to ${maximum}`;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // not generated yet: reported as stale
  }
}
