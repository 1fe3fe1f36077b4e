import { describeError } from '../../base/errors.ts';
import { plainLine, withoutSequences } from '../../base/plain-text.ts';
import { createRedactor } from '../../base/redact.ts';
import { badArgument, takePositionals } from '../args.ts';
import type { Command, CommandContext } from '../command.ts';
import { canAsk, confirm } from '../confirm.ts';
import { checks, gatherFacts, runCheck } from '../doctor/all-checks.ts';
import type { NamedFinding, Severity } from '../doctor/check.ts';
import { plural } from '../render/format.ts';
import { wrapText } from '../render/text-width.ts';

const usage = 'doctor [--fix] [--yes] [--json]';

type Report = { title: string; name: string; findings: NamedFinding[] };

export const doctor: Command = {
  usage: [usage],
  about:
    'Looks for what is wrong or costs too much: config, permissions, endpoint, definitions that programs refuse, port, stale records, orphans, programs on PATH, the plugin, entries that start a second copy. Starts nothing. Exit code 0 if nothing is wrong, else 1; notes do not count.',
  options: [
    { long: 'fix', help: 'Repair what can be repaired from here, asking each time' },
    { long: 'yes', short: 'y', help: 'With --fix: do not ask' },
    { long: 'json', help: 'For programs' },
  ],
  examples: [
    { line: 'doctor', does: 'What is wrong' },
    { line: 'doctor --fix', does: 'Put it right, one by one' },
  ],
  run: async (context, args) => {
    takePositionals(args, [], usage);
    const isFixing = args.has('fix');
    if (args.has('yes') && !isFixing) throw badArgument('--yes goes with --fix.');
    if (isFixing && !args.has('yes') && !canAsk(context)) {
      throw badArgument('Nobody is here to ask.', 'Run: mcp-proxy doctor --fix --yes');
    }
    const found = await look(context);
    const repaired = isFixing ? await repair(context, found, args.has('yes')) : [];
    const reports = repaired.length > 0 ? await look(context) : found;
    const findings = reports.flatMap((report) => report.findings);
    const isBad = findings.some(({ severity }) => severity !== 'note');
    if (args.has('json')) context.terminal.json(forPrograms(findings, repaired, isBad));
    else context.terminal.print(...reports.flatMap((report) => reportLines(report, context)), ...summary(findings));
    return isBad ? 1 : 0;
  },
};

async function look(context: CommandContext): Promise<Report[]> {
  return context.terminal.progress('Looking', async () => {
    const facts = await gatherFacts(context);
    const reports: Report[] = [];
    for (const check of checks) {
      reports.push({ title: check.title, name: check.name, findings: (await runCheck(check, facts)).map(clean) });
    }
    return reports;
  });
}

/** Texts come from files and processes of others: no secret and no control character of theirs is shown. */
function clean(finding: NamedFinding): NamedFinding {
  const { redact } = createRedactor();
  const plain = (text: string) => plainLine(redact(withoutSequences(text)));
  const { fix } = finding;
  return { ...finding, what: plain(finding.what), ...(fix ? { fix: { ...fix, say: plain(fix.say) } } : {}) };
}

/** What was done, one line for each. */
async function repair(context: CommandContext, reports: readonly Report[], isAgreed: boolean): Promise<string[]> {
  const done: string[] = [];
  for (const { what, fix } of reports.flatMap((report) => report.findings)) {
    if (!fix?.apply) continue;
    context.terminal.note(...wrapText(context.hint(what), context.terminal.width));
    if (!isAgreed && !(await confirm(context, 'Repair it?'))) continue;
    try {
      await fix.apply();
      done.push(what);
      context.terminal.note('  done');
    } catch (error) {
      context.terminal.note(`  not done: ${describeError(error)}`);
    }
  }
  return done;
}

const colours = { error: 'red', warning: 'yellow', note: 'dim' } as const satisfies Record<Severity, string>;

function reportLines({ title, findings }: Report, { terminal, hint }: CommandContext): string[] {
  const { paint, width } = terminal;
  if (findings.length === 0) return [`${paint('green', 'ok')}       ${title}`];
  return findings.flatMap(({ severity, what, fix }) => {
    const [first = '', ...more] = wrapText(hint(what), width - 9);
    const lines = [
      `${paint(colours[severity], severity.padEnd(8))} ${first}`,
      ...more.map((line) => `         ${line}`),
    ];
    const say = fix ? wrapText(`> ${hint(fix.say)}`, width - 9) : [];
    return [...lines, ...say.map((line) => `         ${paint('dim', line)}`)];
  });
}

function summary(findings: readonly NamedFinding[]): string[] {
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length;
  const [errors, warnings, notes] = [count('error'), count('warning'), count('note')];
  const repairable = findings.filter(({ fix }) => fix?.apply).length;
  const text = `${plural(errors, 'error')}, ${plural(warnings, 'warning')}, ${plural(notes, 'note')}.`;
  return ['', repairable > 0 ? `${text} ${repairable} can be repaired from here: mcp-proxy doctor --fix` : text];
}

function forPrograms(findings: readonly NamedFinding[], repaired: readonly string[], isBad: boolean): unknown {
  const shown = findings.map(({ check, severity, what, fix }) => ({
    check,
    severity,
    what,
    ...(fix ? { fix: fix.say, canRepair: fix.apply !== undefined } : {}),
  }));
  return { ok: !isBad, checks: checks.map(({ name }) => name), findings: shown, repaired };
}
