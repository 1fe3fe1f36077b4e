// The command line of run-mcp-proxy, as data.
import { defaultName } from '../link/locations.ts';

export type Args =
  | { kind: 'run'; name: string; server?: string; mode?: string; isAlone: boolean }
  | { kind: 'help' }
  | { kind: 'version' }
  | { kind: 'error'; message: string };

export const usage = `Usage: run-mcp-proxy [name] [--server <server>] [--mode all|gateway|dynamic|auto] [--alone]

Speaks MCP on stdin and stdout for one session and passes it to the daemon that all sessions share.

  name               another daemon with its own config (default: ${defaultName})
  --server <server>  show this one server, its names untouched
  --mode <mode>      how tools are shown (default: what the config says)
  --alone            a daemon for this session only
  --version, --help`;

const modes = ['all', 'gateway', 'dynamic', 'auto'];

export function parseArgs(argv: readonly string[], env: { readonly MCPPROXY_TRANSPORT?: string | undefined }): Args {
  let name: string | undefined;
  let isAlone = env.MCPPROXY_TRANSPORT === 'stdio';
  const values: { server?: string; mode?: string } = {};
  const rest = [...argv];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const [flag, inline] = splitFlag(argument);
    if (flag === '--help' || flag === '-h') return { kind: 'help' };
    if (flag === '--version' || flag === '-v') return { kind: 'version' };
    if (flag === '--alone') isAlone = true;
    else if (flag === '--server' || flag === '--mode') {
      const value = inline ?? rest.shift();
      if (!value) return { kind: 'error', message: `${flag} needs a value.` };
      if (flag === '--mode' && !modes.includes(value)) {
        return { kind: 'error', message: `--mode is one of ${modes.join(', ')}, not ${JSON.stringify(value)}.` };
      }
      values[flag === '--server' ? 'server' : 'mode'] = value;
    } else if (flag.startsWith('-')) return { kind: 'error', message: `${flag} is not known. See --help.` };
    else if (name !== undefined) return { kind: 'error', message: `One name is enough: ${name}, ${flag}.` };
    else name = flag;
  }
  return { kind: 'run', name: name ?? defaultName, ...values, isAlone };
}

function splitFlag(argument: string): [string, string?] {
  const at = argument.indexOf('=');
  return argument.startsWith('--') && at > 0 ? [argument.slice(0, at), argument.slice(at + 1)] : [argument];
}
