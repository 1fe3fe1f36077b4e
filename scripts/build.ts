// Writes bin/, dist/ and plugin/, and removes what else is in them. `--check` fails when what is there differs.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { root } from './build-defines.ts';
import { type BuiltFile, bundleAll } from './bundles.ts';
import { filesUnder } from './files-under.ts';
import { installedFiles, installedFolder } from './installed-folder.ts';
import { noticesFile, packageOf, thirdPartyNotices } from './third-party.ts';
import { ranksFile, ranksPackage, tokenRanks } from './token-ranks.ts';

async function builtFiles(): Promise<Map<string, BuiltFile>> {
  const { files, modules } = await bundleAll();
  const packages = new Set([...modules].flatMap((module) => packageOf(module) ?? []).concat(ranksPackage));
  const plain = (contents: Buffer): BuiltFile => ({ contents, isExecutable: false });
  files.set(ranksFile, plain(tokenRanks()));
  files.set(noticesFile, plain(Buffer.from(thirdPartyNotices([...packages].map((folder) => join(root, folder))))));
  files.set('bin/package.json', plain(Buffer.from('{ "type": "commonjs" }\n')));
  return new Map([...files, ...installedFiles(files)]);
}

/** What stands in the folders of the build and is none of its files. A link is none, whatever its name. */
function strays(files: ReadonlyMap<string, BuiltFile>): string[] {
  const found = ['bin', 'dist', installedFolder].map((folder) => join(root, folder)).filter((path) => existsSync(path));
  const paths = found.flatMap(filesUnder).map((path) => relative(root, path).split(sep).join('/'));
  return paths.filter((path) => !files.has(path) || lstatSync(join(root, path)).isSymbolicLink());
}

/** Also where git was told that the file system keeps none, as it says of itself on Windows. */
function keepsModes(): boolean {
  if (process.platform === 'win32') return false;
  try {
    return execFileSync('git', ['config', 'core.filemode'], { cwd: root, encoding: 'utf8' }).trim() !== 'false';
  } catch {
    return true; // no git, or nothing said
  }
}

function isAsBuilt(path: string, { contents, isExecutable }: BuiltFile, withModes: boolean): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found?.isFile() || !readFileSync(path).equals(contents)) return false;
  return !withModes || ((found.mode & 0o100) !== 0) === isExecutable;
}

function write(path: string, { contents, isExecutable }: BuiltFile): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, contents);
  chmodSync(path, isExecutable ? 0o755 : 0o644);
}

const check = process.argv.includes('--check');
const files = await builtFiles();
const withModes = keepsModes();
const report = (message: string) => {
  console.error(message);
  process.exitCode = 1;
};
// First, as a link among them would lead what is written out of its folder.
for (const path of strays(files)) {
  if (check) report(`${path} is not of the build: run \`npm run build\`, which removes it.`);
  else rmSync(join(root, path));
}
for (const [path, file] of files) {
  if (isAsBuilt(join(root, path), file, withModes)) continue;
  if (check) report(`${path} is stale: run \`npm run build\` and commit it.`);
  else write(join(root, path), file);
}
const total = [...files.values()].reduce((sum, { contents }) => sum + contents.length, 0);
console.log(`${check ? 'checked' : 'built'} ${files.size} files, ${(total / 1024).toFixed(0)} KB`);
