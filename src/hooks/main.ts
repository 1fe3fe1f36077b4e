// Claude Code runs this at SessionStart and SessionEnd. Always exit 0, no output but one message for the person.
import { runHook } from './hook-io.ts';

runHook({ env: process.env, stdin: process.stdin, stdout: process.stdout, exit: () => process.exit(0) });
