// Where large results are worked on: never in the thread that carries everybody's calls.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { shortenAnswer } from '../../../src/gateway/shorten.ts';
import { parseEnvelope } from '../../../src/mcp/envelope.ts';
import { structureRule } from '../../../src/results/compile-schema.ts';
import type { HeavyTask } from '../../../src/results/heavy-task.ts';
import { createHeavyWork } from '../../../src/results/heavy-work.ts';
import { LimitedWork } from '../../../src/results/limited-work.ts';
import { ResultStore } from '../../../src/results/result-store.ts';
import { defaultShieldPolicy } from '../../../src/results/shrink.ts';

const answerOf = (rows: number) => {
  const structuredContent = { rows: Array.from({ length: rows }, (_, i) => ({ i, text: `row ${i} `.repeat(4) })) };
  const text = JSON.stringify(structuredContent);
  const result = { content: [{ type: 'text', text }], structuredContent };
  const envelope = parseEnvelope(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, result })));
  if (envelope.kind !== 'response') throw new Error('not a response');
  return envelope;
};

it('hands a large structure with its schema to the thread, and a small one to nobody', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shorten-'));
  const tasks: HeavyTask[] = [];
  const real = createHeavyWork('');
  const heavy = {
    ...real,
    run(task: HeavyTask) {
      tasks.push(task);
      return real.run(task);
    },
  };
  const store = new ResultStore({ now: Date.now, spillFolder: join(folder, 'spill') });
  const outputSchema = { type: 'object', properties: { rows: { type: 'array', minItems: 30 } } };
  let asked = 0;
  const rule = () => {
    asked += 1;
    return structureRule(outputSchema);
  };
  const shorten = (rows: number) =>
    shortenAnswer({ store, heavy, limited: new LimitedWork('') }, 'me', {
      envelope: answerOf(rows),
      policy: defaultShieldPolicy,
      rule,
    });
  expect(await shorten(200)).toMatchObject({ structuredContent: { rows: { length: 50 } } });
  expect(tasks).toEqual([]);
  expect(await shorten(20_000)).toMatchObject({ structuredContent: { rows: { length: 50 } } });
  expect(tasks).toMatchObject([{ kind: 'shorten', ruleCode: expect.stringContaining('minItems') }]);
  expect(asked).toBe(2);
  store.close();
  rmSync(folder, { recursive: true });
});
