import { describe, expect, it } from 'vitest';
import { buildDefinition, type Wanted } from '../../../src/cli/server-definition.ts';

const build = (wanted: Partial<Wanted>) => buildDefinition({ target: [], env: [], headers: [], ...wanted });

describe('buildDefinition', () => {
  it('makes a command with its arguments and variables', () => {
    expect(build({ target: ['npx', '-y', 'pkg'], env: ['A=1', 'B=x=y'] })).toEqual({
      command: 'npx',
      args: ['-y', 'pkg'],
      env: { A: '1', B: 'x=y' },
    });
  });

  it('takes a URL as a remote server without being told', () => {
    expect(build({ target: ['https://x.test/mcp'], headers: ['Authorization: Bearer ${T}'] })).toEqual({
      type: 'http',
      url: 'https://x.test/mcp',
      headers: { Authorization: 'Bearer ${T}' },
    });
    expect(build({ target: ['wss://x.test'] })).toEqual({ type: 'ws', url: 'wss://x.test' });
    expect(build({ target: ['https://x.test'], transport: 'streamable-http' })).toEqual({
      type: 'http',
      url: 'https://x.test',
    });
    expect(build({ target: ['${BASE}/mcp'], transport: 'sse' })).toEqual({ type: 'sse', url: '${BASE}/mcp' });
  });

  it('lays the given values over a preset without changing it', () => {
    const base = Object.freeze({ command: 'npx', args: ['x'], env: Object.freeze({ A: '1' }), sharing: 'shared' });
    expect(build({ base, env: ['B=2'], sharing: 'session', projects: ['/p'] })).toEqual({
      command: 'npx',
      args: ['x'],
      env: { A: '1', B: '2' },
      sharing: 'session',
      projects: ['/p'],
    });
    expect(base.env).toEqual({ A: '1' });
  });

  it('refuses what would have no effect or means something else', () => {
    expect(() => build({})).toThrow('The command or URL is missing.');
    expect(() => build({ target: ['https://x.test'], env: ['A=1'] })).toThrow('--env has no meaning for a remote');
    expect(() => build({ target: ['npx'], headers: ['A: b'] })).toThrow('--header is for servers with a URL.');
    expect(() => build({ target: ['npx'], transport: 'http' })).toThrow('--transport http needs a URL, not "npx".');
    expect(() => build({ target: ['https://x.test'], transport: 'stdio' })).toThrow('is a URL, not a command');
    expect(() => build({ target: ['https://x.test', 'y'] })).toThrow('"y" is one word too many');
    expect(() => build({ target: ['x'], transport: 'tcp' })).toThrow('not "tcp"');
  });

  it('does not repeat what may be a secret', () => {
    expect(() => build({ target: ['npx'], env: ['1TOKEN=geheim'] })).toThrow(/^(?!.*geheim)/s);
    expect(() => build({ target: ['https://x.test'], headers: ['=geheim'] })).toThrow(/^(?!.*geheim)/s);
  });
});
