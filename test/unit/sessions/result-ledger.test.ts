import { describe, expect, it } from 'vitest';
import { parseEnvelope } from '../../../src/mcp/envelope.ts';
import { ResultLedger } from '../../../src/sessions/result-ledger.ts';

function answer(id: string, result: unknown) {
  const envelope = parseEnvelope(Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(result)}}`));
  if (envelope.kind !== 'response') throw new Error('no response');
  return envelope;
}
const texts = (text: string) => ({ content: [{ type: 'text', text }] });
/** Every run draws the same. */
function draws(): () => number {
  let state = 7;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('what a session was sent', () => {
  it('is what was received when an answer is passed on under another id', () => {
    const ledger = new ResultLedger();
    ledger.noteReceived(answer('12345', texts('same')));
    ledger.noteSent('results', answer('"a"', texts('same')).line, '"a"');
    expect(ledger).toMatchObject({ count: 1, sent: { results: ledger.bytes, fetched: 0, searches: 0, jobs: 0 } });
  });

  it('counts no pictures, and samples none', () => {
    const ledger = new ResultLedger();
    const { line } = answer('1', { content: [{ type: 'image', mimeType: 'image/png', data: 'A'.repeat(10_000) }] });
    ledger.noteSent('results', line, '1');
    expect(ledger.sent.results).toBeLessThan(200);
    expect(ledger.sample()).toEqual({ bytes: 0, pieces: [] });
  });

  it('is sampled whole while it is little', () => {
    const ledger = new ResultLedger();
    const lines = ['one', 'two'.repeat(1_000), 'three'].map((text) => answer('1', texts(text)).line);
    for (const line of lines) ledger.noteSent('results', line, '1');
    const { bytes, pieces } = ledger.sample();
    expect(pieces.join('')).toBe(lines.join(''));
    expect(bytes).toBe(pieces.join('').length);
  });

  it('is sampled by its share when it is much, in bounded memory', () => {
    const ledger = new ResultLedger(draws());
    // Three of four bytes are an a, whether it comes in few large answers or in many small ones.
    for (let round = 0; round < 20; round += 1) {
      ledger.noteSent('results', Buffer.alloc(75_000, 'a'), '1');
      for (let small = 0; small < 250; small += 1) ledger.noteSent('searches', Buffer.alloc(100, 'b'), '1');
    }
    const { bytes, pieces } = ledger.sample();
    expect(bytes).toBeLessThanOrEqual(16_384);
    expect(bytes).toBeGreaterThan(15_000);
    const share = [...pieces.join('')].filter((letter) => letter === 'a').length / bytes;
    expect(share).toBeGreaterThan(0.55);
    expect(share).toBeLessThan(0.95);
  });
});
