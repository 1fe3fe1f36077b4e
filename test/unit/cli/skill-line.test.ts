import { describe, expect, it } from 'vitest';
import { splitLine } from '../../../src/cli/skill-line.ts';

describe('splitLine', () => {
  it.each([
    ['', []],
    ['\n', []],
    ['status\n', ['status']],
    ['  logs\tmemory  -n 5 ', ['logs', 'memory', '-n', '5']],
    ['call s t \'{"a": [1, 2]}\'', ['call', 's', 't', '{"a": [1, 2]}']],
    ['call s t "{\\"a\\": \\"x y\\"}"', ['call', 's', 't', '{"a": "x y"}']],
    ['add a -e K="two words"', ['add', 'a', '-e', 'K=two words']],
    ['add a\\ b', ['add', 'a b']],
    ["explain ''", ['explain', '']],
    // A shell would run, expand or redirect these.
    ['get a; rm $HOME $(x) `y` > z & | *', ['get', 'a;', 'rm', '$HOME', '$(x)', '`y`', '>', 'z', '&', '|', '*']],
    ["get it's", ['get', "it's"]],
    ['get "open', ['get', '"open']],
    ['get C:\\', ['get', 'C:\\']],
    [
      'call s t {"q": "a } b", "l": [1, {"c": "d"}]} --json',
      ['call', 's', 't', '{"q": "a } b", "l": [1, {"c": "d"}]}', '--json'],
    ],
    ['add x {env:NAME} [not json', ['add', 'x', '{env:NAME}', '[not', 'json']],
  ])('splits %j', (line, words) => {
    expect(splitLine(line)).toEqual(words);
  });
});
