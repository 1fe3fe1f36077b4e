// Definitions are read in the thread that serves everybody: what a hostile server writes must not hold it for longer than
// its length.
import { expect, it } from 'vitest';
import { mendDefinition } from '../../../src/mcp/definitions.ts';
import { olderTool } from '../../../src/mcp/older-tools.ts';

const many = (count: number, one: (i: number) => string) => Array.from({ length: count }, (_, i) => one(i)).join(',');
const input = (members: string) => `{"name":"t","inputSchema":{"type":"object",${members}}}`;
const output = (members: string) =>
  `{"name":"t","inputSchema":{"type":"object"},"outputSchema":{"type":"object",${members}}}`;
const hostile: Record<string, (count: number) => string> = {
  'wrong properties': (n) => input(`"properties":{${many(n, (i) => `"p${i}":null`)}}`),
  'wrong names of required ones': (n) => input(`"required":["a",${many(n, () => 'null')}]`),
  'the same member again and again': (n) => `{${many(n, () => '"name":"t"')}}`,
  'members nobody knows': (n) => `{"name":"t",${many(n, (i) => `"x${i}":1`)}}`,
  'wrong icons': (n) => `{"name":"t","icons":[{"src":"a"},${many(n, () => '{"src":1}')}]}`,
  backslashes: (n) => `{"name":"t","description":"${'\\\\'.repeat(n)}\\ud83d"}`,
  'halves of characters': (n) => `{"name":"t","description":"${'\\ud83d'.repeat(n)}"}`,
  'numbers that are too large': (n) => input(`"properties":{"a":{"enum":[${many(n, () => '1e999')}]}}`),
  'one long number': (n) => input(`"properties":{"a":{"maximum":${'9'.repeat(n)}}}`),
  'wide and deep': (n) => `{"name":"t","x":${'['.repeat(95)}${many(n, () => '[]')}${']'.repeat(95)}}`,
  references: (n) =>
    output(
      `"properties":{${many(n, (i) => `"p${i}":{"$ref":"#/$defs/x0"}`)}},"$defs":{${many(n, (i) => `"x${i}":{"$ref":"#/$defs/x${i + 1}"}`)}}`,
    ),
  anchors: (n) =>
    output(
      `"$defs":{${many(n, (i) => `"x${i}":{"$anchor":"a${i}"}`)}},"properties":{${many(n, (i) => `"p${i}":{"$ref":"#a${i}"}`)}}`,
    ),
  'long references': (n) =>
    output(`"properties":{${many(100, (i) => `"p${i}":{"$ref":"#${'/a'.repeat(n / 10)}${i}"}`)}}`),
  patterns: (n) => output(`"properties":{"a":{"pattern":"${'(a'.repeat(n)}"}}`),
};

/** Of the processor, in ms: the machine may have other work. */
function workOf(text: string): number {
  const raw = Buffer.from(text);
  const since = process.cpuUsage();
  olderTool(mendDefinition('tools', raw).raw);
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000;
}

it.each(Object.entries(hostile))('%s take time in proportion', (_what, make) => {
  const [small, large] = [make(1_000), make(16_000)];
  workOf(small);
  const least = (text: string) => Math.min(...Array.from({ length: 3 }, () => workOf(text)));
  // Sixteen times the text; work in its square would be 256 times as much.
  expect(least(large)).toBeLessThan(80 * Math.max(least(small), 1));
});
