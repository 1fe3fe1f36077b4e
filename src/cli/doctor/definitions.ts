// What servers list and programs would refuse: left out or mended, for the server's author to correct.
import type { ServerStatus } from '../../link/control.ts';
import { faultText, worstFirst } from '../render/definition-faults.ts';
import type { Check, CheckFinding } from './check.ts';

/** Of one server: who corrects these sees the rest. */
const maxShown = 5;

export const definitions: Check = {
  name: 'definitions',
  title: 'What the servers list',
  run: ({ found: { status } }) => (status?.servers ?? []).flatMap(findingsOf),
};

function findingsOf({ name, definitionFaults = [] }: ServerStatus): CheckFinding[] {
  const fix = { say: `Server "${name}" has to be corrected; what else it lists stays.` };
  const findings = worstFirst(definitionFaults)
    .slice(0, maxShown)
    .map((fault): CheckFinding => {
      return { severity: fault.isLeftOut ? 'warning' : 'note', what: `${name}: ${faultText(fault)}.`, fix };
    });
  const left = definitionFaults.length - findings.length;
  const more: CheckFinding = {
    severity: 'note',
    what: `${name}: ${left} more of its definitions are left out or mended.`,
    fix: { say: 'mcp-proxy status --json' },
  };
  return left > 0 ? [...findings, more] : findings;
}
