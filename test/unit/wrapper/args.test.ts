import { expect, it } from 'vitest';
import { parseArgs } from '../../../src/wrapper/args.ts';

it('takes a name, a server and a mode in both spellings', () => {
  expect(parseArgs([], {})).toEqual({ kind: 'run', name: 'mcp-user', isAlone: false });
  expect(parseArgs(['work', '--server', 'serena', '--mode=gateway'], {})).toEqual({
    kind: 'run',
    name: 'work',
    server: 'serena',
    mode: 'gateway',
    isAlone: false,
  });
});

it('is alone by flag or by MCPPROXY_TRANSPORT=stdio, and by no other transport', () => {
  expect(parseArgs(['--alone'], {})).toMatchObject({ isAlone: true });
  expect(parseArgs([], { MCPPROXY_TRANSPORT: 'stdio' })).toMatchObject({ isAlone: true });
  expect(parseArgs([], { MCPPROXY_TRANSPORT: 'streamable-http' })).toMatchObject({ isAlone: false });
});

it.each([
  [['--help'], { kind: 'help' }],
  [['x', '--version'], { kind: 'version' }],
  [['--server'], { kind: 'error', message: '--server needs a value.' }],
  [['--mode', 'fast'], { kind: 'error', message: '--mode is one of all, gateway, dynamic, auto, not "fast".' }],
  [['--what'], { kind: 'error', message: '--what is not known. See --help.' }],
  [['a', 'b'], { kind: 'error', message: 'One name is enough: a, b.' }],
])('%j', (argv, expected) => {
  expect(parseArgs(argv, {})).toEqual(expected);
});
