// One row of the fleet: a published server, how it is started, what is asked of it, and who should share it.
import type { Sharing } from '../../src/link/control.ts';

export type ToolCall = readonly [tool: string, args: Record<string, unknown>];

export type Launch = {
  /** As its registry names it. */
  package: string;
  version: string;
  command: string;
  args: readonly string[];
};

/**
 * In arguments and variables `${PROJECT_ROOT}` is the project's folder, `{home}` the run's own home, `{chromium}` the
 * browser of this machine, `{bin}` the folder of Go programs, `{port}` a port that is free.
 */
export type FleetServer = Launch & {
  name: string;
  env?: Readonly<Record<string, string>>;
  /** Written into each project before a run. */
  files?: Readonly<Record<string, string>>;
  call: ToolCall;
  right: readonly [sharing: Sharing, reason: string];
  /** What one session leaves in the server, and what shows it to another. `isMeant`: being seen is what it is for. */
  state?: { leave: ToolCall; look: ToolCall; mark: string; isMeant?: boolean };
  /** Differences that are meant: what they are about, and why. */
  allowed?: readonly (readonly [where: string, why: string])[];
  /** Another program that has to run meanwhile. */
  companion?: { command: string; args: readonly string[]; env?: Readonly<Record<string, string>> };
};

export function npx(spec: string, ...args: string[]): Launch {
  const at = spec.lastIndexOf('@');
  return { package: spec.slice(0, at), version: spec.slice(at + 1), command: 'npx', args: ['-y', spec, ...args] };
}

/** `package==version`, or `program @ package==version` where the program has another name. */
export function uvx(spec: string, ...args: string[]): Launch {
  return pythonProgram(spec, [], args);
}

/** For a package that does not say that it needs the SDK before its second version. */
export function uvxOldSdk(spec: string, ...args: string[]): Launch {
  return uvxWith(['mcp<2'], spec, ...args);
}

export function uvxWith(packages: readonly string[], spec: string, ...args: string[]): Launch {
  const options = packages.flatMap((name) => ['--with', name]);
  return pythonProgram(spec, options, args);
}

function pythonProgram(spec: string, options: readonly string[], args: readonly string[]): Launch {
  const [program = '', from = spec] = spec.includes(' @ ') ? spec.split(' @ ') : [spec.split('==')[0], spec];
  const [name = '', version = ''] = from.split('==');
  return { package: name, version, command: 'uvx', args: ['--from', from, ...options, program, ...args] };
}

/** A program that `go install` built into `{bin}`. */
export function goProgram(spec: string, ...args: string[]): Launch {
  const [module = '', version = ''] = spec.split('@');
  return { package: module, version, command: `{bin}/${module.split('/').at(-1)}`, args };
}
