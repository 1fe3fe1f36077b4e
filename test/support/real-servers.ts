// Real servers and what they need, from the package registries: installed once, into a cache of the tests.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache-folder.ts';

const run = promisify(execFile);
export const toolCache = join(cacheFolder, 'real-servers');
/** A first download on a slow line. */
const installMs = 240_000;

/** Certificates and proxies of this machine, which a home of its own would not have. */
export const networkEnv: Record<string, string> = Object.fromEntries(
  Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && /^(?:SSL_CERT_(?:FILE|DIR)|(?:HTTPS?|NO|ALL)_PROXY)$/i.test(entry[0]),
  ),
);

/** Folder with `uvx`, or why there is none. */
export async function ensureUv(): Promise<{ bin: string } | { reason: string }> {
  const target = join(toolCache, 'uv');
  const bin = join(target, 'bin');
  if (existsSync(join(bin, 'uvx'))) return { bin };
  return attempt('uv', async () => {
    mkdirSync(target, { recursive: true });
    await run('python3', ['-m', 'pip', 'install', '--quiet', '--target', target, 'uv'], { timeout: installMs });
    return { bin };
  });
}

/** Path of `pyright-langserver`, or why there is none. */
export function ensurePyright(): Promise<Installed> {
  return ensureNpmProgram('pyright@1.1.403', 'pyright-langserver');
}

/** Path of the browser server, without a browser, or why there is none. */
export function ensurePlaywright(): Promise<Installed> {
  return ensureNpmProgram('@playwright/mcp@0.0.83', 'playwright-mcp');
}

type Installed = { path: string } | { reason: string };

async function ensureNpmProgram(spec: string, program: string): Promise<Installed> {
  const prefix = join(toolCache, program);
  const path = join(prefix, 'node_modules', '.bin', program);
  if (existsSync(path)) return { path };
  return attempt(spec, async () => {
    mkdirSync(prefix, { recursive: true });
    const args = ['install', '--silent', '--no-audit', '--no-fund', '--prefix', prefix, spec];
    await run('npm', args, { timeout: installMs });
    return { path };
  });
}

/** Downloads a Python package's program, so that no start of a server has to wait for it. */
export async function warmUp(bin: string, args: readonly string[]): Promise<{ reason: string } | undefined> {
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}`, XDG_CACHE_HOME: join(toolCache, 'xdg') };
  const result = await attempt(args.join(' '), async () => {
    await run(join(bin, 'uvx'), [...args], { timeout: installMs, env });
    return {};
  });
  return 'reason' in result ? result : undefined;
}

async function attempt<T extends object>(what: string, install: () => Promise<T>): Promise<T | { reason: string }> {
  try {
    return await install();
  } catch (error) {
    return { reason: `${what} could not be installed: ${String(error).slice(0, 500)}` };
  }
}
