// The shell lines of docs/http.md as they stand there, against a daemon of the test's own.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';
import { fixture, startHttpDaemon } from '../support/http-daemon.ts';

it('prints what the page promises', async () => {
  const page = readFileSync(join(root, 'docs/http.md'), 'utf8');
  const script = [...page.matchAll(/^```sh\n(.*?)^```/gms)].map((match) => match[1]).join('\necho ---\n');
  expect(script).toContain('port=12476');
  const servers = { echo: { command: process.execPath, args: [fixture('echo.mjs')], sharing: 'shared' } };
  const daemon = await startHttpDaemon({ servers });
  try {
    const own = script.replace('port=12476', `port=${daemon.port}`);
    const env = { PATH: process.env['PATH'], AITKIT_ROOT: join(daemon.folder, 'root') };
    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', own], { env });
    const [health = '', stateless = '', session = ''] = stdout.split('---\n');
    expect(JSON.parse(health)).toMatchObject({ status: 'ok' });
    expect(stateless).toContain('"name":"echo__pid"');
    expect(stateless).toContain('"resultType":"complete"');
    expect(session).toContain('"name":"echo__pid"');
  } finally {
    await daemon.stop();
  }
});
