// Runs the client to its end: `claude -p …` and `claude plugin …`.
import { spawn } from 'node:child_process';
import { clientEnv, type World } from './world.ts';

export type ClientRun = { code: number | null; stdout: string; stderr: string };
export type RunOptions = {
  cwd?: string;
  env?: Record<string, string>;
  onStart?: (pid: number) => void;
  longestMs?: number;
};

/** A client that hangs is a failure of its own; the slowest run here takes a few seconds on two busy cores. */
const longestRunMs = 120_000;

export function runClient(world: World, args: readonly string[], options: RunOptions = {}): Promise<ClientRun> {
  const child = spawn(world.client, args, {
    cwd: options.cwd ?? world.home,
    env: { ...clientEnv(world), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  if (child.pid !== undefined) options.onStart?.(child.pid);
  const timer = setTimeout(() => child.kill('SIGKILL'), options.longestMs ?? longestRunMs);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
  });
}

/** `claude plugin …`; throws with the client's own words when it fails. */
export async function runPluginCommand(world: World, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runClient(world, ['plugin', ...args]);
  if (code !== 0) throw new Error(`claude plugin ${args.join(' ')} exited ${code}:\n${stdout}${stderr}`);
  return stdout;
}

/** One `-p` session in a project, allowed to use what the plugin offers. */
export function printSession(
  world: World,
  project: string,
  prompt: string,
  options: RunOptions & { args?: string[] } = {},
) {
  const { args = [], ...rest } = options;
  return runClient(world, ['-p', prompt, '--allowedTools', pluginTools, ...args], {
    cwd: world.project(project),
    ...rest,
  });
}

/** The rule that covers every tool behind the plugin's server. */
export const pluginTools = 'mcp__plugin_mcp-proxy_s';
