import { expect, test } from 'vitest';
import { qualifyName } from '../../../src/mcp/tool-name.ts';
import { translateMatcher, translateRule } from '../../../src/migrate/plan/translate-rule.ts';

const github = { prefixes: ['mcp__github'], part: 'github' };
const ours = 'mcp__plugin_mcp-proxy_s__';

test.each([
  ['mcp__github', `${ours}github__*`],
  ['mcp__github__*', `${ours}github__*`],
  ['mcp__github__list', `${ours}github__list`],
  ['mcp__github__get_*', `${ours}github__get_*`],
])('the rule %s becomes %s', (rule, expected) => {
  expect(translateRule(rule, github)).toEqual({ kind: 'translated', rule: expected });
});

test.each([
  'Bash(ls)',
  'mcp__github2__x',
  'mcp__git__x',
  'mcp__githubx',
  'Read',
  'mcp__*',
  'mcp__plugin_github_github__x',
])('the rule %s is about something else, or covers the new names too', (rule) => {
  expect(translateRule(rule, github).kind).toBe('other');
});

test.each(['mcp__git*', 'mcp__github(x)', 'mcp__github__x(y)'])('the rule %s has no sure translation', (rule) => {
  expect(translateRule(rule, github).kind).toBe('unknown');
});

test.each(['mcp__github__*delete*', `mcp__github__${'x'.repeat(26)}*`])('the rule %s may miss a cut name', (rule) => {
  expect(translateRule(rule, github)).toMatchObject({
    kind: 'translated',
    gap: expect.stringMatching(/cut behind 25/),
  });
});

test('a tool whose name is cut is named as the daemon names it', () => {
  expect(translateRule('mcp__github__create_pull_request_review_comment_reply', github)).toEqual({
    kind: 'translated',
    rule: `${ours}github__create_pull_request_revie_5g7q7`,
    marked: `${ours}github__create_pull_request_revi-_*`,
  });
});

test('a rule means the tools too whose names the host knew without some of their characters, and no others', () => {
  const forms = ['files.delete', 'files/delete', 'files delete', 'a.very.long.name.that.nobody.would.give.to.a.tool'];
  for (const name of forms) {
    const form = name.replace(/[^A-Za-z0-9_-]/g, '_');
    const result = translateRule(`mcp__github__${form}`, github);
    if (result.kind !== 'translated' || !result.marked) throw new Error('not translated');
    const shown = ours + qualifyName('github', name);
    expect(shown.startsWith(result.marked.slice(0, -1)), shown).toBe(true);
    expect(result.marked.endsWith('-_*')).toBe(true);
    for (const other of ['files_delete_all', 'files.delete.all', 'files']) {
      expect((ours + qualifyName('github', other)).startsWith(result.marked.slice(0, -1)), other).toBe(false);
    }
    for (const matcher of [`mcp__github__${form}`, `^mcp__github__${form}$`, `Bash|mcp__github__${form}`]) {
      const translation = translateMatcher(matcher, github);
      if (translation.kind !== 'translated') throw new Error('not translated');
      expect(new RegExp(translation.rule).test(shown), matcher).toBe(true);
    }
  }
});

test('a plugin server is known by its long prefix', () => {
  const serena = { prefixes: ['mcp__plugin_serena_serena'], part: 'serena' };
  expect(translateRule('mcp__plugin_serena_serena__find_symbol', serena)).toEqual({
    kind: 'translated',
    rule: `${ours}serena__find_symbol`,
    marked: `${ours}serena__find_symbol-_*`,
  });
});

test.each([
  ['mcp__github__.*', `${ours}github__.*`],
  ['mcp__github__delete', `^${ours}github__delete$`],
  ['mcp__github__delete_repo', `^(?:${ours}github__delete_repo|${ours}github__delete_repo-_[0-9a-z]{5})$`],
  ['Bash|mcp__github__a|mcp__github__b', `^(?:${ours}github__a|${ours}github__b)$`],
  ['^mcp__github__(a|b)$', `^${ours}github__(a|b)$`],
  ['mcp__github.*', `${ours}github.*`],
  ['mcp__github__get_.*|mcp__github__list', `${ours}github__get_.*|${ours}github__list`],
  ['mcp__github__.*delete', `${ours}github__.*delete|^${ours}github__[A-Za-z0-9_-]{25}_[0-9a-z]{5}$`],
])('the matcher %s gets an entry %s beside it', (matcher, expected) => {
  expect(translateMatcher(matcher, github)).toEqual({ kind: 'translated', rule: expected });
});

test('a guard for a long name or for words at its end sees the cut names', () => {
  const cut = `${ours}github__create_pull_request_revie_5g7q7`;
  for (const matcher of [
    'mcp__github__create_pull_request_review_comment_reply',
    '^mcp__github__create_pull_request_review_comment_reply$',
    'mcp__github__.*_reply',
  ]) {
    const result = translateMatcher(matcher, github);
    if (result.kind !== 'translated') throw new Error('not translated');
    expect(new RegExp(result.rule).test(cut), matcher).toBe(true);
    expect(new RegExp(result.rule).test(`${ours}github__create_issue`), matcher).toBe(false);
  }
});

test('the entry for a plain name does not match a longer tool', () => {
  const result = translateMatcher('mcp__github__delete', github);
  if (result.kind !== 'translated') throw new Error('not translated');
  expect(new RegExp(result.rule).test(`${ours}github__delete`)).toBe(true);
  expect(new RegExp(result.rule).test(`${ours}github__delete_all`)).toBe(false);
});

test.each([
  '',
  '*',
  'Bash',
  'mcp__.*',
  '.*__delete.*',
  'mcp__github2__.*',
  'Write|Edit',
])('the matcher %s needs nothing', (matcher) => {
  expect(translateMatcher(matcher, github).kind).toBe('other');
});

test('a matcher that only hits the old names by a pattern cannot be translated', () => {
  expect(translateMatcher('mcp__g[a-z]+__.*', github).kind).toBe('unknown');
});

test('a pattern without end is stopped, and the next one is not even tried', () => {
  const time = { leftMs: 20 };
  const unknown = { kind: 'unknown', why: 'its pattern takes too long to try' };
  expect(translateMatcher('^(\\w|[a-z_]|[a-z]|_)+!$', github, time)).toEqual(unknown);
  expect(time.leftMs).toBeLessThan(1);
  expect(translateMatcher('mcp__.*', github, time)).toEqual(unknown);
});
