// The host's stdio process. Parses on Node 18; it must not die before its host, whatever the daemon does.
import { run } from './run.ts';

run({
  argv: process.argv.slice(2),
  env: process.env,
  bundlePath: process.argv[1] ?? '',
  // At the end of a session open handles (socket, timers) are of no use to anybody.
  exit: (code) => process.exit(code),
});
