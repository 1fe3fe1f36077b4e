import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandEntry, mentionedVariables, unexpandedIdentity } from '../../../src/config/expand.ts';
import { checkServer, type ServerEntry } from '../../../src/config/server-entry.ts';

function entryOf(definition: Record<string, unknown>): ServerEntry {
  const { entry, errors } = checkServer('srv', definition, '/home/me');
  if (!entry) throw new Error(JSON.stringify(errors));
  return entry;
}
type Given = { values?: Record<string, string>; folder?: string; projectRoot?: string };
const expand = (definition: Record<string, unknown>, { values = {}, folder, projectRoot }: Given = {}) =>
  expandEntry(entryOf(definition), {
    values,
    sessionLifeId: 'sess1',
    ...(folder !== undefined && { folder }),
    ...(projectRoot !== undefined && { projectRoot }),
  });
function specOf(definition: Record<string, unknown>, given: Given = {}) {
  const result = expand(definition, given);
  if (!result.ok) throw new Error(result.problem.message);
  return result;
}

describe('expandEntry', () => {
  it.each<[string, string]>([
    ['${A}', 'one'],
    ['x${A}y${B}', 'xoney'],
    ['${NONE:-d e}', 'd e'],
    ['${NONE:-}', ''],
    ['${A:-d}', 'one'],
    ['${B:-d}', 'd'],
    ['{env:A}', 'one'],
    ['${env:A}', 'one'],
    ['${PROJECT_ROOT}/x', '/p q/x'],
    ['${SESSION_FOLDER}/x', '/p q/in/x'],
    ['${SESSION_ID}', 'sess1'],
    ['$A ${} ${1} $${', '$A ${} ${1} $${'],
    ['${NEST}', '${A} {env:A}'],
  ])('turns %j into %j', (written, becomes) => {
    const values = { A: 'one', B: '', NEST: '${A} {env:A}' };
    expect(
      specOf({ command: 'x', args: [written] }, { values, folder: '/p q/in', projectRoot: '/p q' }).spec.args,
    ).toEqual([becomes]);
  });

  it('fills command, env, cwd, url and headers, and leaves the port for the start', () => {
    const definition = {
      command: '${BIN}/srv',
      args: ['--port', '${PORT}'],
      env: { K: '${A}' },
      cwd: '${SESSION_FOLDER}/sub',
      url: 'http://127.0.0.1:${PORT}/${A}',
      headers: { Authorization: 'Bearer ${A}' },
      inheritEnv: ['AWS_*', 'ONE', 'UNSET'],
    };
    const values = { BIN: '/opt', A: 'tok123456', AWS_REGION: 'eu-1', AWS_KEY: 'k', ONE: '1', TWO: '2' };
    expect(specOf(definition, { values, folder: '/p' }).spec).toEqual({
      kind: 'started-http',
      command: '/opt/srv',
      args: ['--port', '${PORT}'],
      env: { K: 'tok123456' },
      cwd: '/p/sub',
      url: 'http://127.0.0.1:${PORT}/tok123456',
      headers: { Authorization: 'Bearer tok123456' },
      inheritedEnv: { AWS_REGION: 'eu-1', AWS_KEY: 'k', ONE: '1' },
    });
  });

  it('names all missing variables, sorted, once', () => {
    const result = expand({ command: 'x', args: ['${B}', '${A}', '${B}', '${C:-c}'], env: { E: '{env:D}' } });
    expect(result).toEqual({
      ok: false,
      missing: ['A', 'B', 'D'],
      needsProject: false,
      problem: {
        code: 'SERVER_NEEDS_VARIABLE',
        message: '"srv" needs A, B, D.',
        hint: 'Set them where the session is started, or in the env file.',
      },
    });
  });

  it.each([
    [{ command: 'x', args: ['${PROJECT_ROOT}'] }],
    [{ command: 'x', cwd: 'sub' }],
  ])('says that %j needs a project where there is none', (definition) => {
    const result = expand(definition, { folder: '' });
    expect(result).toMatchObject({ ok: false, needsProject: true, problem: { code: 'SERVER_NEEDS_PROJECT' } });
  });

  it('counts a relative cwd from the project', () => {
    expect(specOf({ command: 'x', cwd: 'sub/dir' }, { folder: '/p' }).spec.cwd).toBe('/p/sub/dir');
  });

  it.each<[Record<string, unknown>, string]>([
    [{ url: 'https://h/', headers: { X: '${V}' } }, 'the value of the header "X" has a line break or NUL'],
    [{ command: 'x', args: ['${N}'] }, 'a value has a NUL character'],
    [{ command: '${E}' }, 'its command is empty after substitution'],
    [{ url: '${E}' }, 'its url is no URL'],
    [{ url: 'https://h/', headers: { 'a b': 'x' } }, 'the header name "a b" is not possible'],
    [{ command: 'x', env: { 'A=B': 'x' } }, 'a variable name is not possible'],
  ])('refuses %j', (definition, why) => {
    const result = expand(definition, { values: { V: 'a\r\nEvil: 1', N: 'a\0b', E: '' } });
    expect(result.ok ? '' : result.problem.message).toBe(`"srv" cannot be used: ${why}.`);
  });

  it('does not take inherited object members for variables', () => {
    expect(expand({ command: 'x', args: ['${constructor}', '${__proto__}'] })).toMatchObject({
      missing: ['__proto__', 'constructor'],
    });
  });

  it('never changes the number of arguments, nor reads a value again, whatever the values are', () => {
    const template = fc.array(fc.constantFrom('${A}', '${B:-x y}', '{env:A}', ' ', '--f=', '${PROJECT_ROOT}', 'lit'), {
      maxLength: 4,
    });
    const value = fc.oneof(
      fc.string().map((text) => text.replaceAll('\0', '')),
      fc.constantFrom('--evil', 'a b', '"; rm -rf', '${A}', '{env:B}', '$(x)', '\n', ''),
    );
    fc.assert(
      fc.property(
        fc.array(
          template.map((parts) => parts.join('')),
          { maxLength: 6 },
        ),
        value,
        value,
        (args, a, b) => {
          const { spec } = specOf({ command: 'x', args }, { values: { A: a, B: b }, folder: '/p', projectRoot: '/p' });
          const put = (text: string) =>
            text
              .split(/(\$\{[^}]*\}|\{env:A\})/)
              .map((part) => {
                if (part === '${A}' || part === '{env:A}') return a;
                if (part === '${PROJECT_ROOT}') return '/p';
                return part === '${B:-x y}' ? b || 'x y' : part;
              })
              .join('');
          expect(spec.args).toEqual(args.map(put));
        },
      ),
    );
  });
});

describe('the login of a remote server', () => {
  const definition = {
    url: 'https://mcp.example/mcp',
    oauth: {
      clientId: '${APP}',
      clientSecret: '${APP_SECRET}',
      authServerMetadataUrl: 'https://${LOGIN:-login.example}/about',
      scopes: 'read',
    },
  };

  it('is filled with the values of the session, and its secret is never shown', () => {
    const { spec, secrets } = specOf(definition, { values: { APP: 'shop', APP_SECRET: 'plain words' } });
    expect(spec.oauth).toEqual({
      clientId: 'shop',
      clientSecret: 'plain words',
      authServerMetadataUrl: 'https://login.example/about',
      scopes: 'read',
    });
    expect(secrets).toContain('plain words');
  });

  it('is asked for, and missed when it is not there', () => {
    expect(mentionedVariables(entryOf(definition)).names).toEqual(['APP', 'APP_SECRET', 'LOGIN']);
    expect(expand(definition, { values: { APP: 'shop' } })).toMatchObject({ ok: false, missing: ['APP_SECRET'] });
  });
});

describe('secrets', () => {
  it('are found in env, headers, arguments, url and inherited values', () => {
    const { secrets } = specOf(
      {
        command: 'x',
        args: [
          '--api-key',
          'canary-1',
          '--token=canary-2',
          '--header',
          'Authorization: Bearer canary-3',
          '--name',
          'plain',
        ],
        env: { SERVICE: 'Canary4x', MY_TOKEN: 'canaryfive', MODE: 'production' },
        url: 'http://127.0.0.1:${PORT}/?k=Canary%206&page=2',
        headers: { Authorization: 'Bearer ${T}', Accept: 'Text/Canary0' },
        inheritEnv: ['AWS_*'],
      },
      { values: { T: 'canary-7', AWS_SECRET: 'canary8', AWS_REGION: '1' } },
    );
    const found = [...secrets].sort();
    expect(found).toEqual([
      'Bearer canary-3',
      'Bearer canary-7',
      'Canary 6',
      'Canary%206',
      'Canary4x',
      'canary-1',
      'canary-2',
      'canary-3',
      'canary-7',
      'canary8',
      'canaryfive',
    ]);
  });

  it('are not home, PATH, numbers, switches and local addresses, which logs need', () => {
    const { secrets } = specOf(
      { command: 'x', env: { DIR: '${HOME}/data', P: '${PATH}', N: '8080', B: 'true', U: 'http://localhost:80/mcp' } },
      { values: { HOME: '/home/me', PATH: '/bin:/usr/bin' } },
    );
    expect(secrets.filter((value) => value !== '/bin:/usr/bin')).toEqual([]);
  });
});

describe('mentionedVariables', () => {
  it('lists names and patterns, without ours', () => {
    const entry = entryOf({
      command: '${BIN}',
      args: ['${PROJECT_ROOT}', '${SESSION_ID}', '{env:A}', '${PORT}', '${B:-x}'],
      url: 'http://127.0.0.1:${PORT}/',
      headers: { H: '${A}' },
      env: { E: '${C}' },
      cwd: '/${D}',
      inheritEnv: ['AWS_*', 'Z'],
    });
    expect(mentionedVariables(entry)).toEqual({ names: ['A', 'B', 'BIN', 'C', 'D', 'Z'], patterns: ['AWS_*'] });
  });
});

describe('unexpandedIdentity', () => {
  const entry = entryOf({ command: 'x', args: ['${PROJECT_ROOT}', '${SESSION_ID}', '${T}'], inheritEnv: ['AWS_*'] });
  const of = (values: Record<string, string>, other = entry) => unexpandedIdentity(other, values);

  it('differs by values of variables and by the definition, not by what the entry does not mention', () => {
    const base = of({ T: '1' });
    expect(of({ T: '1', OTHER: 'x' })).toBe(base);
    expect(of({ T: '2' })).not.toBe(base);
    expect(of({})).not.toBe(base);
    expect(of({ T: '1', AWS_X: 'y' })).not.toBe(base);
    expect(of({ T: '1' }, { ...entry, args: ['a'] })).not.toBe(base);
    expect(of({ T: '1' }, { ...entry, idleStopMs: 5, tools: { deny: ['x'] } })).toBe(base);
  });

  it('cannot be made equal by a value that looks like something else', () => {
    const two = entryOf({ command: 'x', args: ['${A}', '${B}'] });
    expect(of({ A: '1","2', B: '3' }, two)).not.toBe(of({ A: '1', B: '2","3' }, two));
    expect(of({ A: 'null', B: '' }, two)).not.toBe(of({ B: '' }, two));
  });
});
