// Runs the growth cases from a given one on, in a process of its own that can be ended when one of them never returns.
import '../../../scripts/define-globals.ts';
import { findGrowth } from './measure.ts';

const { growthCases } = await import('./cases.ts');
const first = Number(process.argv[2] ?? 0);
const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);

say({ count: growthCases.length });
for (const [at, one] of growthCases.entries()) {
  if (at < first) continue;
  say({ begins: at, name: one.name });
  const problem = await findGrowth(one).catch((error: unknown) => `throws ${String(error).slice(0, 200)}`);
  if (problem !== undefined) say({ name: one.name, problem });
}
say({ done: true });
