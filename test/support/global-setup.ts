// Builds the bundles once when a project needs the real programs. NODE_EXTRA_CA_CERTS slows every Node 20 start by
// about 45 ms (it is parsed eagerly), so the tests' children run without it.
import { execFileSync } from 'node:child_process';
import { root } from '../../scripts/build-defines.ts';

export default function setup(): void {
  delete process.env['NODE_EXTRA_CA_CERTS'];
  if (process.env['MCP_PROXY_TEST_BUILT'] !== '1') {
    execFileSync(process.execPath, ['--import', 'tsx', 'scripts/build.ts'], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    process.env['MCP_PROXY_TEST_BUILT'] = '1';
  }
}
