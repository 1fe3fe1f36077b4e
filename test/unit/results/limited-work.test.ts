// Schemas of servers: checked in a thread that is ended when its time is up, so that none holds the calls of others.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { shortenAnswer } from '../../../src/gateway/shorten.ts';
import { createArgumentCheck } from '../../../src/gateway/tools/call-arguments.ts';
import { parseEnvelope } from '../../../src/mcp/envelope.ts';
import { structureRule } from '../../../src/results/compile-schema.ts';
import { createHeavyWork } from '../../../src/results/heavy-work.ts';
import { LimitedWork } from '../../../src/results/limited-work.ts';
import { ResultStore } from '../../../src/results/result-store.ts';
import { defaultShieldPolicy } from '../../../src/results/shrink.ts';
import { threadProgram } from '../../support/thread-program.ts';

let program = '';
let limited: LimitedWork;
beforeAll(async () => {
  program = await threadProgram();
  limited = new LimitedWork(program);
});
afterAll(() => limited.close());

/** Longer than the world exists, for a backtracking engine. */
const endless = { pattern: '^(a+)+$', value: `${'a'.repeat(60)}!` };
const toolWith = (pattern: string) => ({
  name: 'tool',
  inputSchema: { type: 'object', properties: { text: { type: 'string', pattern }, n: { type: 'integer' } } },
});

it('says what is wrong by a pattern as by everything else', async () => {
  const check = createArgumentCheck(limited);
  expect(await check(toolWith('^[a-f]+$'), { text: 'xyz', n: 'one' })).toEqual([
    'text must match pattern "^[a-f]+$"',
    'n must be integer',
  ]);
  expect(await check(toolWith('^[a-f]+$'), { text: 'abc' })).toEqual([]);
});

it('gives up on a pattern without end, holds nobody meanwhile and says nothing false', async () => {
  const check = createArgumentCheck(limited);
  let beats = 0;
  const beat = setInterval(() => {
    beats += 1;
  }, 10);
  const wrong = check(toolWith(endless.pattern), { text: endless.value, n: 'one' });
  const next = check(toolWith('^b+$'), { text: 'a' });
  expect(await wrong).toEqual([]);
  expect(await next).toEqual(['text must match pattern "^b+$"']);
  clearInterval(beat);
  // None while one thread did it all.
  expect(beats).toBeGreaterThan(1);
});

it('gives up on references that double at each step', async () => {
  const check = createArgumentCheck(limited);
  const doubled = (step: number) => ({ allOf: [{ $ref: `#/$defs/a${step - 1}` }, { $ref: `#/$defs/a${step - 1}` }] });
  const defs = (steps: number) => ({
    a0: { properties: { n: { type: 'integer' } } },
    ...Object.fromEntries(Array.from({ length: steps }, (_, i) => [`a${i + 1}`, doubled(i + 1)])),
  });
  const tool = (steps: number) => ({
    name: 'tool',
    inputSchema: { type: 'object', $defs: defs(steps), $ref: `#/$defs/a${steps}` },
  });
  expect(await check(tool(1), { n: 'one' })).toContain('n must be integer');
  expect(await check(tool(60), { n: 'one' })).toEqual([]);
});

it('leaves a structure whole whose pattern has no end, and shortens the text beside it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'limited-'));
  const store = new ResultStore({ now: Date.now, spillFolder: join(folder, 'spill') });
  const shorten = async (pattern: string, cell: string) => {
    const outputSchema = {
      type: 'object',
      properties: { rows: { type: 'array', items: { type: 'string', pattern } } },
    };
    const structuredContent = { rows: Array.from({ length: 200 }, () => cell) };
    const result = { content: [{ type: 'text', text: 'line\n'.repeat(40_000) }], structuredContent };
    const envelope = parseEnvelope(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, result })));
    if (envelope.kind !== 'response') throw new Error('not a response');
    const rule = () => structureRule(outputSchema);
    const deps = { store, heavy: createHeavyWork(''), limited };
    return shortenAnswer(deps, 'me', { envelope, policy: defaultShieldPolicy, rule });
  };
  expect(await shorten('^[a-z]+$', 'abc')).toMatchObject({ structuredContent: { rows: { length: 50 } } });
  const left = await shorten(endless.pattern, endless.value);
  expect(JSON.stringify(left)).toContain('Result shortened');
  expect(left).not.toMatchObject({ structuredContent: { rows: { length: 50 } } });
  store.close();
  rmSync(folder, { recursive: true, force: true });
});
