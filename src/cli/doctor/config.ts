import { argumentSecrets } from '../../config/secrets.ts';
import type { ServerEntry } from '../../config/server-entry.ts';
import type { Check, CheckFinding } from './check.ts';

export const config: Check = {
  name: 'config',
  title: 'The configuration',
  run: ({ config: result, context: { locations } }) => {
    if (!result.ok) return result.problems.map((problem) => finding('error', problem));
    const found: CheckFinding[] = [
      ...result.invalid.flatMap(({ problems }) => problems.map((problem) => finding('error', problem))),
      ...result.warnings.map((problem) => finding('warning', problem)),
      ...result.config.servers.filter(({ args }) => argumentSecrets(args).length > 0).map(readableSecret),
    ];
    if (!result.exists) {
      found.push({
        severity: 'note',
        what: `There is no ${locations.configPath} yet, so nothing is shared.`,
        fix: { say: 'mcp-proxy migrate plan, or mcp-proxy add' },
      });
    }
    return found;
  },
};

/** Arguments of a running program are no secret on any system. The server decides whether it takes a variable instead. */
function readableSecret({ name }: ServerEntry): CheckFinding {
  return {
    severity: 'note',
    what: `The arguments of "${name}" carry a secret, and every user of this machine can read the arguments of programs.`,
    fix: { say: 'If the server takes it from a variable, write it under "env".' },
  };
}

function finding(severity: 'error' | 'warning', problem: { message: string; hint?: string }): CheckFinding {
  return { severity, what: problem.message, fix: { say: problem.hint ?? 'Correct the file.' } };
}
