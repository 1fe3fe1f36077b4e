import { describeFailure, runDaemon } from './run.ts';

runDaemon(process.argv.slice(2), process.env).then(
  ({ exitCode }) => process.exit(exitCode),
  (error: unknown) => {
    process.stderr.write(describeFailure(error));
    process.exit(1);
  },
);
