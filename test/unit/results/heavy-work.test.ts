// Work on large results in a thread: the same outcome as without one, errors with their code, and no result lost with it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { structureRule } from '../../../src/results/compile-schema.ts';
import { stringifyExact } from '../../../src/results/exact-json.ts';
import type { HeavyTask } from '../../../src/results/heavy-task.ts';
import { createHeavyWork } from '../../../src/results/heavy-work.ts';
import { defaultShieldPolicy } from '../../../src/results/shrink.ts';
import { threadProgram } from '../../support/thread-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'heavy-'));
let program = '';
beforeAll(async () => {
  program = await threadProgram();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const result = (characters: number) => ({ content: [{ type: 'text', text: 'a'.repeat(characters) }] });
const shorten = (characters: number): HeavyTask => ({
  kind: 'shorten',
  bytes: Buffer.from(JSON.stringify(result(characters))),
  policy: defaultShieldPolicy,
  ref: 'the-reference',
});

describe('work on large results', () => {
  it('has the same outcome in a thread as without one', async () => {
    const [thread, here] = [createHeavyWork(program), createHeavyWork('')];
    for (const task of [shorten(100), shorten(2_000_000)]) expect(await thread.run(task)).toEqual(await here.run(task));
    expect(await thread.run(shorten(100))).toEqual({ kind: 'unchanged' });
    expect(JSON.stringify(await thread.run(shorten(2_000_000)))).toContain('the-reference');
    thread.close();
  });

  it('reads a stored result, and hands an error over with its code and hint', async () => {
    const path = join(folder, 'result.json');
    writeFileSync(path, JSON.stringify(result(50)));
    const thread = createHeavyWork(program);
    const read = (request: { path?: string }) => thread.run({ kind: 'view', path, ref: 'r', request });
    expect(await read({})).toMatchObject({ view: { kind: 'string', total: 50 } });
    await expect(read({ path: '$.nothing' })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    thread.close();
  });

  it('holds a shortened structure to the schema of its tool in the thread too, and keeps numbers that a double cannot hold', async () => {
    const rows = Array.from(
      { length: 30_000 },
      (_, i) => `{"id":12345678901234567${i % 10},"name":"row ${i} of many ${i}"}`,
    );
    const bytes = Buffer.from(`{"content":[],"structuredContent":{"rows":[${rows.join(',')}]}}`);
    const rule = async (minItems: number) =>
      structureRule({
        type: 'object',
        properties: {
          rows: { type: 'array', minItems, items: { $ref: '#/$defs/row' } },
        },
        $defs: { row: { properties: { id: { type: 'integer' }, name: { type: 'string', minLength: 3 } } } },
      });
    const thread = createHeavyWork(program);
    const task = async (minItems: number): Promise<HeavyTask> => ({
      ...{ kind: 'shorten', bytes, policy: defaultShieldPolicy, ref: 'r' },
      ruleCode: (await rule(minItems))?.code(),
    });
    const fits = await thread.run(await task(40));
    expect(fits).toMatchObject({ kind: 'shortened' });
    const shortened = fits.kind === 'shortened' ? stringifyExact(JSON.parse(fits.text)) : '';
    expect(shortened).toContain('{"id":123456789012345671,"name":"row 1 of many 1"}');
    expect(await createHeavyWork('').run(await task(40))).toEqual(fits);
    // More than the shield ever leaves: the result stays whole.
    expect(await thread.run(await task(20_000))).toEqual({ kind: 'unchanged' });

    const path = join(folder, 'rows.json');
    writeFileSync(path, bytes);
    const view = await thread.run({ kind: 'view', path, ref: 'v', request: { path: '$.rows[29999].id' } });
    expect(stringifyExact(view)).toContain('123456789012345679');
    thread.close();
  });

  it("is done in the caller's thread when its own dies", async () => {
    const dying = createHeavyWork('process.exit(3)');
    expect(await dying.run(shorten(2_000_000))).toMatchObject({ kind: 'shortened' });
    const thread = createHeavyWork(program);
    const running = thread.run(shorten(2_000_000));
    thread.close();
    expect(await running).toMatchObject({ kind: 'shortened' });
  });
});
