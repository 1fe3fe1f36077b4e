// The promise of shortened results on the whole way from a server through daemon and wrapper to a host and back.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isRecord } from '../../src/base/guards.ts';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { size } from '../support/full-size.ts';
import { contentOf, invoke, readBack, refOf } from '../support/gateway-calls.ts';
import { type McpClient, type Message, resultOf } from '../support/mcp-client.ts';
import { anyResult, recordedResults } from '../unit/results/sample-results.ts';

let rig: DaemonRig;
let session: McpClient;
beforeAll(async () => {
  rig = new DaemonRig();
  rig.writeConfig({ echo: fixture('echo.mjs') });
  session = await rig.open({ args: ['--mode', 'gateway'] });
});
afterAll(() => rig.dispose());

const isText = (block: unknown): block is Message => isRecord(block) && typeof block['text'] === 'string';
const withoutMedia = (result: unknown) =>
  JSON.stringify(result, (key, value: unknown) => (key === 'data' || key === 'blob' ? '' : value));

async function check(original: Message): Promise<'whole' | 'cut'> {
  const result = resultOf(await invoke(session, 'echo__raw', { result: original }));
  const meta = result['_meta'];
  if (!isRecord(meta) || meta['aitkit/shield'] === undefined) {
    expect(result).toEqual(original);
    return 'whole';
  }
  expect(Buffer.byteLength(withoutMedia(result))).toBeLessThanOrEqual(65_536);
  expect(result['isError']).toBe(original['isError']);
  const images = contentOf(original).filter((block) => isRecord(block) && block['type'] === 'image');
  for (const block of contentOf(result)) {
    if (isRecord(block) && block['type'] === 'image') expect(images).toContainEqual(block);
  }
  const ref = refOf({ result });
  for (const [block, part] of contentOf(original).entries()) {
    if (isText(part)) expect(await readBack(session, ref, { block, raw: true, limit: 20_000 })).toBe(part['text']);
    else if (isRecord(part) && part['type'] === 'image') expect(await readBack(session, ref, { block })).toEqual(part);
  }
  const structure = original['structuredContent'];
  if (structure !== undefined) expect(await readBack(session, ref, {})).toEqual(structure);
  return 'cut';
}

it('loses nothing of thirty recorded results', async () => {
  const outcomes = [];
  for (const { result } of recordedResults()) if (isRecord(result)) outcomes.push(await check(result));
  expect(outcomes).toHaveLength(30);
  expect(outcomes.filter((outcome) => outcome === 'cut').length).toBeGreaterThan(5);
});

it('loses nothing of generated results', async () => {
  const outcomes = [];
  for (const result of fc.sample(anyResult, { numRuns: size(100, 30), seed: 7 })) {
    if (isRecord(result)) outcomes.push(await check(JSON.parse(JSON.stringify(result))));
  }
  expect(outcomes.filter((outcome) => outcome === 'cut').length).toBeGreaterThan(10);
});
