// Functions that read one text of others: a server's output and definitions, a repository's files, a model's arguments.
import { cutChars, joinNames, lastChars } from '../../../src/base/cut-text.ts';
import { LineSplitter } from '../../../src/base/line-splitter.ts';
import { closed, plainLine, plainText, visible, visibleJson, withoutSequences } from '../../../src/base/plain-text.ts';
import { createRedactor } from '../../../src/base/redact.ts';
import { templateMatcher } from '../../../src/calls/uri-template.ts';
import { adaptHint } from '../../../src/cli/invocation.ts';
import { logLine } from '../../../src/cli/render/log-line.ts';
import { plain } from '../../../src/cli/render/style.ts';
import { cutText, wrapText } from '../../../src/cli/render/text-width.ts';
import { parseEnvFile } from '../../../src/config/env-file.ts';
import { parseJsonc } from '../../../src/config/jsonc.ts';
import { launchNames } from '../../../src/config/launch-names.ts';
import { nearest } from '../../../src/config/problems.ts';
import { argumentSecrets, headerSecrets, isSecret, urlSecrets } from '../../../src/config/secrets.ts';
import { checkServer } from '../../../src/config/server-entry.ts';
import { serverSlug } from '../../../src/config/server-name.ts';
import { templateParts } from '../../../src/config/template.ts';
import { acceptsOf } from '../../../src/daemon/mcp-http/http-reply.ts';
import { parseEventId } from '../../../src/daemon/mcp-http/message-stream.ts';
import { createStateSigner } from '../../../src/daemon/mcp-http/request-state.ts';
import { parseEnvelope } from '../../../src/mcp/envelope.ts';
import { endsOf, readEnds } from '../../../src/mcp/envelope-ends.ts';
import { joinInstructions } from '../../../src/mcp/face.ts';
import { headerValue } from '../../../src/mcp/modern-headers.ts';
import { qualifyNames } from '../../../src/mcp/tool-name.ts';
import { readToolNames } from '../../../src/migrate/documents/front-matter.ts';
import { readJsonc } from '../../../src/migrate/documents/jsonc-document.ts';
import { readToml, tomlLines } from '../../../src/migrate/documents/toml-document.ts';
import { plainName } from '../../../src/migrate/plan/choose-name.ts';
import { createHide } from '../../../src/migrate/plan/hide-secrets.ts';
import { launchPattern } from '../../../src/migrate/plan/launch-match.ts';
import { linesOf, unifiedDiff } from '../../../src/migrate/plan/line-diff.ts';
import { translateMatcher, translateRule } from '../../../src/migrate/plan/translate-rule.ts';
import { readEntry } from '../../../src/migrate/programs/entry-codecs.ts';
import { parseExact } from '../../../src/results/exact-json.ts';
import { follow } from '../../../src/results/result-path.ts';
import { findHits, isMatch } from '../../../src/results/result-search.ts';
import { shieldResult } from '../../../src/results/shield.ts';
import { defaultShieldPolicy } from '../../../src/results/shrink.ts';
import { shortLine } from '../../../src/search/tool-definition.ts';
import { createToolIndex } from '../../../src/search/tool-index.ts';
import { singleClientEvidence } from '../../../src/upstream/hazards.ts';
import { createStderrSink } from '../../../src/upstream/process/stderr-sink.ts';
import { EventStreamParser } from '../../../src/upstream/transports/http/event-stream.ts';
import { speaksOtherEra } from '../../../src/upstream/transports/http/http-refusal.ts';
import { handOut } from '../../../src/upstream/transports/message-lines.ts';

export type TextWork = (text: string) => unknown;

const ignore = () => {};
const redactor = createRedactor();
for (const value of ['correct horse', 'correct horse battery', 'aaaaaaaa', 'eyJeyJeyJ']) redactor.add(value);
const hide = createHide([{ command: 'x', env: { API_KEY: 'aaaaaaaa', TOKEN: 'tokentoken' } }]);
const moved = { prefixes: ['mcp__a'], part: 'a' };
const signer = createStateSigner();
const isFrom = (template: string, uri: string) => templateMatcher(uri)(template, 'a');
const request = (accept: string) => ({ headers: { accept } }) as Parameters<typeof acceptsOf>[0];

function stderr(text: string): void {
  const file = { write: ignore, close: ignore };
  const sink = createStderrSink({ file, redact: redactor.redact, label: 'a', now: () => 0 });
  for (let at = 0; at < text.length; at += 65_536) sink.write(Buffer.from(text.slice(at, at + 65_536)));
  sink.tail();
}

/** In the smallest pieces that a connection may bring. */
function inPieces(text: string, push: (chunk: Buffer) => void): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 16) push(bytes.subarray(at, at + 16));
}

function eventStream(text: string): void {
  const parser = new EventStreamParser({
    ...{ maxDataBytes: 1_000_000, onEvent: ignore, onId: ignore, onRetry: ignore, onOversize: ignore },
  });
  parser.push(Buffer.from(text));
  inPieces(text, (chunk) => parser.push(chunk));
}

function lines(text: string): void {
  const splitter = new LineSplitter({ maxLineBytes: 100_000, onLine: parseEnvelope, onOversize: readEnds });
  splitter.push(Buffer.from(text));
  inPieces(text, (chunk) => splitter.push(chunk));
  splitter.end();
}

const index = createToolIndex();
index.set('b', [{ name: 'read_file', description: 'Reads a file' }]);

function indexed(text: string): unknown {
  const inputSchema = { type: 'object', properties: { [text]: { type: 'string', description: text } } };
  index.set('a', [{ name: text, title: text, description: text, inputSchema }], text, [text]);
  return index.search('read a file', { limit: 10 });
}

/** What a path leads to, or why it leads nowhere. */
function tried(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error instanceof Error ? error.message : error;
  }
}

const result = { structuredContent: { rows: [{ id: 1, name: 'a' }] }, content: [] };

export const textWork: Readonly<Record<string, TextWork>> = {
  'base/redact': redactor.redact,
  'mcp/envelope-ends': (text) => readEnds(endsOf(Buffer.from(text))),
  'base/line-splitter, mcp/envelope': lines,
  'upstream/process/stderr-sink': stderr,
  'upstream/hazards': (text) => singleClientEvidence(new Error(text)),
  'upstream/transports/http/event-stream': eventStream,
  'upstream/transports/http/http-refusal': (text) => speaksOtherEra(text, '2026-07-28'),
  'upstream/transports/message-lines': (text) => handOut(Buffer.from(text), { onMessage: ignore, onGarbage: ignore }),
  'mcp/envelope': (text) => parseEnvelope(Buffer.from(`{"jsonrpc":"2.0","id":1,"result":${JSON.stringify(text)}}`)),
  'mcp/envelope of no message': (text) => parseEnvelope(Buffer.from(text)),
  'mcp/modern-headers': headerValue,
  'mcp/face': (text) => joinInstructions(text, [{ name: text, text }]),
  'calls/uri-template as the template': (text) => isFrom(text, 'file:///a/b/c!'),
  'calls/uri-template as the URI': (text) => isFrom('{+a}a{b}/{c}{+d}x', text),
  'calls/uri-template as both': (text) => isFrom(text, text),
  'calls/uri-template with expressions': (text) => isFrom(`{+a}${text.replaceAll('a', '{a}')}`, text),
  'config/template': templateParts,
  'config/env-file': (text) => parseEnvFile(`A=${text}\n${text}`),
  'config/jsonc': (text) => parseJsonc(text),
  'config/jsonc, a text': (text) => parseJsonc(JSON.stringify({ [text]: text })),
  'config/launch-names, npx': (text) => launchNames('npx', ['-y', text]),
  'config/launch-names, npx of git': (text) => launchNames('npx', ['-y', `git+${text}`]),
  'config/launch-names, docker': (text) => launchNames('docker', ['run', text]),
  'config/launch-names, node': (text) => launchNames(`${text}node`, [text]),
  'config/problems': (text) => nearest(text, ['command', 'args', text.slice(0, 9)]),
  'mcp/tool-name': (text) => qualifyNames('part', [text, `${text}a`, text.slice(1)]),
  'config/secrets, a value': (text) => [isSecret('NAME', text), headerSecrets('x-a', text)],
  'config/secrets, an argument': (text) => argumentSecrets([text, text]),
  'config/secrets, a URL': (text) => urlSecrets(`http://a/?${text}`),
  'config/server-entry': (text) => checkServer('a', { url: text, projects: [text], headers: { a: text } }, '/home/a'),
  'config/server-entry, a command': (text) => checkServer('a', { command: text, args: [text], cwd: text }, '/home/a'),
  'config/server-name': serverSlug,
  'daemon/mcp-http/message-stream': parseEventId,
  'daemon/mcp-http/request-state': (text) => signer.verify(`aitkit1.${text}`, 'a'),
  'daemon/mcp-http/http-reply': (text) => acceptsOf(request(text)),
  'results/exact-json': (text) => parseExact(JSON.stringify([text, text, 1.5])),
  'results/exact-json with a number': (text) => parseExact(`[12345678901234567890,${JSON.stringify(text)}]`),
  'results/result-path as the path': (text) => tried(() => follow({ a: [1] }, text)),
  'results/result-path as a key': (text) => tried(() => follow({ a: [1] }, `$[${JSON.stringify(text)}]`)),
  'results/result-search of what it is made of': (text) =>
    findHits(text, '$', { search: [...text.slice(0, 2)].join(''), context: 40 }),
  'results/result-search in the text': (text) => findHits(text, '$', { search: 'aab', context: 200 }),
  'results/result-search of a row': (text) => isMatch([text], 'aab'),
  'search/tool-index, a request': (text) => index.search(text, { limit: 10 }),
  'search/tool-index, a definition': indexed,
  'results/shield': (text) => {
    const content = [{ type: 'text', text }];
    return shieldResult({ ...result, content }, defaultShieldPolicy, { put: () => 'a' });
  },
  'results/shield of a structure': (text) => {
    return shieldResult({ content: [], structuredContent: { [text]: [text] } }, defaultShieldPolicy, {
      put: () => 'a',
    });
  },
  'search/tool-definition': (text) => shortLine(text, 80),
  'migrate/plan/choose-name': plainName,
  'migrate/documents/front-matter': (text) => readToolNames(`---\ntools: ${text}\n${text}\n---\n`),
  'migrate/documents/jsonc-document': readJsonc,
  'migrate/documents/toml-document': readToml,
  'migrate/documents/toml-document, a text': (text) => tomlLines(`a = ${JSON.stringify(text)}\n`)(['a']),
  'migrate/programs/entry-codecs': (text) => readEntry('claude-code', { command: text, args: [text] }),
  'migrate/programs/entry-codecs of vscode': (text) => readEntry('vscode', { command: text, args: [text] }),
  'base/plain-text': (text) => [
    visible(text),
    plainLine(text),
    plainText(text),
    visibleJson(text),
    withoutSequences(text),
  ],
  'base/plain-text closed': closed,
  'base/cut-text': (text) => [cutChars(text, 80), lastChars(text, 80), joinNames([text])],
  'migrate/plan/hide-secrets': hide,
  'migrate/plan/launch-match': (text) => launchPattern({ command: text, args: [text] }).matches([text, text]),
  'migrate/plan/line-diff': (text) => [linesOf(text).length, unifiedDiff(`a\n${text}`, `${text}\nb`).length],
  'migrate/plan/translate-rule': (text) => [translateRule(`mcp__a__${text}`, moved), translateRule(text, moved)],
  // A repository's pattern may do as it likes inside its time: short here, so that what is measured is ours.
  // No time for the pattern itself: how soon its watch stops it depends on the machine, and a test of its own sees that.
  'migrate/plan/translate-rule, a matcher': (text) => [
    ...[text, `mcp__a${text}`, `mcp__a__${text}`].map((matcher) => translateMatcher(matcher, moved, { leftMs: 0 })),
  ],
  'cli/render/text-width': (text) => cutText(text, 80, 'start'),
  'cli/render/text-width, wrapped': (text) => wrapText(text, 80),
  'cli/render/log-line': (text) => logLine(JSON.stringify({ event: text, what: text }), plain),
  'cli/invocation': (text) => adaptHint(text, '/mcp-proxy', ['status', 'logs']),
};
