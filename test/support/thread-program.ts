// The program of the thread for large results, as the build puts it into the daemon.
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from '../../scripts/build-defines.ts';

export async function threadProgram(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'src/results/heavy-thread.ts')],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}
