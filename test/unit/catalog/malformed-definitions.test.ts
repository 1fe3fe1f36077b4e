// Definitions that strict programs refuse a whole list for. Breaks when one of them reaches a list, when one that is right
// changes by a byte, or when what is wrong is not named.
import { describe, expect, it } from 'vitest';
import type { ListName } from '../../../src/mcp/lists.ts';
import { listingOf, servedList } from '../../support/served-lists.ts';
import { refusal } from '../../support/strict-programs.ts';

const good: Record<ListName, string> = {
  tools:
    '{ "name":"good", "title":"Good" ,"inputSchema":{"type":"object","properties":{"a":{"maximum":12345678901234567890}},"required":["a"]},"x":1.50,"outputSchema":{"type":"object"},"annotations":{"readOnlyHint":true,"x":null} }',
  prompts: '{"name":"good","arguments":[{"name":"a","required":true,"x":null}],"x":1.50}',
  resources:
    '{"uri":"file:///good","name":"good","size":3,"annotations":{"audience":["user"],"priority":0.5,"lastModified":"2025-01-12T15:00:58Z"},"x":1.50}',
  resourceTemplates: '{"uriTemplate":"file:///{good}","name":"good","mimeType":"text/plain","x":1.50}',
};

const schema = '"inputSchema":{"type":"object"}';
const tool = (members: string) => `{"name":"t",${members}}`;
const input = (members: string) => tool(`"inputSchema":{"type":"object",${members}}`);
const output = (members: string) => tool(`${schema},"outputSchema":{${members}}`);
const prompt = (members: string) => `{"name":"p",${members}}`;
const resource = (members: string) => `{"uri":"x://r","name":"r",${members}}`;
const icons = (icon: string) => tool(`${schema},"icons":[${icon}]`);

type Case = [list: ListName, written: string, served: string | undefined, what: RegExp];
/** What is served to a program of 2025-11-25; undefined: it is left out. */
const cases: Case[] = [
  // No schema, or one that says nothing.
  ['tools', '{"name":"t"}', tool(schema), /^inputSchema is missing$/],
  ['tools', tool('"inputSchema":null'), tool(schema), /^inputSchema is null, not an object$/],
  ['tools', tool('"inputSchema":{}'), tool(schema), /^inputSchema.type is missing$/],
  ['tools', tool('"inputSchema":{ }'), tool(schema), /^inputSchema.type is missing$/],
  ['tools', tool('"inputSchema":[]'), tool(schema), /^inputSchema is an array/],
  ['tools', tool('"inputSchema":true'), tool(schema), /^inputSchema is true or false/],
  ['tools', tool('"inputSchema":""'), tool(schema), /^inputSchema is text/],
  ['tools', tool('"inputSchema":{"x":1}'), tool('"inputSchema":{"x":1,"type":"object"}'), /type is missing/],
  ['tools', tool('"inputSchema":{"type":null,"x":1}'), tool('"inputSchema":{"type":"object","x":1}'), /type is null/],
  ['tools', tool('"inputSchema":{"type":["object"]}'), tool(schema), /type is an array, not text/],
  ['tools', tool('"inputSchema":{"type":["object","null"]}'), tool(schema), /type is an array/],
  ['tools', tool('"inputSchema":{"type":"OBJECT"}'), tool(schema), /type is "OBJECT", not "object"/],
  [
    'tools',
    tool('"inputSchema":{"anyOf":[{}]}'),
    tool('"inputSchema":{"anyOf":[{}],"type":"object"}'),
    /type is missing/,
  ],
  // One that no call can satisfy, or that nobody can read.
  ['tools', tool('"inputSchema":{"type":"string"}'), undefined, /^inputSchema.type is "string", not "object"$/],
  ['tools', tool('"inputSchema":{"type":["string"]}'), undefined, /^inputSchema.type is an array/],
  ['tools', tool('"inputSchema":{"type":5}'), undefined, /^inputSchema.type is a number/],
  ['tools', tool('"inputSchema":false'), undefined, /^inputSchema is true or false/],
  ['tools', tool('"inputSchema":"{}"'), undefined, /^inputSchema is text/],
  ['tools', tool('"inputSchema":[{"type":"object"}]'), undefined, /^inputSchema is an array/],
  ['tools', tool('"inputSchema":5'), undefined, /^inputSchema is a number/],
  ['tools', input('"properties":["a"]'), undefined, /^inputSchema.properties is an array/],
  ['tools', input('"properties":"a"'), undefined, /^inputSchema.properties is text/],
  // Empty members of it, and members of the wrong kind that only restrict.
  ['tools', input('"properties":null'), tool(schema), /^inputSchema.properties is null/],
  ['tools', input('"properties":[]'), tool(schema), /^inputSchema.properties is an array/],
  ['tools', input('"required":null,"properties":{}'), input('"properties":{}'), /^inputSchema.required is null/],
  ['tools', input('"required":"a"'), tool(schema), /^inputSchema.required is text/],
  ['tools', input('"required":true'), tool(schema), /^inputSchema.required is true or false/],
  [
    'tools',
    input('"required":["a",null, 5,"b"]'),
    input('"required":["a","b"]'),
    /required\[1\] is null.*required\[2\]/,
  ],
  ['tools', input('"required":[1]'), tool(schema), /^inputSchema.required\[0\] is a number/],
  ['tools', input('"required":[]'), input('"required":[]'), /^$/],
  ['tools', input('"$schema":5'), tool(schema), /^inputSchema.\$schema is a number/],
  ['tools', input('"properties":{"a":null}'), input('"properties":{"a":{}}'), /^inputSchema.properties.a is null/],
  ['tools', input('"properties":{"a":"text"}'), input('"properties":{"a":{}}'), /properties.a is text/],
  ['tools', input('"properties":{"a":[]}'), input('"properties":{"a":{}}'), /properties.a is an array/],
  ['tools', input('"properties":{"a":true}'), input('"properties":{"a":{}}'), /properties.a is true or false/],
  ['tools', input('"properties":{"a":false}'), input('"properties":{"a":{"not":{}}}'), /properties.a is true or false/],
  // Members that are not needed.
  ['tools', tool(`"title":null,"description":null,${schema}`), tool(schema), /title is null.*description is null/],
  ['tools', tool(`"description":5,${schema}`), tool(schema), /^description is a number, not text$/],
  ['tools', tool(`${schema},"description":["a"]`), tool(schema), /^description is an array/],
  ['tools', tool(`${schema},"annotations":"text"`), tool(schema), /^annotations is text, not an object$/],
  ['tools', tool(`${schema},"annotations":[]`), tool(schema), /^annotations is an array/],
  [
    'tools',
    tool(`${schema},"annotations":{"readOnlyHint":"true","title":"A"}`),
    tool(`${schema},"annotations":{"title":"A"}`),
    /^annotations.readOnlyHint is text, not true or false$/,
  ],
  ['tools', tool(`${schema},"annotations":{"title":null}`), tool(`${schema},"annotations":{}`), /annotations.title/],
  ['tools', tool(`${schema},"_meta":null`), tool(schema), /^_meta is null/],
  ['tools', tool(`${schema},"_meta":[]`), tool(schema), /^_meta is an array/],
  ['tools', tool(`${schema},"icons":null`), tool(schema), /^icons is null/],
  ['tools', icons('{"src":1}'), tool(schema), /^icons\[0\].src is a number/],
  ['tools', icons('{"src":"a"},{}'), icons('{"src":"a"}'), /^icons\[1\].src is missing/],
  ['tools', icons('{"src":"a","sizes":"any","theme":"blue"}'), icons('{"src":"a"}'), /sizes is text.*theme is "blue"/],
  ['tools', tool(`${schema},"execution":null`), tool(schema), /^execution is null/],
  ['tools', tool(`${schema},"execution":{"taskSupport":"maybe"}`), tool(`${schema},"execution":{}`), /"maybe"/],
  // What describes results: without it, every result is right.
  ['tools', tool(`${schema},"outputSchema":null`), tool(schema), /^outputSchema is null/],
  ['tools', tool(`${schema},"outputSchema":true`), tool(schema), /^outputSchema is true or false/],
  ['tools', output(''), tool(schema), /^outputSchema.type is missing/],
  ['tools', output('"type":"array"'), tool(schema), /^outputSchema.type is "array"/],
  ['tools', output('"type":["object","null"]'), tool(schema), /^outputSchema.type is an array/],
  ['tools', output('"type":"object","properties":null'), output('"type":"object"'), /^outputSchema.properties is null/],
  ['tools', output('"type":"object","required":null'), output('"type":"object"'), /^outputSchema.required is null/],
  ['tools', output('"type":"object","properties":{"a":{"$ref":"#/x"}}'), tool(schema), /\$ref to "#\/x"/],
  ['tools', output('"type":"object","properties":{"a":{"type":"text"}}'), tool(schema), /"text" for type/],
  ['tools', output('"type":"object","properties":{"a":{"properties":{"b":null}}}'), tool(schema), /null for a schema/],
  ['tools', output('"type":"object","properties":{"a":{"pattern":"["}}'), tool(schema), /pattern that is none/],
  // A name.
  ['tools', `{${schema}}`, undefined, /^name is missing$/],
  ['tools', `{"name":5,${schema}}`, undefined, /^name is a number/],
  ['tools', `{"name":null,${schema}}`, undefined, /^name is null/],
  ['tools', 'null', undefined, /^it is null, not an object$/],
  ['tools', '[]', undefined, /^it is an array/],
  ['tools', '"t"', undefined, /^it is text/],
  // The same member twice: programs read the last, or refuse both.
  ['tools', `{"name":"s","name":"t",${schema}}`, tool(schema), /^name stands there 2 times$/],
  ['tools', tool(`${schema},"inputSchema":null`), tool(schema), /inputSchema stands there 2 times/],
  // What other parsers refuse a whole line for.
  ['tools', tool(`"description":"cut \\ud83d",${schema}`), tool(`"description":"cut \\ufffd",${schema}`), /half/],
  [
    'tools',
    tool(`"description":"\\ude00\\ud83d\\ude00",${schema}`),
    tool(`"description":"\\ufffd\\ud83d\\ude00",${schema}`),
    /half/,
  ],
  ['tools', tool(`"description":"\\\\ud83d",${schema}`), tool(`"description":"\\\\ud83d",${schema}`), /^$/],
  ['tools', tool(`${schema},"x":${'['.repeat(101)}${']'.repeat(101)}`), undefined, /nested/],
  [
    'tools',
    input('"properties":{"a":{"maximum":1e999,"minimum":-1e999}},"x":1e999'),
    input(`"properties":{"a":{"maximum":${Number.MAX_VALUE},"minimum":${-Number.MAX_VALUE}}},"x":1e999`),
    /too large/,
  ],
  // Prompts.
  ['prompts', prompt('"arguments":null'), '{"name":"p"}', /^arguments is null/],
  ['prompts', prompt('"arguments":{}'), '{"name":"p"}', /^arguments is an object/],
  ['prompts', prompt('"arguments":{"a":"text"}'), undefined, /^arguments is an object/],
  ['prompts', prompt('"arguments":["a"]'), undefined, /^arguments\[0\] is text/],
  [
    'prompts',
    prompt('"arguments":[{"name":"a","required":"yes","description":null}]'),
    prompt('"arguments":[{"name":"a"}]'),
    /required is text/,
  ],
  [
    'prompts',
    prompt('"arguments":[{"name":"a"},{"name":null}]'),
    prompt('"arguments":[{"name":"a"}]'),
    /arguments\[1\].name is null/,
  ],
  [
    'prompts',
    prompt('"description":null,"title":7,"icons":{},"_meta":"x"'),
    '{"name":"p"}',
    /title is a number.*and more$/,
  ],
  ['prompts', '{"description":"d"}', undefined, /^name is missing/],
  // Resources.
  ['resources', '{"uri":"x://r"}', '{"uri":"x://r","name":"x://r"}', /^name is missing$/],
  ['resources', '{"name":null,"uri":"x://r"}', '{"name":"x://r","uri":"x://r"}', /^name is null/],
  ['resources', '{"name":"r"}', undefined, /^uri is missing/],
  ['resources', '{"name":"r","uri":null}', undefined, /^uri is null/],
  [
    'resources',
    resource('"mimeType":null,"description":null,"size":null'),
    '{"uri":"x://r","name":"r"}',
    /size is null/,
  ],
  ['resources', resource('"size":"12"'), '{"uri":"x://r","name":"r"}', /^size is text/],
  ['resources', resource('"size":-1'), '{"uri":"x://r","name":"r"}', /^size is -1/],
  ['resources', resource('"size":3.0'), resource('"size":3'), /^size is 3.0/],
  ['resources', resource('"size":1e3'), resource('"size":1000'), /^size is 1e3/],
  ['resources', resource('"size":1.5'), '{"uri":"x://r","name":"r"}', /^size is 1.5, not a number of bytes/],
  ['resources', resource('"size":1e999'), '{"uri":"x://r","name":"r"}', /^size is 1e999/],
  [
    'resources',
    resource('"annotations":{"audience":["bot"],"priority":2,"lastModified":"yesterday"}'),
    resource('"annotations":{}'),
    /audience\[0\] is "bot".*priority is 2.*lastModified is "yesterday"/,
  ],
  [
    'resources',
    resource('"annotations":{"audience":["user","bot"]}'),
    resource('"annotations":{"audience":["user"]}'),
    /audience\[1\]/,
  ],
  ['resources', resource('"annotations":{"audience":"user"}'), resource('"annotations":{}'), /audience is text/],
  ['resources', resource('"annotations":null'), '{"uri":"x://r","name":"r"}', /^annotations is null/],
  ['resourceTemplates', '{"uriTemplate":"x://{r}"}', '{"uriTemplate":"x://{r}","name":"x://{r}"}', /^name is missing$/],
  ['resourceTemplates', '{"name":"r"}', undefined, /^uriTemplate is missing/],
  [
    'resourceTemplates',
    '{"uriTemplate":"x://{r}","name":"r","mimeType":5}',
    '{"uriTemplate":"x://{r}","name":"r"}',
    /mimeType/,
  ],
];

const alone = { family: 'older', part: () => undefined } as const;
const resultOf = (list: ListName, ...definitions: string[]) => `{"${list}":[${definitions.join(',')}]}`;

describe('a definition that strict programs refuse a whole list for', () => {
  it.each(cases)('%s %s', (list, written, served, what) => {
    const other = good[list].replace(/good/g, 'other');
    const listing = listingOf(list, [good[list], written, other]);
    const shown = served === undefined ? [] : [served];
    expect(servedList(list, { one: listing }, alone)).toBe(resultOf(list, good[list], ...shown, other));
    const [fault] = listing.faults ?? [];
    expect([fault?.what, fault?.olderWhat].filter(Boolean).join('; ')).toMatch(what);
    expect(fault?.isLeftOut ?? false).toBe(served === undefined);
    for (const family of ['older', 'newer'] as const) {
      const text = servedList(list, { bad: listing, fine: listingOf(list, [good[list]]) }, { family });
      expect(refusal(list, family, text)).toBeUndefined();
    }
  });
});
