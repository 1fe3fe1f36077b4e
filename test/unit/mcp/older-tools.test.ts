// A list of tools for programs of the revisions with sessions. Breaks when one of them could refuse it, or when what they
// can read is changed.
import { expect, it } from 'vitest';
import { olderTools } from '../../../src/mcp/older-tools.ts';
import { refusal } from '../../support/strict-programs.ts';

const schema = '"inputSchema":{"type":"object"}';
const list = (...tools: string[]) => Buffer.from(`{"tools":[${tools.join(', ')}],"nextCursor":"c"}`);

it('keeps the output schemas that describe objects, and leaves the list as it is where all of them do', () => {
  const good = `{"name":"a",${schema},"outputSchema":{"type":"object"} ,"x":1.50}`;
  const bare = '{"name":"b","inputSchema":{"type":"object","properties":{"outputSchema":{"type":"array"}}}}';
  const odd = [
    `{"outputSchema":{"type":"array"},"name":"c",${schema}}`,
    `{"name":"d",${schema},"outputSchema":{}}`,
    `{"name":"e",${schema},"outputSchema":true}`,
  ];
  const shown = ['c', 'd', 'e'].map((name) => `{"name":"${name}",${schema}}`);
  expect(olderTools(list(good, bare, ...odd)).toString()).toBe(list(good, bare, ...shown).toString());
  const untouched = list(good, bare);
  expect(olderTools(untouched)).toBe(untouched);
});

it('leaves an id to the first schema that has it: a program compiles all of them with one validator', () => {
  const tool = (name: string, output: string) =>
    `{"name":"${name}",${schema},"outputSchema":{"type":"object",${output}}}`;
  const named = '"$id":"https://example.com/item","properties":{"a":{"type":"string"}}';
  const other = '"properties":{"a":{"$id":"https://example.com/item","type":"number"}}';
  const given = [tool('one', named), tool('same', named), tool('other', other), tool('free', '"$id":"free"')];
  expect(refusal('tools', 'older', list(...given).toString())).toContain('resolves to more than one schema');
  const shown = olderTools(list(...given)).toString();
  expect(shown).toBe(
    list(
      tool('one', named),
      tool('same', named),
      `{"name":"other",${schema}}`,
      tool('free', '"$id":"free"'),
    ).toString(),
  );
  expect(refusal('tools', 'older', shown)).toBeUndefined();
});
