import { describe, expect, it } from 'vitest';
import { autoAllTools, chooseMode, type ModeQuestion } from '../../../src/gateway/choose-mode.ts';

const settings = (mode: 'auto' | 'all' | 'gateway' | 'dynamic', clients: ModeQuestion['settings']['clients'] = {}) => ({
  ...{ mode, clients, topK: 10, toolsLimit: 50 },
});
const ask = (question: Partial<ModeQuestion>) =>
  chooseMode({
    ...{ isAlone: false, asked: undefined, client: 'editor', settings: settings('auto'), countTools: () => 500 },
    ...question,
  });

describe('the mode of a session', () => {
  it('is decided by the first that says something: session, program, all', () => {
    const given = settings('dynamic', { editor: 'gateway' });
    expect(ask({ asked: 'all', settings: given }).mode).toBe('all');
    expect(ask({ settings: given }).mode).toBe('gateway');
    expect(ask({ settings: given, client: 'other' }).mode).toBe('dynamic');
    expect(ask({ settings: given, asked: 'gateway', isAlone: true }).mode).toBe('all');
  });

  it('goes by program and number of tools where "auto" is what is said first', () => {
    expect(ask({ asked: 'auto', settings: settings('dynamic') })).toMatchObject({ mode: 'gateway', isByCount: true });
    expect(ask({ settings: settings('gateway', { 'claude-code': 'auto' }), client: 'claude-code' }).mode).toBe('all');
    expect(ask({ countTools: () => autoAllTools }).mode).toBe('all');
    expect(ask({ countTools: () => autoAllTools + 1 }).mode).toBe('gateway');
    expect(ask({ client: 'claude-code' })).toMatchObject({ mode: 'all', isByCount: false });
  });

  it('takes a word that is no mode as not said', () => {
    expect(ask({ asked: 'everything', settings: settings('dynamic') }).mode).toBe('dynamic');
  });
});
