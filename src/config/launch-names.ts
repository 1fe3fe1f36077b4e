// What a command really runs: the names of program, package, image or module behind npx, uvx, docker, node and others.

export type LaunchNames = { names: string[]; args: string[] };

export function launchNames(command: string, args: readonly string[]): LaunchNames {
  const found = unwrap(programName(command), args);
  return { names: [...new Set(found.filter((name) => name !== ''))], args: [...args] };
}

function unwrap(program: string, args: readonly string[]): string[] {
  switch (program) {
    case 'cmd':
      return afterSwitch(args, /^\/c$/i);
    case 'env':
      return nested(args.filter((arg) => !/^-|^\w+=/.test(arg)));
    case 'npx':
    case 'bunx':
    case 'pnpx':
      return packageRun(args, npmOptions);
    case 'npm':
    case 'pnpm':
    case 'yarn':
      return ['exec', 'x', 'dlx'].includes(args[0] ?? '') ? packageRun(args.slice(1), npmOptions) : [];
    case 'uvx':
      return packageRun(args, uvOptions);
    case 'uv':
      return args[0] === 'tool' && args[1] === 'run' ? packageRun(args.slice(2), uvOptions) : uvRun(args);
    case 'pipx':
      return args[0] === 'run' ? packageRun(args.slice(1), uvOptions) : [];
    case 'docker':
    case 'podman':
    case 'nerdctl':
      return imageRun(args);
    case 'bun':
      return args[0] === 'x' ? packageRun(args.slice(1), npmOptions) : scriptRun(program, args);
    case 'node':
    case 'deno':
    case 'tsx':
      return scriptRun(program, args);
    default:
      return /^(?:python|py|pypy)[\d.]*$/.test(program) ? pythonRun(program, args) : [program];
  }
}

type PackageOptions = { package: ReadonlySet<string>; value: ReadonlySet<string> };
const npmOptions: PackageOptions = {
  package: new Set(['-p', '--package']),
  value: new Set(['-c', '--call', '--registry', '--cache', '-w', '--workspace', '--prefix', '--userconfig']),
};
const uvOptions: PackageOptions = {
  package: new Set(['--from', '--spec']),
  value: new Set([
    ...['--with', '--with-editable', '--python', '-p', '--index', '--index-url', '-i', '--extra-index-url'],
    ...['--directory', '--project', '--cache-dir', '--refresh-package', '--pip-args', '--index-strategy'],
  ]),
};

/** The packages that are named, and the first word that is no option. */
function packageRun(args: readonly string[], options: PackageOptions): string[] {
  const names: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const [flag = '', joined] = arg.startsWith('--') ? splitOnce(arg, '=') : [arg];
    const value =
      joined === undefined && (options.package.has(flag) || options.value.has(flag)) ? rest.shift() : joined;
    if (options.package.has(flag)) names.push(packageName(value ?? ''));
    else if (!arg.startsWith('-')) return [...names, packageName(arg)];
  }
  return names;
}

function uvRun(args: readonly string[]): string[] {
  const at = args.indexOf('run');
  if (at < 0) return [];
  const rest = args.slice(at + 1);
  const module = rest.indexOf('-m');
  if (module >= 0) return [moduleName(rest[module + 1] ?? '')];
  const names = packageRun(rest, uvOptions);
  const last = names.at(-1) ?? '';
  if (!/^python[\d.]*$/.test(last)) return names;
  return pythonRun(last, rest.slice(rest.findIndex((arg) => programName(arg) === last) + 1));
}

const dockerSwitches =
  /^(?:-[itdPq]+|--(?:rm|init|interactive|tty|detach|privileged|read-only|quiet|publish-all|no-healthcheck|sig-proxy|oom-kill-disable|disable-content-trust))$/;

function imageRun(args: readonly string[]): string[] {
  const at = args.indexOf('run');
  if (at < 0) return [];
  for (let i = at + 1; i < args.length; i += 1) {
    const arg = args[i] ?? '';
    if (!arg.startsWith('-')) return imageNames(arg);
    // Any other option takes a value: in the next word, or joined by "=" or, for one letter, directly.
    if (!dockerSwitches.test(arg) && !arg.includes('=') && !/^-[a-z]./i.test(arg.replace(/^--.*/, ''))) i += 1;
  }
  return [];
}

/** Registry, its folders and the name; each of them begins a name of the image. */
const maxImageParts = 8;

/** `ghcr.io/github/github-mcp-server:1.2@sha256:…` is also `github/github-mcp-server` and `github-mcp-server`. */
function imageNames(image: string): string[] {
  const parts = cutAt(image, image.indexOf('@sha256:'))
    .replace(/:[^:/]*$/, '')
    .toLowerCase()
    .split('/')
    .slice(-maxImageParts);
  return parts.map((_, i) => parts.slice(i).join('/'));
}

function pythonRun(program: string, args: readonly string[]): string[] {
  const at = args.indexOf('-m');
  return at >= 0 ? [moduleName(args[at + 1] ?? '')] : scriptRun(program, args);
}

/** Which of the arguments of an interpreter is what it runs; -1: none. */
export function scriptPlace(args: readonly string[]): number {
  return args.findIndex((arg, i) => !arg.startsWith('-') && arg !== 'run' && !takesValue(args[i - 1]));
}

function scriptRun(program: string, args: readonly string[]): string[] {
  const script = args[scriptPlace(args)];
  if (script === undefined) return [program];
  const path = script.replaceAll('\\', '/');
  const installed = installedName(path);
  if (installed !== undefined) return [installed.toLowerCase()];
  if (/^(?:npm|jsr):/.test(path)) return [packageName(path.slice(4))];
  const reference = /(?:^|\/)servers\/src\/([^/]+)\//.exec(path)?.[1];
  if (reference) return [`mcp-server-${reference.toLowerCase()}`];
  // `some-server/dist/index.js`: the first folder that is not the layout's says what it is. Farther ones do not: a
  // server of one's own may lie anywhere.
  const folders = path.toLowerCase().split('/').slice(0, -1);
  const own = folders.findLast((folder) => !/^(?:dist|build|out|src|lib|bin|cjs|esm|)$/.test(folder));
  return [programName(path), own ?? ''];
}

/** The package in the innermost `node_modules` of a path. */
function installedName(path: string): string | undefined {
  const folder = 'node_modules/';
  for (let at = path.lastIndexOf(folder); at >= 0; at = at === 0 ? -1 : path.lastIndexOf(folder, at - 1)) {
    if (at > 0 && path[at - 1] !== '/') continue;
    const name = /^(?:@[^/]+\/)?[^/]+/.exec(path.slice(at + folder.length))?.[0];
    if (name !== undefined) return name;
  }
  return undefined;
}

function takesValue(option: string | undefined): boolean {
  return option !== undefined && /^(?:-r|--require|--import|--loader|--env-file|-W|-X)$/.test(option);
}

function afterSwitch(args: readonly string[], flag: RegExp): string[] {
  return nested(args.slice(args.findIndex((arg) => flag.test(arg)) + 1));
}

function nested(words: readonly string[]): string[] {
  const [program, ...rest] = words;
  return program === undefined ? [] : unwrap(programName(program), rest);
}

/** Without folder and ending. */
function programName(command: string): string {
  const base = command.replaceAll('\\', '/').split('/').at(-1) ?? '';
  return base.toLowerCase().replace(/\.(?:exe|cmd|bat|ps1|[cm]?[jt]s|py|sh)$/, '');
}

/** Without version, extras and address: `@a/b@1`, `b==1`, `b[x]>=2`, `git+https://host/o/b.git@main`. */
function packageName(spec: string): string {
  const lower = spec.toLowerCase();
  if (/^(?:git\+|https?:|github:|file:)/.test(lower)) {
    const path = cutAt(lower, lower.search(/[#?]/));
    const branch = path.indexOf('.git@');
    const name =
      (branch < 0 && path.endsWith('.git') ? path.slice(0, -4) : cutAt(path, branch)).split('/').at(-1) ?? '';
    return cutAt(name, name.indexOf('@'));
  }
  const plain = cutAt(lower, lower.indexOf('@', 1));
  return cutAt(plain, plain.search(/[[=<>~!;\s]/));
}

/** Patterns such as `@.*$` look at the whole rest for each place where they could begin. */
function cutAt(text: string, at: number): string {
  return at < 0 ? text : text.slice(0, at);
}

function moduleName(module: string): string {
  return (module.split('.')[0] ?? '').toLowerCase().replaceAll('_', '-');
}

function splitOnce(text: string, by: string): [string, string?] {
  const at = text.indexOf(by);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
