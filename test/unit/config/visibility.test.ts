import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load.ts';
import { isNamed, visibleServers } from '../../../src/config/visibility.ts';

function load(mcpServers: Record<string, unknown>) {
  const result = parseConfig({ file: 'c', text: JSON.stringify({ mcpServers }), env: { HOME: '/h' } });
  if (!result.ok) throw new Error(result.problem.message);
  return result;
}
const seen = (mcpServers: Record<string, unknown>, projectRoot: string) =>
  visibleServers(load(mcpServers).config.servers, projectRoot).map(({ name, shownName }) => `${name} as ${shownName}`);

describe('visibleServers', () => {
  const two = {
    tickets: { command: 'general' },
    'tickets-shop': { command: 'shop', as: 'tickets', projects: ['/code/shop'] },
    'tickets-till': { command: 'till', as: 'tickets', projects: ['/code/shop/till', '/other'] },
    only: { command: 'x', projects: ['/code'] },
    off: { command: 'x', enabled: false },
  };
  it.each([
    ['/elsewhere', ['tickets as tickets']],
    ['', ['tickets as tickets']],
    ['/code', ['tickets as tickets', 'only as only']],
    ['/code/shop', ['tickets-shop as tickets', 'only as only']],
    ['/code/shop/deep', ['tickets-shop as tickets', 'only as only']],
    ['/code/shop/till', ['tickets-till as tickets', 'only as only']],
    ['/code/shopping', ['tickets as tickets', 'only as only']],
    ['/other/x', ['tickets-till as tickets']],
  ])('in %j each shown name is there once, of the nearest folder', (root, expected) => {
    expect(seen(two, root)).toEqual(expected);
  });

  it('finds an entry by its own name and by the shown one', () => {
    const [entry] = load({ 'Tickets Shop': { command: 'x', as: 'Tickets' } }).config.servers;
    if (!entry) throw new Error('no entry');
    for (const name of ['Tickets Shop', 'tickets-shop', 'Tickets', 'tickets']) expect(isNamed(entry, name)).toBe(true);
    expect(isNamed(entry, 'shop')).toBe(false);
  });

  it.each<[string, Record<string, unknown>, string[]]>([
    ['both for everyone', { a: { command: 'x' }, b: { command: 'x', as: 'a' } }, ['b']],
    [
      'both for one folder',
      { a: { command: 'x', projects: ['/p', '/q'] }, b: { command: 'x', as: 'A', projects: ['/q'] } },
      ['b'],
    ],
    ['one of them off', { a: { command: 'x', enabled: false }, b: { command: 'x', as: 'a' } }, []],
    ['a folder below', { a: { command: 'x', projects: ['/p'] }, b: { command: 'x', as: 'a', projects: ['/p/q'] } }, []],
    ['a name that cannot be one', { a: { command: 'x', as: '../b' } }, ['a']],
  ])('refuses a name twice for the same sessions: %s', (_, servers, refused) => {
    expect(load(servers).invalid.map(({ name }) => name)).toEqual(refused);
  });
});
