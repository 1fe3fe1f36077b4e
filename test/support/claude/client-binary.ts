// The real Claude Code client, from npm at test time: never a dependency of the project.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../cache-folder.ts';

/** The oldest client that the facts cover, and the newest. They differ in tool search, probes and signals. */
export const clientVersions = ['2.1.197', '2.1.332'] as const;
export type ClientVersion = (typeof clientVersions)[number];

/** Path of the native binary of that version; fetched once. */
export async function ensureClient(version: ClientVersion): Promise<string> {
  const folder = join(cacheFolder, `claude-${version}`);
  const binary = join(folder, 'node_modules', ...platformPackage().split('/'), 'claude');
  if (existsSync(binary)) return binary;
  await mkdir(cacheFolder, { recursive: true });
  const scratch = await mkdtemp(join(cacheFolder, 'fetch-'));
  try {
    await install(`${platformPackage()}@${version}`, scratch);
    await rename(scratch, folder);
  } catch (error) {
    // Two workers may fetch at once: the slower one finds a folder that is not empty, and uses it.
    if (!existsSync(binary)) {
      throw new Error(`Claude Code ${version} could not be fetched from npm.`, { cause: error });
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return binary;
}

/** The main package only links to one of these in its install script; asked for by name, no script has to run. */
function platformPackage(): string {
  const report: unknown = process.report.getReport();
  const isMusl = process.platform === 'linux' && !JSON.stringify(report).includes('glibcVersionRuntime');
  return `@anthropic-ai/claude-code-${process.platform}-${process.arch}${isMusl ? '-musl' : ''}`;
}

async function install(spec: string, prefix: string): Promise<void> {
  // npm's Node reads extra certificates from this variable only, which the test set-up removes for speed.
  const certificates = process.env['NODE_EXTRA_CA_CERTS'] ?? process.env['SSL_CERT_FILE'];
  await promisify(execFile)(
    'npm',
    ['install', '--prefix', prefix, '--ignore-scripts', '--no-save', '--no-package-lock', '--no-audit', spec],
    { env: { ...process.env, ...(certificates ? { NODE_EXTRA_CA_CERTS: certificates } : {}) } },
  );
}
