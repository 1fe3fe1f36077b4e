// PROCESS 4: the command line.
import { whyNodeTooOld } from './node-version.ts';
import { runCli } from './run-cli.ts';

const tooOld = whyNodeTooOld(process.version);
if (tooOld) {
  // The slash command shows stdout only, and nothing at all after a failure.
  const isForSkill = process.argv.includes('--from-skill');
  (isForSkill ? process.stdout : process.stderr).write(`${tooOld}\n`);
  process.exitCode = isForSkill ? 0 : 1;
} else {
  void runCli(process.argv.slice(2), process).then((code) => {
    process.exitCode = code;
  });
}
