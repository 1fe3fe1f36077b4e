// The CLI in this process, in a home of its own, with streams that remember.
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import type { Verb } from '../../../src/cli/command.ts';
import { runCli } from '../../../src/cli/run-cli.ts';

export type Outcome = { code: number; stdout: string; stderr: string };

export type CliRig = {
  home: string;
  project: string;
  configPath: string;
  run: (...words: string[]) => Promise<Outcome>;
  /** With a terminal that is that wide and has colours. */
  runInTerminal: (columns: number, env: Record<string, string>, ...words: string[]) => Promise<Outcome>;
  config: () => unknown;
  remove: () => void;
};

/** `folder`: what the project is called. */
export function createCliRig(verbs?: readonly Verb[], folder = 'shop'): CliRig {
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-proxy-cli-')));
  const project = join(home, folder);
  mkdirSync(join(project, '.git'), { recursive: true });
  const configPath = join(home, '.aitkit', 'lib', 'mcpproxy', 'mcp_proxy_config.json');
  const run = async (words: string[], extra: Record<string, string> = {}, columns?: number): Promise<Outcome> => {
    const [stdout, stderr] = [memoryStream(columns), memoryStream(columns)];
    const host = {
      argv: ['node', '/opt/mcp-proxy/bin/mcp-proxy'],
      env: { HOME: home, PATH: process.env['PATH'], ...extra },
      cwd: () => project,
      stdin: Readable.from([]),
      stdout: stdout.stream,
      stderr: stderr.stream,
      once: () => {},
    };
    const code = await (verbs ? runCli(words, host, verbs) : runCli(words, host));
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  };
  return {
    home,
    project,
    configPath,
    run: (...words) => run(words),
    runInTerminal: (columns, env, ...words) => run(words, env, columns),
    config: () => JSON.parse(readFileSync(configPath, 'utf8')),
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}

function memoryStream(columns: number | undefined) {
  const chunks: string[] = [];
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      chunks.push(String(chunk));
      done();
    },
  });
  const terminal = columns === undefined ? {} : { isTTY: true, columns };
  return { stream: Object.assign(stream, terminal), text: () => chunks.join('') };
}
