import { Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTerminal, type Terminal } from '../../../../src/cli/render/terminal.ts';
import { patienceMs } from '../../../support/eventually.ts';
import { allHarm, findHarm, harmful, poison } from '../../../support/hostile-text.ts';

function open({ isTTY = false, isForSkill = false } = {}) {
  const [out, err]: [string[], string[]] = [[], []];
  const stream = (chunks: string[]) =>
    Object.assign(
      new Writable({
        write: (chunk, _encoding, done) => {
          chunks.push(String(chunk));
          done();
        },
      }),
      isTTY ? { isTTY, columns: 80 } : {},
    );
  const terminal = createTerminal({ stdout: stream(out), stderr: stream(err), env: {}, isForSkill });
  return { terminal, out: () => out.join(''), err: () => err.join('') };
}

/** What we paint ourselves, and what fills the screen. */
const own = /\u001b\[(?:1|2|22|31|32|33|36|39)m|\u001b\[(?:2J|H|J|K)/g;
const texts = fc
  .array(fc.oneof(fc.string(), fc.constantFrom(...Object.values(harmful), '\n')))
  .map((parts) => parts.join(''));

describe('the writer', () => {
  it('lets nothing of others be more than text, in any of its ways', () => {
    const ways: ((terminal: Terminal, text: string) => void)[] = [
      (terminal, text) => terminal.print(`a ${text}`, text),
      (terminal, text) => terminal.note(text),
      (terminal, text) => terminal.json({ [text]: [text] }),
      (terminal, text) => terminal.print(terminal.paint('red', text), `${terminal.paint('bold', 'x')}${text}`),
      (terminal, text) => terminal.redraw([text, terminal.paint('dim', text)]),
    ];
    fc.assert(
      fc.property(texts, fc.boolean(), fc.boolean(), (text, isTTY, isForSkill) => {
        for (const say of ways) {
          const { terminal, out, err } = open({ isTTY, isForSkill });
          say(terminal, text);
          expect(findHarm((out() + err()).replace(own, ''))).toBeUndefined();
        }
        const { terminal, out } = open({ isTTY, isForSkill });
        terminal.prose(text);
        expect(findHarm(out(), { isProse: true })).toBeUndefined();
      }),
    );
  });

  it('writes our own styles, and a style of others as text', () => {
    const { terminal, out } = open({ isTTY: true });
    terminal.print(`${terminal.paint('green', 'ok')} ${harmful.colour}${terminal.paint('red', `no${harmful.colour}`)}`);
    expect(out()).toBe(
      '\u001b[32mok\u001b[39m \\u001b[32mok\\u001b[39m\u001b[31mno\\u001b[32mok\\u001b[39m\u001b[39m\n',
    );
  });

  it('keeps one line one line, so that no name can begin one of its own', () => {
    const { terminal, out } = open();
    terminal.print(poison('name'), 'next');
    expect(out().split('\n')).toHaveLength(3);
    expect(out()).not.toMatch(/^FORGED/m);
  });

  it('keeps the lines of prose, and means the same value in JSON', () => {
    const { terminal, out } = open();
    terminal.prose('one\r\n\ttwo ☀️\n');
    terminal.json({ text: allHarm }, 0);
    const [one, two, empty, json = ''] = out().split('\n');
    expect([one, two, empty]).toEqual(['one', '\ttwo ☀️', '']);
    expect(JSON.parse(json)).toEqual({ text: allHarm });
  });

  it('says what is waited for without what a name holds', async () => {
    const { terminal, err } = open();
    let done: () => void = () => {};
    const work = terminal.progress(poison('Starting'), () => new Promise<void>((resolve) => (done = resolve)));
    await expect.poll(err, { timeout: patienceMs }).toContain('Starting');
    done();
    await work;
    expect(findHarm(err())).toBeUndefined();
  });
});
