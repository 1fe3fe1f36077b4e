// How the error in place of a list is understood and said.
import { expect, it } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import { createRedactor } from '../../../src/base/redact.ts';
import { ListError } from '../../../src/catalog/list-error.ts';
import { createListing, emptyListing, unknownListing } from '../../../src/catalog/server-face.ts';
import { listFailed, problemOfList, saysNone } from '../../../src/router/list-problem.ts';

const { redact } = createRedactor();
const full = createListing([{ raw: Buffer.from('{}'), name: 'a', nameSpan: { start: 0, end: 0 } }]);
const refused = (code: number) => new ListError({ message: 'refused', code });

it.each([
  ['resourceTemplates', -32601, undefined, true],
  ['resourceTemplates', -32601, unknownListing, true],
  ['prompts', -32601, emptyListing, true],
  ['prompts', -32601, full, false],
  ['resources', -32603, unknownListing, false],
  ['tools', -32601, unknownListing, false],
  ['tools', -32601, emptyListing, false],
] as const)('%s refused with %i over what was known before: none? %#', (list, code, former, isNone) => {
  expect(saysNone(list, refused(code), former)).toBe(isNone);
});

it('says a line of what a server said, without secrets, and what does something is written out', () => {
  const secret = `ghp_${'a1'.repeat(20)}`;
  const reason = (message: string) => problemOfList(new Error(message), redact).reason;
  expect(reason(`it said: token ${secret} is bad.`)).toBe('it said: token [redacted] is bad');
  expect(reason('a\u001b[31mb\nc\u0000\u202ed\u2028e\u200bf\ud800g\u{e0041}h')).toBe(
    String.raw`a\u001b[31mb c\u0000\u202ed\u2028e\u200bf\ud800g\u{e0041}h`,
  );
  expect([...reason(`${'\u{1f600}'.repeat(1_000)} end`)].length).toBeLessThanOrEqual(301);
  expect(reason(`${'word '.repeat(10_000)}`).length).toBeLessThanOrEqual(301);
  // No end of a text that is cut can be the beginning of a secret.
  for (let from = 1_900; from < 2_010; from += 7) {
    expect(reason(`${'x '.repeat(100)}${' '.repeat(from - 200)}${secret}`)).not.toContain('ghp_');
  }
  expect(reason('x'.repeat(10_000))).toBe('');
});

it('takes time in proportion to what is said at most, however long the text is', () => {
  let read = 0;
  const counting = (text: string) => {
    read = Math.max(read, text.length);
    return text;
  };
  for (const text of [' '.repeat(5_000_000), 'eyJ'.repeat(2_000_000), `${'a '.repeat(2_000_000)}`]) {
    problemOfList(new Error(text), counting);
  }
  expect(read).toBeLessThanOrEqual(2_000);
});

it('keeps the words of the server for who has it alone, up to a bound', () => {
  const answer = '{"code":-32000,"message":"x","data":[1.50]}';
  expect(problemOfList(new ListError({ message: 'x', answer }), redact).answer).toBe(answer);
  expect(problemOfList(new ListError({ message: 'x', answer: ' '.repeat(70_000) }), redact).answer).toBeUndefined();
});

it('knows what another question cannot change', () => {
  const login = new AppError({ code: 'SERVER_NEEDS_LOGIN', message: 'needs a login', data: { loginUrl: 'u' } });
  const token = new AppError({ code: 'SERVER_NEEDS_LOGIN', message: 'HTTP 401', data: { status: 401 } });
  expect(problemOfList(login, redact).mayPass).toBe(false);
  expect(problemOfList(token, redact).mayPass).toBe(true);
  expect(problemOfList(refused(-32603), redact).mayPass).toBe(true);
  expect(problemOfList(new ListError({ message: 'endless', cut: full }), redact).mayPass).toBe(false);
  expect(listFailed('s', 'tools', problemOfList(login, redact))).toBe(login);
  expect(listFailed('s', 'resourceTemplates', problemOfList(refused(1), redact)).message).toBe(
    'The resource templates of server "s" could not be listed: refused.',
  );
});

it('promises another question by itself only where one will be asked', () => {
  const problem = problemOfList(refused(1), redact);
  const hint = (nextAt: number | undefined) =>
    listFailed('s', 'tools', { ...problem, list: 'tools', since: 0, nextAt }).hint;
  expect(hint(1_000)).toContain('asked again by itself');
  expect(hint(undefined)).toContain('asked again when it starts the next time');
});
