// Breaks when what stands for a secret is read again, so that names which hold values of others make a text grow.
import { expect, it } from 'vitest';
import { createHide } from '../../../../src/migrate/plan/hide-secrets.ts';

it('hides each value under its name, once, also where names hold the values of others', () => {
  const letters = ['b', 'c', 'd', 'e', 'f', 'g'];
  const env = Object.fromEntries(
    letters.map((letter, i) => [`TOKEN_${letter.repeat(400)}`, (letters[i - 1] ?? 'a').repeat(4)]),
  );
  const shown = createHide([{ command: 'aaaa', env }])('run aaaa with bbbb');
  expect(shown).toMatch(/^run <value of TOKEN_b+…> with <value of TOKEN_c+…>$/);
  expect(shown.length).toBeLessThan(250);
});

it('hides the longest of values that hold each other, in JSON as well', () => {
  const hide = createHide([{ command: 'x', env: { A_TOKEN: 'secret"1', B_TOKEN: 'secret"12' } }]);
  expect(hide('secret"12 and secret\\"1')).toBe('<value of B_TOKEN> and <value of A_TOKEN>');
});
