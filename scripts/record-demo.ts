// docs/pictures/demo.ansi: what `mcp-proxy demo` writes to a terminal, recorded from the bundles of this repository. Needs
// `script` (util-linux). scripts/pictures.ts makes the picture of it. Times and memory are of the machine it runs on.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { root } from './build-defines.ts';
import { recordingPath } from './pictures.ts';

/** Wide enough for its longest line, narrow enough for a page. */
const size = 'stty cols 84 rows 60';

// A home with a clone in it: paths below it are shown from `~`, so that the recording names nobody's folders.
const home = mkdtempSync(join(tmpdir(), 'mcp-proxy-recording-'));
try {
  const clone = join(home, 'mcp-proxy');
  for (const part of ['bin', 'dist', 'examples']) cpSync(join(root, part), join(clone, part), { recursive: true });
  const path = [dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter);
  const env = { PATH: path, HOME: home, TERM: 'xterm-256color', LANG: 'C.UTF-8' };
  const command = `${size} && bin/mcp-proxy demo`;
  const out = execFileSync('script', ['-qec', command, '/dev/null'], { cwd: clone, env, encoding: 'utf8' });
  writeFileSync(recordingPath, out.replaceAll('\r\n', '\n'));
} finally {
  rmSync(home, { recursive: true, force: true });
}
