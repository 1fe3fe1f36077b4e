// What the fleet calls equal. Breaks when a change that a host would notice passes, or a server's own chance counts.
import { describe, expect, it } from 'vitest';
import { qualifyName } from '../../../src/mcp/tool-name.ts';
import { compareAnswers, compareLists } from '../../fleet/compare.ts';
import { memberOf, parseExact, textOf, write } from '../../fleet/exact-text.ts';
import type { Answer } from '../../fleet/host.ts';

const listOf = (...items: string[]): Answer => ({ items: items.map(parseExact) });
const refused = (code: number): Answer => ({ items: [], error: parseExact(`{"code":${code},"message":"no"}`) });
const tool = (name: string, rest = '"inputSchema":{"type":"object"}') => `{"name":"${name}",${rest}}`;
const steady = (direct: Answer, found: Answer) => ({ direct, again: direct, found });
const wheres = (direct: Answer, found: Answer, prefix?: string) =>
  compareLists('tools', steady(direct, found), { prefix }).map(({ where, what }) => `${where}: ${what}`);

/** Too long to be shown whole. */
const long = 'list_directory_with_sizes_of_everything_in_it';

describe('compareLists', () => {
  it('takes definitions that differ in their prefix alone for equal', () => {
    expect(wheres(listOf(tool('a'), tool('b')), listOf(tool('s__a'), tool('s__b')), 's__')).toEqual([]);
  });

  it.each([
    ['a number beyond 2^53', '"x":9223372036854775807', '"x":9223372036854775808'],
    ['a fraction written in another way', '"x":1.0', '"x":1'],
    ['another order of members', '"x":1,"y":2', '"y":2,"x":1'],
    ['a member that is new', '"x":1', '"x":1,"y":null'],
    ['another escape', '"x":"\\u00e4"', '"x":"ä"'],
    ['a name within the definition', '"x":{"name":"a"}', '"x":{"name":"b"}'],
  ])('finds %s', (_, direct, found) => {
    const [difference, ...others] = wheres(listOf(tool('a', direct)), listOf(tool('s__a', found)), 's__');
    expect(difference).toMatch(/^tools a: direct …/);
    expect(others).toEqual([]);
  });

  it('knows a definition whose long name was cut', () => {
    const direct = listOf(tool('list_directory'), tool(long));
    const found = listOf(tool('s__list_directory'), tool(qualifyName('s', long), '"x":1'));
    const [difference, ...others] = wheres(direct, found, 's__');
    expect(difference).toContain(`tools ${long}: direct …`);
    expect(others).toEqual([]);
  });

  it('knows a definition whose name has characters that hosts refuse', () => {
    const direct = listOf(tool('a:deploy', '"x":1'), tool('b:init', '"x":1'));
    const found = listOf(tool(qualifyName('s', 'a:deploy'), '"x":1'), tool(qualifyName('s', 'b:init'), '"x":2'));
    const [difference, ...others] = wheres(direct, found, 's__');
    expect(difference).toMatch(/^tools b:init: direct …/);
    expect(others).toEqual([]);
  });

  it('says why a definition whose name was cut has a title', () => {
    const direct = listOf(tool(long, '"x":1'));
    const found = listOf(tool(qualifyName('s', long), `"x":1,"title":"${long}"`));
    const [difference, ...others] = compareLists('tools', steady(direct, found), { prefix: 's__' });
    expect(difference?.why).toBe('its name cannot be shown whole, so its title says it');
    expect(others).toEqual([]);
  });

  it('takes no name for a cut one that is there as it is', () => {
    const direct = listOf(tool('create_or_update', '"x":1'), tool('create_issue', '"x":2'));
    const found = listOf(tool('s__create_or_update', '"x":1'), tool('s__create_issue', '"x":2'));
    expect(wheres(direct, found, 's__')).toEqual([]);
  });

  it('compares the name too where names are the server’s own', () => {
    expect(wheres(listOf(tool('a')), listOf(tool('s__a')))).toEqual([
      'tools a: is missing',
      'tools s__a: is there, and not direct',
    ]);
  });

  it('finds entries that are missing, more, or in another order', () => {
    const direct = listOf(tool('a'), tool('b'), tool('c'));
    expect(wheres(direct, listOf(tool('b'), tool('a'), tool('d')))).toEqual([
      'tools c: is missing',
      'tools d: is there, and not direct',
      'tools: in another order',
    ]);
  });

  it('finds a list in the place of an error, and an error in the place of a list', () => {
    expect(wheres(refused(-32603), listOf(tool('s__a')), 's__')).toEqual(['tools: 1 entries for an error']);
    expect(wheres(refused(-32603), listOf(), 's__')).toEqual([]);
    expect(wheres(refused(-32603), listOf())).toHaveLength(1);
    expect(wheres(listOf(tool('a')), refused(-32603))).toEqual(['tools: an error: {"code":-32603,"message":"no"}']);
  });

  it('says why a list that a server does not know is empty', () => {
    const [difference] = compareLists('templates', steady(refused(-32601), listOf()), {});
    expect(difference?.why).toBe('a list that the server does not know is an empty one');
  });
});

describe('compareAnswers', () => {
  const answer = (text: string) => listOf(JSON.stringify({ content: [{ type: 'text', text }] }));
  const found = (direct: string, again: string, through: string) =>
    compareAnswers('call', { direct: answer(direct), again: answer(again), found: answer(through) }).length;

  it('leaves out the words in which two direct runs differ, and no other', () => {
    expect(found('at 12:01 pid 17', 'at 12:02 pid 18', 'at 12:09 pid 99')).toBe(0);
    expect(found('at 12:01 pid 17', 'at 12:02 pid 18', 'on 12:09 pid 99')).toBe(1);
    expect(found('pid 17', 'pid 17', 'pid 18')).toBe(1);
  });

  it('takes the same words in an order that differs between two direct runs for equal', () => {
    expect(found('a, b, c', 'b, a, c', 'c, b, a')).toBe(0);
    expect(found('a, b, c', 'b, a, c', 'c, b, d')).toBe(1);
    expect(found('a, b, c', 'a, b, c', 'c, b, a')).toBe(1);
  });

  it('does not take anything for equal because two direct runs have no common order', () => {
    expect(found('one two', 'one', 'something else')).toBe(1);
  });
});

describe('parseExact', () => {
  it('keeps every token as it was written', () => {
    const text = '{"a":[1.0,-0,9007199254740993,"\\ud83d\\u0022",{"b":null}],"c":{},"d":[]}';
    expect(write(parseExact(text))).toBe(text);
    expect(write(parseExact(' { "a" : [ 1.0 ] } '))).toBe('{"a":[1.0]}');
  });

  it('finds members and texts', () => {
    const value = parseExact('{"a":{"name":"q\\"\\u0041"}}');
    expect(textOf(memberOf(value, 'a', 'name'))).toBe('q"A');
    expect(memberOf(value, 'b', 'name')).toBeUndefined();
  });
});
