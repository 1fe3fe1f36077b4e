// Work on large results in a thread: the same outcome as without one, errors with their code, and no result lost with it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../../../scripts/build-defines.ts';
import { createHeavyWork, type HeavyTask } from '../../../src/tools/heavy-work.ts';
import { defaultShieldPolicy } from '../../../src/tools/shield-policy.ts';

const folder = mkdtempSync(join(tmpdir(), 'heavy-'));
let program = '';
beforeAll(async () => {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'src/tools/heavy-thread.ts')],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
  });
  program = outputFiles[0]?.text ?? '';
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

  it("is done in the caller's thread when its own dies", async () => {
    const dying = createHeavyWork('process.exit(3)');
    expect(await dying.run(shorten(2_000_000))).toMatchObject({ kind: 'shortened' });
    const thread = createHeavyWork(program);
    const running = thread.run(shorten(2_000_000));
    thread.close();
    expect(await running).toMatchObject({ kind: 'shortened' });
  });
});
