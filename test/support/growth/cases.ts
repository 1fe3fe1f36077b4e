// Every parser, matcher and cleaner of foreign text, with what is nasty for it.
import type { GrowthCase } from './measure.ts';
import { nastyTexts } from './nasty-texts.ts';
import { shapeCases } from './shape-cases.ts';
import { textWork } from './text-cases.ts';

const textCases = Object.entries(textWork).flatMap(([name, work]) =>
  nastyTexts.map((text): GrowthCase => {
    const prepare = (size: number) => {
      const input = text.make(size);
      return () => work(input);
    };
    return { name: `${name} of ${text.name}`, prepare };
  }),
);

export const growthCases: readonly GrowthCase[] = [...shapeCases, ...textCases];
