// Functions whose work depends on how many of something others send: members, tools, values, lines, pieces.
import { arrayElements, objectMembers, splice } from '../../../src/base/json-scan.ts';
import { LineSplitter } from '../../../src/base/line-splitter.ts';
import { createRedactor } from '../../../src/base/redact.ts';
import { isToolAllowed } from '../../../src/catalog/catalog.ts';
import { joinLists } from '../../../src/catalog/joint-list.ts';
import { parseFace, serializeFace } from '../../../src/catalog/server-face.ts';
import { parseJsonc } from '../../../src/config/jsonc.ts';
import { parseConfig } from '../../../src/config/load.ts';
import { checkServer } from '../../../src/config/server-entry.ts';
import { mendDefinition } from '../../../src/mcp/definitions.ts';
import { legacyResultEdits } from '../../../src/mcp/down-convert.ts';
import { memberAt, parseEnvelope } from '../../../src/mcp/envelope.ts';
import { readRequestMeta } from '../../../src/mcp/modern.ts';
import { markedParams } from '../../../src/mcp/modern-headers.ts';
import { olderTool, olderTools } from '../../../src/mcp/older-tools.ts';
import { qualifyNames } from '../../../src/mcp/tool-name.ts';
import { undoBeside } from '../../../src/migrate/change/three-way.ts';
import { unifiedDiff } from '../../../src/migrate/plan/line-diff.ts';
import { isListed } from '../../../src/migrate/programs/managed-lists.ts';
import { readResultBytes } from '../../../src/results/exact-json.ts';
import { follow } from '../../../src/results/result-path.ts';
import { viewResult } from '../../../src/results/result-view.ts';
import { shieldResult } from '../../../src/results/shield.ts';
import { defaultShieldPolicy } from '../../../src/results/shrink.ts';
import { argumentsOf } from '../../../src/search/tool-definition.ts';
import { createToolIndex } from '../../../src/search/tool-index.ts';
import { parseIntroduction } from '../../../src/upstream/handshake.ts';
import { EventStreamParser } from '../../../src/upstream/transports/http/event-stream.ts';
import type { GrowthCase } from './measure.ts';

const ignore = () => {};

/** `input` is made outside of the measured time; `per`: characters or so that one of them stands for. */
function shape<T>(name: string, input: (count: number) => T, work: (input: T) => unknown, per = 8): GrowthCase {
  const prepare = (size: number) => {
    const made = input(Math.ceil(size / per));
    return () => work(made);
  };
  return { name, prepare };
}

const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

/** The members of an object as text: long names, none of them one that is looked for. */
const members = (count: number, name = 'name_of_a_member_') => times(count, (i) => `"${name}${i}":1`).join(',');

function message(result: string) {
  const envelope = parseEnvelope(Buffer.from(`{"jsonrpc":"2.0","id":1,"result":{${result}}}`));
  if (envelope.kind !== 'response') throw new Error('no response');
  return envelope;
}

function request(params: string) {
  const envelope = parseEnvelope(Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{${params}}}`));
  if (envelope.kind !== 'request') throw new Error('no request');
  return envelope;
}

const capabilities = '"io.modelcontextprotocol/protocolVersion":"2026-07-28"';
const introduction = '{"protocolVersion":"2025-11-25"}';

const messages: readonly GrowthCase[] = [
  shape(
    'mcp/envelope with many members',
    (count) => Buffer.from(`{"jsonrpc":"2.0",${members(count)},"id":1,"result":{}}`),
    (line) => parseEnvelope(line),
  ),
  shape(
    'mcp/envelope with many escaped members',
    (count) => Buffer.from(`{"jsonrpc":"2.0",${members(count, '\\u0061_member_')},"id":1,"result":{}}`),
    (line) => parseEnvelope(line),
  ),
  shape(
    'a member of a result with many',
    (count) => message(members(count)),
    ({ line, result }) => memberAt(line, result, ['content', 'text']),
  ),
  shape('mcp/down-convert of many members', (count) => message(members(count)), legacyResultEdits),
  shape(
    'mcp/down-convert of many members that go',
    (count) => message(times(count, () => '"ttlMs":1').join(',')),
    (answer) => splice(answer.line, legacyResultEdits(answer)),
  ),
  shape(
    'mcp/modern of many members',
    (count) => request(`"_meta":{${members(count)},${capabilities}}`),
    readRequestMeta,
  ),
  shape(
    'mcp/older-tools of many tools',
    (count) => Buffer.from(`{"tools":[${times(count, (i) => `{"name":"a${i}","outputSchema":{}}`).join(',')}]}`),
    olderTools,
  ),
  shape(
    'mcp/definitions of a tool with many properties',
    (count) =>
      Buffer.from(
        `{"name":"a","inputSchema":{"type":"object","properties":{${times(count, (i) => `"p${i}":null`).join(',')}}}}`,
      ),
    (raw) => mendDefinition('tools', raw),
  ),
  shape(
    'mcp/definitions of an output schema with many branches',
    (count) =>
      Buffer.from(
        `{"name":"a","inputSchema":{"type":"object"},"outputSchema":{"type":"object","anyOf":[${times(count, (i) => `{"$id":"i${i}","properties":{"p":{"type":"string"}}}`).join(',')}]}}`,
      ),
    (raw) => olderTool(mendDefinition('tools', raw).raw),
  ),
  shape(
    'mcp/modern-headers of many parameters',
    (count) => ({ properties: Object.fromEntries(times(count, (i) => [`p${i}`, { 'x-mcp-header': `a${i}` }])) }),
    markedParams,
    32,
  ),
  shape(
    'base/json-scan of nested arrays',
    (count) => Buffer.from('['.repeat(count) + ']'.repeat(count)),
    (bytes) => arrayElements(bytes, { start: 0, end: bytes.length }),
  ),
  shape(
    'base/json-scan of nested objects',
    (count) => Buffer.from('{"a":'.repeat(count) + 1 + '}'.repeat(count)),
    (bytes) => objectMembers(bytes),
  ),
  shape(
    'base/line-splitter in single bytes',
    (count) => Buffer.alloc(count, 0x61),
    (bytes) => {
      const splitter = new LineSplitter({ maxLineBytes: 50_000, onLine: ignore, onOversize: ignore });
      for (let at = 0; at < bytes.length; at += 1) splitter.push(bytes.subarray(at, at + 1));
    },
    1,
  ),
  shape(
    'upstream/transports/http/event-stream in single bytes',
    (count) => Buffer.from(`data: ${'a'.repeat(count)}`),
    (bytes) => {
      const parser = new EventStreamParser({
        ...{ maxDataBytes: 50_000, onEvent: ignore, onId: ignore, onRetry: ignore, onOversize: ignore },
      });
      for (let at = 0; at < bytes.length; at += 1) parser.push(bytes.subarray(at, at + 1));
    },
    1,
  ),
];

function tools(count: number, name: (i: number) => string) {
  const raw = times(count, (i) => `{"name":${JSON.stringify(name(i))},"inputSchema":{"type":"object"}}`).join(',');
  return parseFace(Buffer.from(`{"introduction":${introduction},"tools":[${raw}]}`), parseIntroduction);
}

const signs = (i: number) => `${'a'.repeat(60)}${' .,;:!?'[i % 7]}${i}`;

const catalogs: readonly GrowthCase[] = [
  shape(
    'catalog/server-face',
    (count) => tools(count, signs),
    (face) => parseFace(serializeFace(face), parseIntroduction),
    32,
  ),
  shape(
    'catalog/joint-list of names that become one',
    (count) => ({ ...tools(count, signs).lists.tools }),
    (listing) => joinLists('tools', [{ slug: 'a', part: 'a', listing, isAlwaysLoaded: true }]),
    32,
  ),
  shape(
    'mcp/tool-name of names that become one',
    (count) => times(count, (i) => `a${'.'.repeat(i % 30)}${' '.repeat(30 - (i % 30))}${i % 30 === 0 ? i : ''}`),
    (names) => qualifyNames('part', names),
  ),
  shape(
    'catalog/catalog with many stars',
    (count) => {
      const { entry } = checkServer('a', { command: 'a', tools: { allow: ['a*'.repeat(count)] } }, '/home/a');
      return { entry, name: `${'a'.repeat(count)}!` };
    },
    ({ entry, name }) => entry && isToolAllowed(entry, name),
    1,
  ),
  shape(
    'migrate/programs/managed-lists with many stars',
    (count) => ({ serverUrl: 'a*'.repeat(count), url: `${'a'.repeat(count)}!` }),
    ({ serverUrl, url }) => isListed([{ serverUrl }], [], { url }),
    1,
  ),
  shape(
    'search/tool-definition with many required',
    (count) => {
      const names = times(count, (i) => `property${i}`);
      const properties = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
      return { name: 'a', inputSchema: { type: 'object', properties, required: names.map((name) => `${name}!`) } };
    },
    argumentsOf,
  ),
  shape(
    'search/tool-index of many tools',
    (count) => times(count, (i) => ({ name: `tool${i}`, description: `aword${i % 999}` })),
    (list) => {
      const index = createToolIndex();
      index.set('a', list);
      return index.search('awored file and bword, cword', { limit: 10 });
    },
    64,
  ),
];

const results: readonly GrowthCase[] = [
  shape(
    'results/exact-json of many members',
    (count) => Buffer.from(`{${members(count)}}`),
    (bytes) => readResultBytes(bytes),
  ),
  shape(
    'results/result-path of many steps',
    (count) => ({ value: JSON.parse(`${'['.repeat(count)}1${']'.repeat(count)}`), path: `$${'[0]'.repeat(count)}` }),
    ({ value, path }) => {
      try {
        return follow(value, path);
      } catch {
        return undefined; // over the limit
      }
    },
  ),
  shape(
    'results/result-view of fields that no row has',
    (count) => ({ structuredContent: times(count, (i) => ({ id: i })) }),
    (value) => {
      try {
        return viewResult(value, { fields: ['a.b', 'c', 'd.e.f'] });
      } catch {
        return undefined; // that is what it says
      }
    },
  ),
  shape(
    'results/shield of many blocks',
    (count) => ({ content: times(count, (i) => ({ type: 'text', text: `{"a":${i}}` })) }),
    (value) => shieldResult(value, defaultShieldPolicy, { put: () => 'a' }),
    32,
  ),
  shape(
    'results/shield of many blocks that repeat a structure',
    (count) => {
      const rows = Object.fromEntries(times(count, (i) => [`key${i}`, { id: i }]));
      const content = times(count, (i) => ({ type: 'text', text: `{"id":${i}}` }));
      return { content, structuredContent: rows };
    },
    (value) => shieldResult(value, defaultShieldPolicy, { put: () => 'a' }),
    64,
  ),
  shape(
    'results/shield of a deep value',
    (count) => ({ structuredContent: JSON.parse(`${'{"a":'.repeat(count)}1${'}'.repeat(count)}`), content: [] }),
    (value) => shieldResult(value, defaultShieldPolicy, { put: () => 'a' }),
    64,
  ),
];

const secrets: readonly GrowthCase[] = [
  shape(
    'base/redact with many values',
    (count) => {
      const redactor = createRedactor();
      for (let i = 0; i < count; i += 1) redactor.add(`value number ${i}`);
      return redactor;
    },
    (redactor) => redactor.redact('value number 7 '.repeat(50)),
    64,
  ),
  shape(
    'base/redact with values in each other',
    (count) => {
      const redactor = createRedactor();
      for (let i = 6; i < 206; i += 1) redactor.add('redacted]['.repeat(40).slice(0, i));
      return { redactor, text: 'redacted]['.repeat(count) };
    },
    ({ redactor, text }) => redactor.redact(text),
    64,
  ),
];

const lines = (count: number, word: string) => times(count, (i) => `${word} ${i}\n`).join('');

const files: readonly GrowthCase[] = [
  shape('config/jsonc of repeated keys', (count) => `{${times(count, () => '"a":\n1').join(',')}}`, parseJsonc),
  shape(
    'config/load of a wrong file',
    (count) => `{"mcpServers":{"a":{"command":"a","args":[${times(count, (i) => i).join(',\n')}]}}}`,
    (text) => parseConfig({ file: 'a', text, env: {} }),
  ),
  shape(
    'config/load of unknown keys',
    (count) => `{"mcpServers":{"a":{"command":"a",${times(count, (i) => `"comand${i}":1`).join(',\n')}}}}`,
    (text) => parseConfig({ file: 'a', text, env: {} }),
    64,
  ),
  shape(
    'migrate/plan/line-diff of other lines',
    (count) => [lines(count, 'a'), lines(count, 'b')] as const,
    ([a, b]) => unifiedDiff(a, b),
  ),
  shape(
    'migrate/change/three-way of lists',
    (count) => {
      const list = (items: string[]) => JSON.stringify({ a: items });
      const was = times(count, (i) => `a${i}`);
      return { before: list(was), after: list(times(count, (i) => `b${i}`)), current: list([...was].reverse()) };
    },
    ({ before, after, current }) => undoBeside({ before, after, current, format: 'jsonc' }),
  ),
];

export const shapeCases: readonly GrowthCase[] = [...messages, ...catalogs, ...results, ...secrets, ...files];
